// Publishing while others have the file open: readers hold nothing back, a writer in the middle of a version does.
import Glibc
import MemStore
import Testing

@testable import MemFS

@Suite("Publishing beside other open files")
struct HeldFileTests {
    private func page(_ test: TestStore, _ text: String) throws -> Ino {
        #expect(test.set("/page", text) == .done)
        return try #require(try test.attributes("page")).ino
    }

    private func open(_ test: TestStore, _ ino: Ino, _ flags: Int32, opener: UInt32 = 100) throws -> HandleNumber {
        try test.fileSystem.open(ino, OpenMode(flags: flags, opener: opener)).handle
    }

    @Test("a reader does not hold back a cut, nor what a child of the opener has written")
    func reader() throws {
        let test = try TestStore()
        let ino = try page(test, "old")
        let reader = try open(test, ino, O_RDONLY)
        let cutter = try open(test, ino, O_WRONLY | O_TRUNC)
        try test.fileSystem.flush(ino, handle: cutter, closer: 100)
        #expect(test.published("/page") == "old")
        test.fileSystem.release(ino, handle: cutter)
        #expect(test.published("/page") == "")

        let inherited = try open(test, ino, O_WRONLY)
        try test.write("child", to: ino, inherited)
        try test.fileSystem.flush(ino, handle: inherited, closer: 1)
        #expect(test.published("/page") == "")
        test.fileSystem.release(ino, handle: inherited)
        #expect(test.published("/page") == "child")
        test.fileSystem.release(ino, handle: reader)
    }

    @Test("an idle handle for writing holds nothing back, one that has written does until it closes")
    func writers() throws {
        let test = try TestStore()
        let ino = try page(test, "old")
        let idle = try open(test, ino, O_RDWR)
        let slow = try open(test, ino, O_RDWR, opener: 200)
        let quick = try open(test, ino, O_WRONLY)
        try test.write("SLO", to: ino, slow)
        try test.write("Q", to: ino, quick)
        test.fileSystem.release(ino, handle: quick)
        #expect(test.published("/page") == "old")
        test.fileSystem.release(ino, handle: slow)
        #expect(test.published("/page") == "QLO")
        test.fileSystem.release(ino, handle: idle)
    }

    @Test("a file that is made by an open for reading appears at its close, whoever reads it")
    func madeForReading() throws {
        let test = try TestStore()
        let (ino, handle) = try test.create("page", flags: O_RDONLY | O_CREAT)
        let reader = try open(test, ino, O_RDONLY)
        #expect(test.published("/page") == nil)
        test.fileSystem.release(ino, handle: handle)
        #expect(test.published("/page") == "")
        test.fileSystem.release(ino, handle: reader)
    }

    @Test("a log that is cut while its writer has it open is shown cut, then with what is appended")
    func rotation() throws {
        let test = try TestStore(publishIntervalSeconds: 1e-9)
        let ino = try page(test, "old lines")
        let logger = try open(test, ino, O_WRONLY | O_APPEND, opener: 300)
        let other = try open(test, ino, O_RDWR, opener: 400)
        try test.write("!", to: ino, other)
        let cutter = try open(test, ino, O_WRONLY | O_TRUNC)
        test.session.publishDueAppends(limit: 10)
        // The cutter may be about to write the file anew.
        #expect(test.published("/page") == "old lines")
        test.fileSystem.release(ino, handle: cutter)
        test.session.publishDueAppends(limit: 10)
        #expect(test.published("/page") == "")
        try test.write("new\n", to: ino, logger, .append)
        test.session.publishDueAppends(limit: 10)
        #expect(test.published("/page") == "new\n")

        var cut = AttributeChanges()
        cut.size = 0
        _ = try test.fileSystem.setAttributes(of: ino, cut, handle: logger)
        try test.write("newer\n", to: ino, logger, .append)
        test.session.publishDueAppends(limit: 10)
        #expect(test.published("/page") == "newer\n")

        _ = try test.fileSystem.setAttributes(of: ino, cut, handle: nil)
        #expect(test.published("/page") == "")
        try test.write("newest\n", to: ino, logger, .append)
        test.session.publishDueAppends(limit: 10)
        #expect(test.published("/page") == "newest\n")
        for handle in [logger, other] { test.fileSystem.release(ino, handle: handle) }
    }

    @Test("a writer that cut the file and pauses shows nothing, whatever the interval")
    func pausing() throws {
        let test = try TestStore(publishIntervalSeconds: 1e-9)
        let ino = try page(test, "old")
        let writer = try open(test, ino, O_WRONLY | O_TRUNC)
        test.session.publishDueAppends(limit: 10)
        #expect(test.published("/page") == "old")
        try test.write("half", to: ino, writer)
        test.session.publishDueAppends(limit: 10)
        #expect(test.published("/page") == "old")
        test.fileSystem.release(ino, handle: writer)
        #expect(test.published("/page") == "half")
    }
}
