// FuseTypes: the filesystem's words in the shapes that libfuse takes, and back. Pure.
import CFuse3
import Glibc
import MemStore

extension Attributes {
    /// What stat(2) tells of the inode.
    var status: stat {
        var status = stat()
        status.st_ino = UInt(ino.rawValue)
        status.st_mode = mode
        status.st_nlink = UInt(linkCount)
        status.st_uid = uid
        status.st_gid = gid
        status.st_rdev = UInt(device)
        status.st_size = Int(size)
        status.st_blocks = Int(blocks)
        // Programs that copy take their buffer from it: a new file should be written with few requests. One that has bytes is
        // read from the kernel's pages, and a large buffer would only cost its own.
        status.st_blksize = type == .regular && size == 0 ? FuseWorker.transferMax : 4096
        status.st_atim = timespec(atime)
        status.st_mtim = timespec(mtime)
        status.st_ctim = timespec(ctime)
        return status
    }
}

extension timespec {
    init(_ time: Timestamp) { self.init(tv_sec: Int(time.seconds), tv_nsec: Int(time.nanoseconds)) }
}

extension Timestamp {
    init(_ time: timespec) { self.init(seconds: Int64(time.tv_sec), nanoseconds: UInt32(time.tv_nsec)) }
}

extension fuse_entry_param {
    /// An inode under a name.
    init(_ entry: Entry) {
        self.init()
        ino = entry.isNameOnly ? 0 : entry.attributes.ino.rawValue
        generation = entry.attributes.generation
        attr = entry.attributes.status
        attr_timeout = entry.timeoutSeconds
        entry_timeout = entry.timeoutSeconds
    }

    /// A missing name that the kernel may remember for `timeoutSeconds`.
    init(missingFor timeoutSeconds: Double) {
        self.init()
        entry_timeout = timeoutSeconds
    }
}

extension statvfs {
    init(_ statistics: FilesystemStatistics) {
        self.init()
        f_bsize = UInt(statistics.blockSize)
        f_frsize = UInt(statistics.blockSize)
        f_blocks = UInt(statistics.blocks)
        f_bfree = UInt(statistics.blocksFree)
        f_bavail = UInt(statistics.blocksAvailable)
        f_files = UInt(statistics.inodes)
        f_ffree = UInt(statistics.inodesFree)
        f_favail = UInt(statistics.inodesFree)
        f_namemax = UInt(Limits.nameLengthMax)
    }
}

extension AttributeChanges {
    /// The changes that the bits of `mask` (FUSE_SET_ATTR_…) choose from `values`.
    init(_ values: stat, mask: Int32) {
        self.init()
        if mask & FUSE_SET_ATTR_MODE != 0 { mode = values.st_mode & ~FileType.mask }
        if mask & FUSE_SET_ATTR_UID != 0 { uid = values.st_uid }
        if mask & FUSE_SET_ATTR_GID != 0 { gid = values.st_gid }
        if mask & FUSE_SET_ATTR_SIZE != 0 { size = UInt64(values.st_size) }
        if mask & FUSE_SET_ATTR_ATIME_NOW != 0 {
            atime = .now
        } else if mask & FUSE_SET_ATTR_ATIME != 0 {
            atime = .at(Timestamp(values.st_atim))
        }
        if mask & FUSE_SET_ATTR_MTIME_NOW != 0 {
            mtime = .now
        } else if mask & FUSE_SET_ATTR_MTIME != 0 {
            mtime = .at(Timestamp(values.st_mtim))
        }
    }
}

extension RenameMode {
    /// The mode of renameat2(2)'s flags; nil when they ask for what there is not.
    init?(flags: UInt32) {
        if flags == 0 {
            self = .replace
        } else if flags == cf_rename_no_replace() {
            self = .noReplace
        } else if flags == cf_rename_exchange() {
            self = .exchange
        } else if flags == cf_rename_whiteout() {
            self = .whiteout
        } else if flags == cf_rename_whiteout() | cf_rename_no_replace() {
            self = .whiteoutNoReplace
        } else {
            return nil
        }
    }
}

extension AllocateMode {
    /// The mode of fallocate(2)'s flags; nil when they ask for what there is not.
    /// Source: Linux' uapi header `falloc.h`.
    init?(flags: Int32) {
        switch flags {
        case 0: self = .allocate
        case 0x01: self = .keepSize
        case 0x02 | 0x01: self = .punchHole
        case 0x10: self = .zeroRange
        case 0x10 | 0x01: self = .zeroRangeKeepSize
        default: return nil
        }
    }
}

extension Bytes {
    /// The bytes of a C string, without its NUL.
    @unsafe init(cString: UnsafePointer<CChar>?) {
        unsafe self.init(cString, count: cString.map { unsafe strlen($0) } ?? 0)
    }
}
