// The pure rules of the adapter: errnos, access lists, mount tables, modes, process identity.
import Glibc
import MemStore
import Testing

@testable import MemFS

@Suite("Pure rules of the mount")
struct PureRulesTests {
    @Test(
        "each failure of the store has its errno",
        arguments: [
            (StoreError.noEntry, ENOENT), (.exists, EEXIST), (.notDirectory, ENOTDIR), (.isDirectory, EISDIR),
            (.notEmpty, ENOTEMPTY), (.nameTooLong, ENAMETOOLONG), (.invalid, EINVAL), (.noSpace, ENOSPC),
            (.fileTooLarge, EFBIG), (.tooManyLinks, EMLINK), (.tooManySymlinks, ELOOP), (.permissionDenied, EACCES),
            (.notPermitted, EPERM), (.readOnly, EROFS), (.noAttribute, ENODATA), (.attributeTooLarge, E2BIG),
            (.rangeTooSmall, ERANGE), (.notSupported, EOPNOTSUPP), (.noOffset, ENXIO), (.busy, EBUSY),
            (.crossDevice, EXDEV), (.stale, ESTALE),
        ])
    func errnos(error: StoreError, code: Int32) { #expect(FSError(error).code == code) }

    @Test("the best size for writing to an empty file is what one request carries, for all else a page")
    func blockSize() {
        var attributes = Attributes(ino: .root, mode: FileType.regular.rawValue)
        #expect(attributes.status.st_blksize == FuseWorker.transferMax)
        attributes.size = 1
        #expect(attributes.status.st_blksize == 4096)
        #expect(Attributes(ino: .root, mode: FileType.directory.rawValue).status.st_blksize == 4096)
    }

    // MARK: access lists

    private static func list(_ entries: [(tag: UInt16, permissions: UInt16)], version: UInt16 = 2) -> [UInt8] {
        func word(_ value: UInt16) -> [UInt8] { [UInt8(truncatingIfNeeded: value), UInt8(value >> 8)] }
        return word(version) + [0, 0] + entries.flatMap { word($0.tag) + word($0.permissions) + [255, 255, 255, 255] }
    }

    @Test(
        "a list of owner, group and others is a mode",
        arguments: [(UInt16(7), UInt16(5), UInt16(0)), (6, 4, 4), (0, 0, 7)])
    func minimal(owner: UInt16, group: UInt16, others: UInt16) {
        let value = Self.list([(1, owner), (4, group), (0x20, others)])
        let expected = UInt32(owner) << 6 | UInt32(group) << 3 | UInt32(others)
        #expect(value.withBytes { MinimalACL($0)?.permissions } == expected)
    }

    @Test("a list that says more, or is malformed, is none")
    func notMinimal() {
        let more = Self.list([(1, 7), (2, 5), (4, 5), (0x10, 7), (0x20, 5)])
        let wrongVersion = Self.list([(1, 7), (4, 5), (0x20, 5)], version: 1)
        let wrongOrder = Self.list([(4, 7), (1, 5), (0x20, 5)])
        let wrongBits = Self.list([(1, 8), (4, 5), (0x20, 5)])
        for value in [more, wrongVersion, wrongOrder, wrongBits, [], [2, 0, 0, 0]] {
            #expect(value.withBytes { MinimalACL($0) } == nil)
        }
    }

    // MARK: mounts

    @Test("a mount table is decoded, escapes and optional fields included")
    func mountTable() {
        let text = """
            22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/vda rw
            40 22 0:45 / /mnt/a\\040b\\134c rw,nosuid - fuse.memfisd memfisd rw,user_id=0
            41 22 0:46 / /mnt/x\\011\\ rw master:1 shared:2 - tmpfs tmpfs rw
            malformed line
            """
        #expect(
            MountTable.parse(Array(text.utf8)) == [
                MountedFilesystem(device: "0:21", path: "/", type: "ext4"),
                MountedFilesystem(device: "0:45", path: "/mnt/a b\\c", type: "fuse.memfisd"),
                MountedFilesystem(device: "0:46", path: "/mnt/x\t\\", type: "tmpfs"),
            ])
    }

