// StoreConfiguration: what a store is made with.

/// What a store is made with.
public struct StoreConfiguration: Sendable {
    /// Memory limit in bytes for everything the store holds, at least `Limits.memoryLimitMin`.
    public var memoryLimitBytes = 64 << 20
    /// Largest total of an item by memcached's formula (see `ItemSize`), in bytes. Bounds cache items only.
    public var itemSizeMaxBytes = 1 << 20
    /// Evict cache items when memory runs out; without, writers get `.noMemory`.
    public var evictsItems = true
    /// Evict files too, oldest unused first.
    public var evictsFiles = false
    /// Items have a cas token (memcached's `-C` turns it off).
    public var hasCas = true
    /// Key prefixes and the directory of the tree that each stands for; the longest match wins.
    public var prefixes: [KeyPrefix] = []
    /// Names tried, in order, for a file key that ends in a slash; empty = off.
    public var indexNames: [[UInt8]] = [Array("index.html".utf8)]
    /// Storage commands on file keys are refused.
    public var filesReadOnly = false
    /// What files may take of the limit, in bytes.
    public var filesMaxBytes = Int.max
    /// By whose rights the port reads and writes files.
    public var servingUser = ServingUser(uid: 65534, gid: 65534, groups: [])
    /// The file mode creation mask of files and directories that the port creates.
    public var umask: UInt32 = 0o022
    /// Publish what is appended to a file opened with O_APPEND this long after its last write; 0 = only on close.
    public var publishIntervalSeconds: Double = 1
    /// Absolute symlinks that begin with one of these (the current mount points, without a trailing slash) stay in the tree.
    public var mountPoints: [[UInt8]] = []
    /// Show what is known of files under keys of their own (see `MetadataKeys`).
    public var hasMetadataKeys = false
    /// Threads that will make sessions; one slot each of the tree's lock is set aside.
    public var sessionsMax = 32
    public init() {}
}

/// A key prefix and its directory.
public struct KeyPrefix: Sendable, Equatable {
    /// The bytes before `/path`, e.g. `memfis://www.example.org`; may be empty.
    public var prefix: [UInt8]
    /// The directory of the tree, e.g. `/` or `/a`; absolute, no trailing slash but for the root.
    public var directory: [UInt8]
    public init(prefix: [UInt8], directory: [UInt8]) {
        self.prefix = prefix
        self.directory = directory
    }
}

/// User and groups whose permission bits decide what the port may do.
public struct ServingUser: Sendable, Equatable {
    public var uid: UInt32
    public var gid: UInt32
    /// Supplementary groups.
    public var groups: [UInt32]
    public init(uid: UInt32, gid: UInt32, groups: [UInt32]) {
        self.uid = uid
        self.gid = gid
        self.groups = groups
    }
}
