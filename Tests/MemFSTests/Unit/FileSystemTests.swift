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
                    name.bytes, of: ino, to: .empty, mustExist: false, mustNotExist: false, caller: test.root)
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

    /// The access list that says what the three digits of a mode say.
    private static func accessList(_ owner: UInt8, _ group: UInt8, _ others: UInt8) -> [UInt8] {
        let noId: [UInt8] = [255, 255, 255, 255]
        return [2, 0, 0, 0, 1, 0, owner, 0] + noId + [4, 0, group, 0] + noId + [0x20, 0, others, 0] + noId
    }

    private func setAccessList(
        _ test: TestStore, of ino: Ino, to list: [UInt8], _ caller: Caller
    ) throws(FSError) -> Bool {
        try list.withBytes { value throws(FSError) in
            try test.fileSystem.setExtendedAttribute(
                MinimalACL.accessName.bytes, of: ino, to: value, mustExist: false, mustNotExist: false, caller: caller)
        }
    }

    @Test("an access list that is a mode becomes the mode, and the kernel is told only of a mode that is new")
    func accessLists() throws {
        let test = try TestStore()
        let (ino, _) = try test.create("page")
        #expect(try setAccessList(test, of: ino, to: Self.accessList(7, 5, 4), test.root))
        #expect(try test.attributes("page")?.mode == 0o100754)
        #expect(try !setAccessList(test, of: ino, to: Self.accessList(7, 5, 4), test.root))
    }

    @Test("an access list that says more than a mode is refused, so is one over setgid by anybody but root")
    func refusedAccessLists() throws {
        let test = try TestStore()
        let (ino, _) = try test.create("page")
        let list = Self.accessList(7, 7, 0)
        #expect(
            failure { () throws(FSError) in try setAccessList(test, of: ino, to: list + list, test.root) } == EOPNOTSUPP
        )
        var changes = AttributeChanges()
        changes.mode = 0o2755
        changes.uid = 1000
        _ = try test.fileSystem.setAttributes(of: ino, changes, handle: nil)
        let user = Caller(uid: 1000, gid: 1000)
        #expect(failure { () throws(FSError) in try setAccessList(test, of: ino, to: list, user) } == EOPNOTSUPP)
        #expect(try setAccessList(test, of: ino, to: list, test.root))
        #expect(try test.attributes("page")?.mode == 0o102770)
    }

    @Test("only the owner and root set a mode by an access list, whatever the kernel has checked")
    func ownedAccessLists() throws {
        let test = try TestStore()
        let (ino, _) = try test.create("page")
        let list = Self.accessList(7, 7, 7)
        let (owner, other) = (Caller(uid: 1000, gid: 1000), Caller(uid: 1001, gid: 1000))
        #expect(failure { () throws(FSError) in try setAccessList(test, of: ino, to: list, owner) } == EPERM)
        #expect(try test.attributes("page")?.mode == 0o100644)
        var changes = AttributeChanges()
        changes.uid = 1000
        _ = try test.fileSystem.setAttributes(of: ino, changes, handle: nil)
        #expect(failure { () throws(FSError) in try setAccessList(test, of: ino, to: list, other) } == EPERM)
        #expect(try setAccessList(test, of: ino, to: list, owner))
        #expect(try test.attributes("page")?.mode == 0o100777)
    }

    @Test("access lists are absent, and can be removed, on files and as defaults of directories")
    func absentAccessLists() throws {
        let test = try TestStore()
        let (ino, _) = try test.create("page")
        for name in [MinimalACL.accessName.bytes, MinimalACL.defaultName.bytes] {
            let read = failure { () throws(FSError) in
                unsafe try test.fileSystem.getExtendedAttribute(
                    name, of: ino, into: UnsafeMutableRawBufferPointer(start: nil, count: 0))
            }
            #expect(read == ENODATA)
            #expect(failure { () throws(FSError) in try test.fileSystem.removeExtendedAttribute(name, of: ino) } == nil)
        }
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

    @Test(
        "the whole of a listing makes inodes known, but of more entries than 4,096 the first answer alone",
        arguments: [0, 1])
    func listingWithInodes(beyond: Int) throws {
        let test = try TestStore()
        for number in 0..<FileSystem.listedWithAttributesMax + beyond {
            let (ino, handle) = try test.create("n\(number)")
            test.fileSystem.release(ino, handle: handle)
            test.fileSystem.forget(ino, count: 1)
        }
        func list(after cookie: UInt64, countMax: Int) throws -> [(cookie: UInt64, entry: Entry)] {
            var shown: [(cookie: UInt64, entry: Entry)] = []
            try test.fileSystem.readDirectoryWithAttributes(.root, after: cookie) { name, entry in
                if shown.count == countMax { return false }
                shown.append((name.cookie, entry))
                return true
            }
            return shown
        }
        let first = try list(after: 0, countMax: 10)
        let rest = try list(after: #require(first.last).cookie, countMax: .max)
        #expect(first.count + rest.count == FileSystem.listedWithAttributesMax + beyond + 2)
        #expect(first.allSatisfy { !$0.entry.isNameOnly && test.store.isKnown($0.entry.attributes.ino) })
        let isWhole = beyond == 0
        #expect(rest.allSatisfy { $0.entry.isNameOnly != isWhole })
        #expect(rest.allSatisfy { test.store.isKnown($0.entry.attributes.ino) == isWhole })
    }
}