    @Test("this process sees its own mounts")
    func ownMounts() {
        #expect(MountTable.topmost(at: "/proc")?.type == "proc")
        #expect(MountTable.topmost(at: "/proc/self") == nil)
    }

    @Test("a directory that is no dead mount is left alone")
    func liveDirectory() throws {
        #expect(try Mounting.clearDead(at: "/tmp") == false)
        #expect(try Mounting.clearDead(at: "/no/such/directory") == false)
    }

    @Test("unmounting what is not mounted fails and names the path")
    func unmountNothing() {
        let error = #expect(throws: MountError.self) { try Mounting.unmount("/proc/self/fdinfo") }
        #expect(error?.what.contains("/proc/self/fdinfo") == true)
    }

    // MARK: modes

    @Test("flags of renameat2 and fallocate that are not offered have no mode")
    func modes() {
        #expect(RenameMode(flags: 0) == .replace)
        #expect(RenameMode(flags: 1) == .noReplace)
        #expect(RenameMode(flags: 2) == .exchange)
        #expect(RenameMode(flags: 4) == .whiteout)
        #expect(RenameMode(flags: 5) == .whiteoutNoReplace)
        for flags: UInt32 in [3, 6, 7, 8] { #expect(RenameMode(flags: flags) == nil) }
        #expect(AllocateMode(flags: 0) == .allocate)
        #expect(AllocateMode(flags: 1) == .keepSize)
        #expect(AllocateMode(flags: 3) == .punchHole)
        #expect(AllocateMode(flags: 16) == .zeroRange)
        #expect(AllocateMode(flags: 17) == .zeroRangeKeepSize)
        for flags: Int32 in [2, 8, 32, 64] { #expect(AllocateMode(flags: flags) == nil) }
    }

    @Test("open flags say whether a handle writes and truncates, a write's whether it appends")
    func openModes() {
        #expect(!OpenMode(flags: O_RDONLY, opener: 1).canWrite)
        #expect(OpenMode(flags: O_WRONLY, opener: 1).canWrite)
        #expect(WriteKind(flags: O_RDWR | O_APPEND, isPageWrite: false) == .append)
        #expect(WriteKind(flags: O_RDWR, isPageWrite: false) == .atOffset)
        #expect(WriteKind(flags: O_RDWR | O_APPEND, isPageWrite: true) == .pages)
        #expect(OpenMode(flags: O_WRONLY | O_TRUNC, opener: 1).truncates)
        #expect(!OpenMode(flags: O_WRONLY, opener: 1).truncates)
    }

    // MARK: processes

    /// The calling thread's number. Source: proc(5), /proc/thread-self.
    private func ownThread() -> UInt32 {
        let target = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 100) { buffer in
            let count = unsafe readlink("/proc/thread-self", buffer.baseAddress!, buffer.count - 1)
            unsafe buffer[max(0, count)] = 0
            return unsafe String(cString: buffer.baseAddress!)
        }
        return target.split(separator: "/").last.flatMap { UInt32($0) } ?? 0
    }

    @Test("threads of one process are of one process; of an unknown thread nobody knows")
    func sameProcess() {
        let own = UInt32(getpid())
        let thread = ownThread()
        #expect(ProcessIdentity.isSameProcess(own, own))
        #expect(ProcessIdentity.isSameProcess(own, thread))
        #expect(ProcessIdentity.isSameProcess(thread, own))
        for (one, other) in [(0, own), (own, 0), (0, 0)] {
            #expect(!ProcessIdentity.isSameProcess(one, other))
            #expect(ProcessIdentity.mayBeSameProcess(one, other))
        }
        #expect(ProcessIdentity.mayBeSameProcess(own, thread))
        #expect(ProcessIdentity.threadGroup(of: thread) == own)
    }

    @Test("another process, and a thread that is gone, are of another")
    func otherProcess() {
        let own = UInt32(getpid())
        #expect(!ProcessIdentity.isSameProcess(own, 1) && !ProcessIdentity.mayBeSameProcess(own, 1))
        // No thread has a number above the kernel's largest, 2^22.
        #expect(!ProcessIdentity.isSameProcess(own, 1 << 23))
        #expect(ProcessIdentity.threadGroup(of: 1 << 23) == nil)
    }
}
