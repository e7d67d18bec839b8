// Flags and expiry of a file whose content a program replaces: a new value does not inherit them.
import Glibc
import MemStore
import Testing

@testable import MemFS

@Suite("Flags and expiry of replaced files")
struct ReplacedValueTests {
    private static let flagsName = Array("user.memcached.flags".utf8)
    private static let exptimeName = Array("user.memcached.exptime".utf8)

    private func page(_ test: TestStore) throws -> Ino {
        #expect(test.set("/page", "old", exptime: Exptime(second: test.session.nowSecond + 100)) == .done)
        let ino = try #require(try test.attributes("page")).ino
        try set(test, Self.flagsName, of: ino, to: "2")
        return ino
    }

    private func set(_ test: TestStore, _ name: [UInt8], of ino: Ino, to value: String) throws(FSError) {
        try name.withBytes { name throws(FSError) in
            try Array(value.utf8).withBytes { value throws(FSError) in
                _ = try test.fileSystem.setExtendedAttribute(
                    name, of: ino, to: value, mustExist: false, mustNotExist: false, caller: test.root)
            }
        }
    }

    private func has(_ test: TestStore, _ name: [UInt8], _ ino: Ino) -> Bool {
        let none = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
        return name.withBytes { name in
            failure { () throws(FSError) in
                _ = unsafe try test.fileSystem.getExtendedAttribute(name, of: ino, into: none)
            } == nil
        }
    }

    @Test("a truncating open with new content drops both when it is published, and not before")
    func replaced() throws {
        let test = try TestStore()
        let ino = try page(test)
        let file = try test.fileSystem.open(ino, OpenMode(flags: O_WRONLY | O_TRUNC, opener: 100))
        try test.write("new", to: ino, file.handle)
        #expect(has(test, Self.flagsName, ino) && has(test, Self.exptimeName, ino))
        try test.fileSystem.flush(ino, handle: file.handle, closer: 100)
        #expect(!has(test, Self.flagsName, ino) && !has(test, Self.exptimeName, ino))
        test.fileSystem.release(ino, handle: file.handle)
    }

    @Test("appends, writes in place and a cut without new content keep both")
    func kept() throws {
        let test = try TestStore()
        let ino = try page(test)
        for (flags, cuts) in [(O_WRONLY | O_APPEND, false), (O_RDWR, false), (O_WRONLY | O_TRUNC, true)] {
            let file = try test.fileSystem.open(ino, OpenMode(flags: flags, opener: 100))
            if !cuts { try test.write("n", to: ino, file.handle, flags & O_APPEND != 0 ? .append : .atOffset) }
            test.fileSystem.release(ino, handle: file.handle)
            #expect(has(test, Self.flagsName, ino) && has(test, Self.exptimeName, ino))
        }
        #expect(test.published("/page") == "")
    }

    @Test("what a program sets after the cut stays")
    func setAfterCut() throws {
        let test = try TestStore()
        let ino = try page(test)
        let file = try test.fileSystem.open(ino, OpenMode(flags: O_WRONLY | O_TRUNC, opener: 100))
        try test.write("new", to: ino, file.handle)
        try set(test, Self.flagsName, of: ino, to: "3")
        test.fileSystem.release(ino, handle: file.handle)
        #expect(has(test, Self.flagsName, ino) && !has(test, Self.exptimeName, ino))
    }

    @Test("the expiry is not listed, so that copies do not take it along, and cannot be set to a moment that is over")
    func backup() throws {
        let test = try TestStore()
        let ino = try page(test)
        var names = [UInt8](repeating: 0, count: 1000)
        let count = unsafe try names.withUnsafeMutableBytes { buffer throws(FSError) in
            unsafe try test.fileSystem.listExtendedAttributes(of: ino, into: buffer, caller: test.root)
        }
        #expect(Array(names[..<count]) == Self.flagsName + [0])
        #expect(failure { () throws(FSError) in try set(test, Self.exptimeName, of: ino, to: "3000000") } == EINVAL)
        #expect(test.published("/page") == "old")
    }
}
