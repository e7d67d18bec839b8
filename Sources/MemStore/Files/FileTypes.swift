// Files: the words in which a filesystem talks to the store. `StoreSession`'s
// file operations take and return these.

/// An inode's number. 1 is the root; 0 is none.
public struct Ino: Hashable, Sendable {
    public let rawValue: UInt64
    @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }
    public static let root = Ino(1)
    public static let none = Ino(0)
}

/// A moment with nanoseconds, on the wall clock.
public struct Timestamp: Equatable, Sendable {
    public var seconds: Int64
    /// 0 ..< 1_000_000_000
    public var nanoseconds: UInt32
    public init(seconds: Int64, nanoseconds: UInt32) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// Whether a moment is later than another.
    public static func > (left: Timestamp, right: Timestamp) -> Bool {
        (left.seconds, left.nanoseconds) > (right.seconds, right.nanoseconds)
    }
}

/// The type bits of a mode. Source: inode(7).
public enum FileType: UInt32, Sendable {
    case fifo = 0o010000, characterDevice = 0o020000, directory = 0o040000, blockDevice = 0o060000
    case regular = 0o100000, symlink = 0o120000, socket = 0o140000
    /// The mask of the type bits in a mode.
    public static let mask: UInt32 = 0o170000
}

/// What stat(2) shows of an inode.
public struct Attributes: Equatable, Sendable {
    public var ino: Ino
    /// Distinguishes successive users of one inode number.
    public var generation: UInt64
    /// Type and permission bits.
    public var mode: UInt32
    public var linkCount: UInt32
    public var uid: UInt32
    public var gid: UInt32
    /// Device number of a device node: major << 32 | minor is the door's business; stored as given.
    public var device: UInt32
    /// Bytes of the live content.
    public var size: UInt64
    /// Memory in 512-byte units.
    public var blocks: UInt64
    public var atime: Timestamp
    public var mtime: Timestamp
    public var ctime: Timestamp
    /// When the inode expires; timeouts given to a kernel must not outlive it.
    public var exptime: Exptime
    public init(ino: Ino, mode: UInt32) {
        self.ino = ino
        self.mode = mode
        generation = 0
        linkCount = 0
        uid = 0
        gid = 0
        device = 0
        size = 0
        blocks = 0
        atime = Timestamp(seconds: 0, nanoseconds: 0)
        mtime = atime
        ctime = atime
        exptime = .never
    }
    public var type: FileType? { FileType(rawValue: mode & FileType.mask) }
}

/// Who calls on the mount. Access itself is judged by the kernel (default_permissions).
public struct Caller: Sendable {
    public var uid: UInt32
    public var gid: UInt32
    /// Mask for the modes of new nodes; 0 if the kernel applied it.
    public var umask: UInt32
    public init(uid: UInt32, gid: UInt32, umask: UInt32 = 0) {
        self.uid = uid
        self.gid = gid
        self.umask = umask
    }
}

/// What a setattr changes; nil stays.
public struct AttributeChanges: Sendable {
    /// How a time is set.
    public enum Time: Sendable { case now, at(Timestamp) }
    /// Permission bits (no type).
    public var mode: UInt32?
    public var uid: UInt32?
    public var gid: UInt32?
    public var size: UInt64?
    public var atime: Time?
    public var mtime: Time?
    /// Permission bits that are taken from the mode that the file has then, or from the new one.
    public var clearedMode: UInt32 = 0
    /// The caller has no CAP_FSETID over the group: a mode's sgid bit is dropped.
    public var dropsSetgid = false
    public init() {}
}

/// The flags of renameat2(2).
public enum RenameMode: Sendable {
    case replace, noReplace, exchange
    /// RENAME_WHITEOUT: a character device 0/0, which hides a name of a lower layer of overlayfs, takes the old name in the
    /// same step; and the same with RENAME_NOREPLACE.
    case whiteout, whiteoutNoReplace

    var isNoReplace: Bool { self == .noReplace || self == .whiteoutNoReplace }
    var leavesWhiteout: Bool { self == .whiteout || self == .whiteoutNoReplace }
}

/// The modes of fallocate(2).
public enum AllocateMode: Sendable { case allocate, keepSize, punchHole, zeroRange, zeroRangeKeepSize }

/// An entry as readdir shows it.
public struct DirectoryEntry {
    /// The name's bytes; valid during the callback.
    public var name: Bytes
    public var ino: Ino
    public var mode: UInt32
    /// Pass it to the next `readDirectory` to go on behind this entry. Never 0; 1 and 2 are `.` and `..`.
    public var cookie: UInt64

    /// An entry of a listing.
    public init(name: Bytes, ino: Ino, mode: UInt32, cookie: UInt64) {
        self.name = name
        self.ino = ino
        self.mode = mode
        self.cookie = cookie
    }
}

/// What statfs(2) shows.
public struct FilesystemStatistics: Sendable {
    public var blockSize: UInt64
    /// All blocks; free (limit less everything stored); available (limit less what is pinned: items give way).
    public var blocks: UInt64
    public var blocksFree: UInt64
    public var blocksAvailable: UInt64
    public var inodes: UInt64
    public var inodesFree: UInt64
}
