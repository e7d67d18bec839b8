// The filesystem's operations without a mount: names, attributes, what the kernel may keep.
import Glibc
import MemStore
import Testing

@testable import MemFS

@Suite("The filesystem without a mount")
struct FileSystemTests {
    @Test("a created name is found, a missing one is missing, a name of 256 bytes is refused")
    func names() throws {
        let test = try TestStore()
        let (ino, handle) = try test.create("page")
        #expect(try test.attributes("page")?.ino == ino)
        #expect(try test.attributes("page")?.mode == 0o100644)
        #expect(try test.lookup("absent") == .missing(timeoutSeconds: 3600))
        #expect(failure { () throws(FSError) in try test.lookup(String(repeating: "n", count: 256)) } == ENAMETOOLONG)
        #expect(try test.lookup(String(repeating: "n", count: 255)) == .missing(timeoutSeconds: 3600))
        #expect(failure { () throws(FSError) in try test.lookup("x", in: ino) } == ENOTDIR)
        test.fileSystem.release(ino, handle: handle)
    }

    @Test("a name that the port made since the kernel looked makes create ask again, and fails with O_EXCL")
    func create() throws {
        let test = try TestStore()
        #expect(test.set("/page", "port") == .done)
        #expect(failure { () throws(FSError) in try test.create("page") } == ESTALE)
        #expect(failure { () throws(FSError) in try test.create("page", flags: O_WRONLY | O_CREAT | O_EXCL) } == EEXIST)
        #expect(test.published("/page") == "port")
    }

    @Test("the kernel may keep a file for an hour, and never longer than its exptime")
    func timeouts() throws {
        let test = try TestStore()
        #expect(test.set("/forever", "x") == .done)
        #expect(test.set("/soon", "x", exptime: Exptime(second: test.store.clock.nowSeconds + 100)) == .done)
        guard case .found(let forever) = try test.lookup("forever") else { throw FSError(ENOENT) }
        guard case .found(let soon) = try test.lookup("soon") else { throw FSError(ENOENT) }
        #expect(forever.timeoutSeconds == 3600)
        #expect(soon.timeoutSeconds > 90 && soon.timeoutSeconds < 100)
    }

    @Test("owner, group and umask of the options are shown for every inode")
    func presentation() throws {
        var options = FileSystemOptions()
        options.uid = 33
        options.gid = 44
        options.umask = 0o027
        let test = try TestStore(options)
        let (ino, _) = try test.create("page")
        let shown = try test.fileSystem.attributes(of: ino).attributes
        #expect(shown.uid == 33 && shown.gid == 44 && shown.mode == 0o100640)
    }

    @Test("a read-only mount refuses every change with EROFS")
    func readOnly() throws {
        var options = FileSystemOptions()
        options.isReadOnly = true
        let test = try TestStore(options)
        #expect(test.set("/page", "x") == .done)
        let ino = try #require(try test.attributes("page")).ino
        let system = test.fileSystem
        let name: StaticString = "n"
        #expect(failure { () throws(FSError) in try test.create("new") } == EROFS)
        #expect(failure { () throws(FSError) in try system.open(ino, OpenMode(flags: O_RDWR, opener: 1)) } == EROFS)
        #expect(failure { () throws(FSError) in try test.write("x", to: ino, .readOnly) } == EROFS)
        #expect(failure { () throws(FSError) in try system.unlink(name.bytes, in: .root) } == EROFS)
        #expect(failure { () throws(FSError) in try system.removeDirectory(name.bytes, in: .root) } == EROFS)
        #expect(
            failure { () throws(FSError) in
                try system.makeDirectory(name.bytes, in: .root, mode: 0o755, caller: test.root)
            } == EROFS)
        #expect(
            failure { () throws(FSError) in
                try system.makeSymlink(name.bytes, in: .root, target: name.bytes, caller: test.root)
            } == EROFS)
        #expect(
            failure { () throws(FSError) in
                try system.makeNode(name.bytes, in: .root, mode: 0o010644, device: 0, caller: test.root)
            } == EROFS)
        #expect(failure { () throws(FSError) in try system.link(ino, as: name.bytes, in: .root) } == EROFS)
        #expect(
            failure { () throws(FSError) in
                try system.rename(name.bytes, in: .root, to: name.bytes, in: .root, mode: .replace)
            } == EROFS)
        #expect(
            failure { () throws(FSError) in
                try system.setAttributes(of: ino, AttributeChanges(), handle: nil)
            } == EROFS)
        #expect(
            failure { () throws(FSError) in
                try system.setExtendedAttribute(
                    name.bytes, of: ino, to: .empty, mustExist: false, mustNotExist: false)
            } == EROFS)
        #expect(failure { () throws(FSError) in try system.removeExtendedAttribute(name.bytes, of: ino) } == EROFS)
        #expect(
            failure { () throws(FSError) in
                try system.allocate(ino, at: 0, length: 1, mode: .allocate, handle: .readOnly)
            } == EROFS)
        #expect(
            failure { () throws(FSError) in
                try system.copyRange(from: ino, at: 0, to: ino, at: 0, length: 1, handle: .readOnly)
            } == EROFS)
        #expect(try test.read(ino) == "x")
    }

    @Test("an access list that is a mode becomes the mode, any other is refused, and none can be read")
    func accessLists() throws {
        let test = try TestStore()
        let (ino, _) = try test.create("page")
        let name = MinimalACL.accessName.bytes
        let ones: [UInt8] = [255, 255, 255, 255]
        let list: [UInt8] = [2, 0, 0, 0, 1, 0, 7, 0] + ones + [4, 0, 5, 0] + ones + [0x20, 0, 4, 0] + ones
        try list.withBytes { value throws(FSError) in
            try test.fileSystem.setExtendedAttribute(name, of: ino, to: value, mustExist: false, mustNotExist: false)
        }
        #expect(try test.attributes("page")?.mode == 0o100754)
        let refused = failure { () throws(FSError) in
            try (list + list).withBytes { value throws(FSError) in
                try test.fileSystem.setExtendedAttribute(
                    name, of: ino, to: value, mustExist: false, mustNotExist: false)
            }
        }
        #expect(refused == EOPNOTSUPP)
        let read = failure { () throws(FSError) in
            unsafe try test.fileSystem.getExtendedAttribute(
                name, of: ino, into: UnsafeMutableRawBufferPointer(start: nil, count: 0))
        }
        #expect(read == EOPNOTSUPP)
        #expect(
            failure { () throws(FSError) in try test.fileSystem.removeExtendedAttribute(name, of: ino) } == EOPNOTSUPP)
    }

    @Test("a listing shows every entry once, with and without attributes")
    func listing() throws {
        let test = try TestStore()
        let names = (0..<300).map { "n\($0)" }
        for name in names { test.fileSystem.release(try test.create(name).0, handle: .readOnly) }
        var seen: [String] = []
        var cookie: UInt64 = 0
        var isAtEnd = false
        while !isAtEnd {
            var count = 0
            try test.fileSystem.readDirectory(.root, after: cookie) { entry in
                if count == 7 { return false }
                seen.append(String(decoding: entry.name.array, as: UTF8.self))
                cookie = entry.cookie
                count += 1
                return true
            }
            isAtEnd = count == 0
        }
        #expect(seen.sorted() == (names + [".", ".."]).sorted())
        var sizes = 0
        try test.fileSystem.readDirectoryWithAttributes(.root, after: 0) { _, entry in
            sizes += entry.attributes.ino == .none ? 0 : 1
            return true
        }
        #expect(sizes == 302)
    }
}
