// A version of a file of which a part could not be stored is not published, whoever closes it.
import Glibc
import MemStore
import Testing

@testable import MemFS

@Suite("Versions that failed")
struct FailedVersionTests {
    /// A store whose files may take a mebibyte, with a page of ten bytes.
    private func small() throws -> (TestStore, Ino) {
        let test = try TestStore(filesMaxBytes: 1 << 20)
        #expect(test.set("/page", "good bytes") == .done)
        return (test, try #require(try test.attributes("page")).ino)
    }

    private func fill(_ test: TestStore, _ ino: Ino, _ handle: HandleNumber) -> Int32? {
        let chunk = String(repeating: "x", count: 64 << 10)
        for step in 0..<64 {
            let failure = failure { () throws(FSError) in
                try test.write(chunk, to: ino, handle, at: UInt64(step * chunk.utf8.count))
            }
            if let failure { return failure }
        }
        return nil
    }

    @Test("an overwrite that ran out of room shows the old page on every close, until the file is written anew")
    func overwrite() throws {
        let (test, ino) = try small()
        let file = try test.fileSystem.open(ino, OpenMode(flags: O_WRONLY | O_TRUNC, opener: 100))
        #expect(fill(test, ino, file.handle) == ENOSPC)
        try test.fileSystem.flush(ino, handle: file.handle, closer: 100)
        test.fileSystem.release(ino, handle: file.handle)
        #expect(test.published("/page") == "good bytes")
        // A close of somebody who adds to what is there does not make it whole.
        let adding = try test.fileSystem.open(ino, OpenMode(flags: O_WRONLY, opener: 100))
        try test.write("y", to: ino, adding.handle)
        try test.fileSystem.flush(ino, handle: adding.handle, closer: 100)
        test.fileSystem.release(ino, handle: adding.handle)
        #expect(test.published("/page") == "good bytes")

        let again = try test.fileSystem.open(ino, OpenMode(flags: O_WRONLY | O_TRUNC, opener: 100))
        try test.write("better", to: ino, again.handle)
        try test.fileSystem.flush(ino, handle: again.handle, closer: 100)
        #expect(test.published("/page") == "better")
        test.fileSystem.release(ino, handle: again.handle)
    }

    @Test("a new file that ran out of room stays a miss")
    func newFile() throws {
        let (test, _) = try small()
        let (ino, handle) = try test.create("new")
        #expect(fill(test, ino, handle) == ENOSPC)
        try test.fileSystem.flush(ino, handle: handle, closer: 100)
        test.fileSystem.release(ino, handle: handle)
        #expect(test.published("/new") == nil)
    }

    @Test("an allocation that fails, and a write past the largest size, spoil a version too; wrong arguments do not")
    func otherFailures() throws {
        let (test, ino) = try small()
        for attempt in 0..<3 {
            let file = try test.fileSystem.open(ino, OpenMode(flags: O_WRONLY | O_TRUNC, opener: 100))
            try test.write("part", to: ino, file.handle)
            let failed = failure { () throws(FSError) in
                switch attempt {
                case 0:
                    try test.fileSystem.allocate(
                        ino, at: 0, length: 8 << 20, mode: .allocate, handle: file.handle)
                case 1:
                    try test.write("far", to: ino, file.handle, at: UInt64(Int64.max) - 1)
                default:
                    _ = try test.fileSystem.copyRange(
                        from: ino, at: 0, to: ino, at: 1, length: 3, handle: file.handle)
                }
            }
            #expect(failed == [ENOSPC, EFBIG, EINVAL][attempt])
            try test.fileSystem.flush(ino, handle: file.handle, closer: 100)
            test.fileSystem.release(ino, handle: file.handle)
            #expect(test.published("/page") == (attempt < 2 ? "good bytes" : "part"))
        }
    }

    @Test("an append that failed has lost nothing of a log that only grew, and the log goes on")
    func appends() throws {
        let (test, ino) = try small()
        let (full, filling) = try test.create("filler")
        #expect(fill(test, full, filling) == ENOSPC)
        let log = try test.fileSystem.open(ino, OpenMode(flags: O_WRONLY | O_APPEND, opener: 100))
        try test.write("+", to: ino, log.handle, .append)
        let long = String(repeating: "l", count: 256 << 10)
        #expect(failure { () throws(FSError) in try test.write(long, to: ino, log.handle, .append) } == ENOSPC)
        test.fileSystem.release(full, handle: filling)
        try Array("filler".utf8).withBytes { name throws(FSError) in
            try test.fileSystem.unlink(name, in: .root)
        }
        test.fileSystem.forget(full, count: 1)
        try test.write("-", to: ino, log.handle, .append)
        try test.fileSystem.flush(ino, handle: log.handle, closer: 100)
        #expect(test.published("/page") == "good bytes+-")
        test.fileSystem.release(ino, handle: log.handle)
    }

    @Test("a write of pages that failed spoils; fsync vouches for what is there")
    func pagesAndSync() throws {
        let (test, ino) = try small()
        let file = try test.fileSystem.open(ino, OpenMode(flags: O_RDWR, opener: 100))
        try test.write("GOOD", to: ino, file.handle)
        let long = [UInt8](repeating: 1, count: 2 << 20)
        let failed = long.withBytes { bytes in
            failure { () throws(FSError) in
                _ = try test.fileSystem.write(ino, at: 0, bytes, handle: file.handle, .pages)
            }
        }
        #expect(failed == ENOSPC)
        try test.fileSystem.flush(ino, handle: file.handle, closer: 100)
        #expect(test.published("/page") == "good bytes")
        try test.fileSystem.sync(ino, handle: file.handle)
        #expect(test.published("/page") == "GOOD bytes")
        test.fileSystem.release(ino, handle: file.handle)
    }

    @Test("a failed write of a file that nothing else has changed leaves nothing behind")
    func cleanFile() throws {
        let (test, ino) = try small()
        let file = try test.fileSystem.open(ino, OpenMode(flags: O_WRONLY, opener: 100))
        let long = String(repeating: "l", count: 2 << 20)
        #expect(failure { () throws(FSError) in try test.write(long, to: ino, file.handle) } == ENOSPC)
        test.fileSystem.release(ino, handle: file.handle)
        let log = try test.fileSystem.open(ino, OpenMode(flags: O_WRONLY | O_APPEND, opener: 100))
        try test.write("+", to: ino, log.handle, .append)
        try test.fileSystem.flush(ino, handle: log.handle, closer: 100)
        #expect(test.published("/page") == "good bytes+")
        test.fileSystem.release(ino, handle: log.handle)
    }

    @Test("what the port stores over a version that failed is served")
    func port() throws {
        let (test, ino) = try small()
        let file = try test.fileSystem.open(ino, OpenMode(flags: O_WRONLY | O_TRUNC, opener: 100))
        #expect(fill(test, ino, file.handle) == ENOSPC)
        test.fileSystem.release(ino, handle: file.handle)
        #expect(test.set("/page", "by the port") == .done)
        #expect(test.published("/page") == "by the port")
        let log = try test.fileSystem.open(ino, OpenMode(flags: O_WRONLY | O_APPEND, opener: 100))
        try test.write("+", to: ino, log.handle, .append)
        test.fileSystem.release(ino, handle: log.handle)
        #expect(test.published("/page") == "by the port+")
    }
}
