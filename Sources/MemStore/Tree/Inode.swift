// Inode: the fixed record of a file, a directory or another node.
import CShims

/// One inode, 128 bytes.
///
/// GUARDED_BY the tree's lock and the lock of the inode's shard (both to change, the tree's alone; either to read):
/// `mode`, `uid`, `gid`, `linkCount`.
/// GUARDED_BY the tree's lock: `firstEntry`, and a directory's `orderTop`, `entryCount` and `lastCookie`.
/// GUARDED_BY the lock of the inode's shard: all other fields, but `expiryIndex`.
/// GUARDED_BY the tree's pool lock: `expiryIndex`.
struct Inode: BitwiseCopyable {
    /// Type and permission bits; 0 = the slot is free.
    var mode: UInt16
    var state: InodeState
    var uid: UInt32
    var gid: UInt32
    var linkCount: UInt32
    var atimeSeconds: Int64
    var mtimeSeconds: Int64
    var ctimeSeconds: Int64
    var atimeNanoseconds: UInt32
    var mtimeNanoseconds: UInt32
    var ctimeNanoseconds: UInt32
    /// Distinguishes successive users of the slot.
    var generation: UInt32
    /// Files: root of the live content. Symlinks: of the target. Directories: top of the order. Devices: the number.
    var liveRoot: UInt32
    /// Files: root of the published content. Directories: count of entries.
    var publishedRoot: UInt32
    /// Files and symlinks: size. Directories: the last cookie given.
    var liveSize: UInt64
    var publishedSize: UInt64
    /// The version of the published content.
    var cas: UInt64
    /// Lookups that a kernel has not forgotten.
    var lookupCount: UInt64
    /// Open handles.
    var openCount: UInt32
    /// memcached's flags.
    var flags: UInt32
    /// When the inode expires, a second of the store's clock; 0 = never.
    var exptimeSecond: UInt32
    /// The entry that was made first; further ones follow by `Entry.nextLink`.
    var firstEntry: UInt32
    /// The extended attributes (see ExtendedAttributes), as a content of the inode's shard.
    var extendedRoot: UInt32
    var extendedSize: UInt32
    /// Second of the store's clock of the last access through the port.
    var accessSecond: UInt32
    /// Place + 1 in the expiry heap, 0 = not there.
    var expiryIndex: UInt32
}

/// The bits of an inode's state.
struct InodeState: OptionSet, BitwiseCopyable {
    let rawValue: UInt16
    /// Live content differs from what is published, or nothing was published yet.
    static let dirty = InodeState(rawValue: 1)
    /// There is a published content: the port may hit.
    static let published = InodeState(rawValue: 2)
    /// All that is dirty came by appends behind what is published (or to a new file, or to one that was cut to nothing).
    static let grownOnly = InodeState(rawValue: 4)
    /// Waits in the queue of appends to publish.
    static let appendQueued = InodeState(rawValue: 8)
    /// The marks of memcached's meta commands.
    static let stale = InodeState(rawValue: 16)
    static let won = InodeState(rawValue: 32)
    static let fetched = InodeState(rawValue: 64)
    static let binaryKey = InodeState(rawValue: 128)
    /// Read, or opened after it was published, since eviction came by last.
    static let used = InodeState(rawValue: 256)
    /// Evicted: it has neither name nor content, and cannot be opened any more.
    static let evicted = InodeState(rawValue: 512)
    /// Memory is set aside for it (see Preallocation).
    static let setsAside = InodeState(rawValue: 1024)
    /// A change of the live content has failed for want of room: it is not published until it is cut to nothing, or synced.
    static let spoiled = InodeState(rawValue: 2048)
    /// No fsync has failed yet because of that.
    static let failureUnreported = InodeState(rawValue: 4096)
    /// The live content was cut to nothing and is another value: the flags, the exptime go when it is published.
    static let endsFlags = InodeState(rawValue: 8192)
    static let endsExptime = InodeState(rawValue: 16384)
    /// All that goes with a difference of the live content from the published one.
    static let difference: InodeState = [.dirty, .grownOnly, .spoiled, .failureUnreported, .endsFlags, .endsExptime]
}

