// When files lose suid and sgid, and what only root is shown. Without a mount.
import Glibc
import MemStore
import Testing

@testable import MemFS

@Suite("Privileges of files")
struct PrivilegeTests {
    private let stranger = Asker(uid: 1000, gid: 1000, thread: 0)

    /// A file of root's with a mode.
    private func file(_ test: TestStore, mode: UInt32) throws -> (Ino, HandleNumber) {
        let (ino, handle) = try test.create("page")
        try test.write("content", to: ino, handle)
        var changes = AttributeChanges()
        changes.mode = mode
        _ = try test.fileSystem.setAttributes(of: ino, changes, handle: nil)
        return (ino, handle)
    }

    private func mode(_ test: TestStore) throws -> UInt32? { try test.attributes("page").map { $0.mode & 0o7777 } }

    @Test(
        "a write by a stranger clears suid and sgid, whoever may execute",
        arguments: [(0o6777, 0o777), (0o4644, 0o644), (0o2745, 0o745), (0o1777, 0o1777), (0o644, 0o644)])
    func write(before: UInt32, after: UInt32) throws {
        let test = try TestStore()
        let (ino, handle) = try file(test, mode: before)
        let isNew = try Array("x".utf8).withBytes { bytes throws(FSError) in
            try test.fileSystem.write(ino, at: 0, bytes, handle: handle, .atOffset, clearingSetIDFor: stranger)
        }
        #expect(isNew == (before != after))
        #expect(try mode(test) == after)
    }

    @Test("sgid without group execution stays for one of the group, and all stays where nobody loses")
    func keeping() throws {
        let test = try TestStore()
        let (ino, handle) = try file(test, mode: 0o2745)
        let member = Asker(uid: 1000, gid: 0, thread: 0)
        #expect(
            try !test.fileSystem.allocate(
                ino, at: 0, length: 3, mode: .allocate, handle: handle, clearingSetIDFor: member))
        #expect(try mode(test) == 0o2745)
        #expect(try !test.fileSystem.allocate(ino, at: 0, length: 3, mode: .allocate, handle: handle))
        #expect(try mode(test) == 0o2745)
    }

    @Test("a truncating open tells of the mode that it changed")
    func open() throws {
        let test = try TestStore()
        let (ino, _) = try file(test, mode: 0o4755)
        var openMode = OpenMode(flags: O_WRONLY | O_TRUNC, opener: 5)
        #expect(try !test.fileSystem.open(ino, openMode).hasNewAttributes)
        openMode.clearingSetIDFor = stranger
        #expect(try test.fileSystem.open(ino, openMode).hasNewAttributes)
        #expect(try mode(test) == 0o755)
    }

    @Test("a change of nothing clears for the owner, is refused to others, and is let through to one that writes")
    func nothing() throws {
        let test = try TestStore()
        let (ino, _) = try file(test, mode: 0o4755)
        let other = Asker(uid: 1000, gid: 1000, thread: UInt32(getpid()))
        #expect(
            failure { () throws(FSError) in
                try test.fileSystem.setAttributes(of: ino, AttributeChanges(), handle: nil, clearingSetIDFor: other)
            } == EPERM)
        let file = try test.fileSystem.open(ino, OpenMode(flags: O_WRONLY, opener: UInt32(getpid())))
        _ = try test.fileSystem.setAttributes(of: ino, AttributeChanges(), handle: nil, clearingSetIDFor: other)
        #expect(try mode(test) == 0o4755)
        test.fileSystem.release(ino, handle: file.handle)
        let root = Asker(uid: 0, gid: 0, thread: 0)
        _ = try test.fileSystem.setAttributes(of: ino, AttributeChanges(), handle: nil, clearingSetIDFor: root)
        #expect(try mode(test) == 0o755)
    }

    @Test("truncate to the present size moves the times of a file that takes memory, at once, and of no other")
    func sameSize() throws {
        let test = try TestStore()
        let (ino, handle) = try file(test, mode: 0o644)
        try test.write("x", to: ino, handle)
        var changes = AttributeChanges()
        for (size, isHole) in [(UInt64(1), false), (0, true), (1 << 20, true)] {
            changes.size = size
            _ = try test.fileSystem.setAttributes(of: ino, changes, handle: handle)
            let before = try #require(try test.attributes("page"))
            let version = test.published("/page")
            _ = try test.fileSystem.setAttributes(of: ino, changes, handle: nil)
            let after = try #require(try test.attributes("page"))
            #expect((after.ctime == before.ctime) == isHole && (after.mtime == before.mtime) == isHole)
            #expect(after.mtime == after.ctime && after.size == size)
            // What is open and not closed is not shown by it.
            #expect(test.published("/page") == version)
            _ = try test.fileSystem.setAttributes(of: ino, changes, handle: handle)
            #expect(try test.attributes("page")?.ctime != after.ctime)
        }
    }

    @Test("trusted attributes are listed to root alone, other namespaces are refused")
    func attributes() throws {
        let test = try TestStore()
        let (ino, _) = try file(test, mode: 0o644)
        func set(_ name: StaticString) -> Int32? {
            failure { () throws(FSError) in
                try test.fileSystem.setExtendedAttribute(
                    name.bytes, of: ino, to: .empty, mustExist: false, mustNotExist: false, caller: test.root)
            }
        }
        #expect(set("trusted.a") == nil)
        #expect(set("user.b") == nil)
        #expect(set("security.c") == nil)
        #expect(set("user.") == EINVAL)
        #expect(set("system.d") == EOPNOTSUPP)
        #expect(set("other.d") == EOPNOTSUPP)
        func names(_ uid: UInt32) throws(FSError) -> [String] {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 100, alignment: 1)
            defer { unsafe buffer.deallocate() }
            let caller = Caller(uid: uid, gid: uid)
            let count = unsafe try test.fileSystem.listExtendedAttributes(of: ino, into: buffer, caller: caller)
            return unsafe Array(buffer[..<count]).split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
                .sorted()
        }
        #expect(try names(0) == ["security.c", "trusted.a", "user.b"])
        #expect(try names(1000) == ["security.c", "user.b"])
    }

    @Test("a process is in the groups that it has besides its own, and in no other")
    func groups() throws {
        let own = UInt32(getpid())
        var groups = [gid_t](repeating: 0, count: 64)
        let count = unsafe getgroups(64, &groups)
        try #require(count >= 0)
        for group in groups[..<Int(count)] { #expect(ProcessIdentity.isMember(own, of: group)) }
        #expect(!ProcessIdentity.isMember(own, of: 4_000_000_000))
        #expect(!ProcessIdentity.isMember(0, of: 0))
        let member = try Shell.run("setpriv --reuid 1 --regid 1 --groups 7,300,65000 sleep 100 > /dev/null & echo $!")
        let pid = try #require(UInt32(member))
        defer { kill(pid_t(pid), SIGKILL) }
        while !ProcessIdentity.isMember(pid, of: 65000) { usleep(1000) }
        #expect(ProcessIdentity.isMember(pid, of: 7) && ProcessIdentity.isMember(pid, of: 300))
        #expect(!ProcessIdentity.isMember(pid, of: 30))
    }
}