extension Inode {
    /// Where `publishedRoot` is, in bytes.
    static let publishedRootOffset = 60

    var type: UInt32 { UInt32(mode) & FileType.mask }
    var isDirectory: Bool { type == FileType.directory.rawValue }
    var isRegular: Bool { type == FileType.regular.rawValue }
    var isSymlink: Bool { type == FileType.symlink.rawValue }
    var isDevice: Bool { type == FileType.characterDevice.rawValue || type == FileType.blockDevice.rawValue }
    var isFree: Bool { mode == 0 }

    /// Whether what is not published yet is growth alone.
    var hasGrown: Bool { state.isSuperset(of: [.dirty, .grownOnly]) }

    /// The content that programs on the mount see; a symlink's target.
    var live: Content {
        get { Content(root: liveRoot, size: liveSize) }
        set {
            liveRoot = newValue.root
            liveSize = newValue.size
        }
    }

    /// The content that the port serves, when `state` has `published`.
    var published: Content {
        get { Content(root: publishedRoot, size: publishedSize) }
        set {
            publishedRoot = newValue.root
            publishedSize = newValue.size
        }
    }

    /// The extended attributes' bytes.
    var extended: Content {
        get { Content(root: extendedRoot, size: UInt64(extendedSize)) }
        set {
            extendedRoot = newValue.root
            extendedSize = UInt32(newValue.size)
        }
    }

    /// A directory's top entry in its order.
    var orderTop: UInt32 {
        get { liveRoot }
        set { liveRoot = newValue }
    }

    /// A directory's count of entries.
    var entryCount: UInt32 {
        get { publishedRoot }
        set { publishedRoot = newValue }
    }

    /// The last cookie that a directory gave to an entry.
    var lastCookie: UInt64 {
        get { liveSize }
        set { liveSize = newValue }
    }

    var exptime: Exptime { Exptime(second: exptimeSecond) }

    /// Whether the inode's time has come. That of a published value does not end the file of which another is being
    /// written.
    func isOver(at now: UInt32) -> Bool {
        exptime.isDue(at: now) && !(state.contains(.endsExptime) && openCount > 0)
    }

    var atime: Timestamp {
        get { Timestamp(seconds: atimeSeconds, nanoseconds: atimeNanoseconds) }
        set {
            atimeSeconds = newValue.seconds
            atimeNanoseconds = newValue.nanoseconds
        }
    }

    var mtime: Timestamp {
        get { Timestamp(seconds: mtimeSeconds, nanoseconds: mtimeNanoseconds) }
        set {
            mtimeSeconds = newValue.seconds
            mtimeNanoseconds = newValue.nanoseconds
        }
    }

    var ctime: Timestamp {
        get { Timestamp(seconds: ctimeSeconds, nanoseconds: ctimeNanoseconds) }
        set {
            ctimeSeconds = newValue.seconds
            ctimeNanoseconds = newValue.nanoseconds
        }
    }
}

/// A reference to an inode in its slot.
///
/// SAFETY: made by the tree from a number whose inode exists; used while the caller's lock or count keeps it so.
@safe struct InodeReference {
    private let pointer: UnsafeMutablePointer<Inode>
    let ino: UInt32

    @unsafe @inline(__always) init(_ address: UnsafeMutableRawPointer, ino: UInt32) {
        unsafe pointer = address.assumingMemoryBound(to: Inode.self)
        self.ino = ino
    }

    /// Fetches the inode into the cache.
    @inline(__always) func prefetch() {
        unsafe cs_prefetch(pointer)
        unsafe cs_prefetch(UnsafeRawPointer(pointer) + 64)
    }

    /// The root of the published content, read without the shard's lock: a hint for fetching it.
    @inline(__always) var peekedRoot: ContentReference {
        ContentReference(rawValue: unsafe cs_peek32(UnsafeRawPointer(pointer) + Inode.publishedRootOffset))
    }

    /// The fields in place: reading one touches no other, since each may be guarded by another lock.
    var fields: Inode {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(pointer) }
        @inline(__always) nonmutating unsafeMutableAddress { unsafe pointer }
    }
}
