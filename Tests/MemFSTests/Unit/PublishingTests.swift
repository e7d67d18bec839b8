// When what is written through the mount appears on the port.
import Glibc
import MemStore
import Testing

@testable import MemFS

@Suite("Publishing on close")
struct PublishingTests {
    @Test("a new file is a miss until the process that opened it closes it")
    func close() throws {
        let test = try TestStore()
        let (ino, handle) = try test.create("page", opener: 100)
        #expect(test.published("/page") == nil)
        try test.write("hello", to: ino, handle)
        #expect(test.published("/page") == nil)
        try test.fileSystem.flush(ino, handle: handle, closer: 100)
        #expect(test.published("/page") == "hello")
        test.fileSystem.release(ino, handle: handle)
        #expect(test.published("/page") == "hello")
    }

    @Test("a close before the first write publishes nothing, the last release publishes all")
    func closeBeforeWriting() throws {
        let test = try TestStore()
        let (ino, handle) = try test.create("page", opener: 100)
        try test.fileSystem.flush(ino, handle: handle, closer: 100)
        #expect(test.published("/page") == nil)
        test.fileSystem.release(ino, handle: handle)
        #expect(test.published("/page") == "")
    }

    @Test("a close by another process or an unknown one publishes nothing, the release that follows does")
    func otherProcess() throws {
        let test = try TestStore()
        let own = UInt32(getpid())
        let (ino, handle) = try test.create("page", opener: own)
        try test.write("head", to: ino, handle)
        try test.fileSystem.flush(ino, handle: handle, closer: 1)
        #expect(test.published("/page") == nil)
        try test.fileSystem.flush(ino, handle: handle, closer: 0)
        #expect(test.published("/page") == nil)
        test.fileSystem.release(ino, handle: handle)
        #expect(test.published("/page") == "head")
        let (other, unknown) = try test.create("other", opener: 0)
        try test.write("head", to: other, unknown)
        try test.fileSystem.flush(other, handle: unknown, closer: 0)
        #expect(test.published("/other") == nil)
        test.fileSystem.release(other, handle: unknown)
        #expect(test.published("/other") == "head")
    }

    /// A handle of a page that reads "old", and its inode.
    private func openPage(_ test: TestStore, _ flags: Int32) throws -> (Ino, HandleNumber) {
        if try test.attributes("page") == nil { #expect(test.set("/page", "old") == .done) }
        let ino = try #require(try test.attributes("page")).ino
        return (ino, try test.fileSystem.open(ino, OpenMode(flags: flags, opener: 100)).handle)
    }

    private func cut(_ ino: Ino, to size: UInt64, _ handle: HandleNumber?, _ test: TestStore) throws {
        var changes = AttributeChanges()
        changes.size = size
        _ = try test.fileSystem.setAttributes(of: ino, changes, handle: handle)
    }

    @Test("readers do not hold publishing back, nor does a writer that has written nothing")
    func readersDoNotHold() throws {
        let test = try TestStore()
        let (ino, reader) = try openPage(test, O_RDONLY)
        let (_, idle) = try openPage(test, O_RDWR)
        for flags in [O_WRONLY | O_TRUNC, O_RDONLY | O_TRUNC, O_RDWR | O_TRUNC] {
            let (_, writer) = try openPage(test, flags)
            test.fileSystem.release(ino, handle: writer)
            #expect(test.published("/page") == "")
            #expect(test.set("/page", "old") == .done)
        }
        let (_, writer) = try openPage(test, O_WRONLY)
        try cut(ino, to: 1, writer, test)
        try test.fileSystem.flush(ino, handle: writer, closer: 1)
        #expect(test.published("/page") == "old")
        test.fileSystem.release(ino, handle: writer)
        #expect(test.published("/page") == "o")
        for handle in [reader, idle] { test.fileSystem.release(ino, handle: handle) }
    }

    @Test("a release shows nothing while another handle has written and is not done")
    func writersHold() throws {
        let test = try TestStore()
        let (ino, one) = try openPage(test, O_WRONLY)
        let (_, two) = try openPage(test, O_WRONLY)
        try test.write("1", to: ino, one)
        try test.write("2", to: ino, two, at: 1)
        test.fileSystem.release(ino, handle: one)
        #expect(test.published("/page") == "old")
        test.fileSystem.release(ino, handle: two)
        #expect(test.published("/page") == "12d")
    }

    @Test(
        "a log that is cut shows the cut and what is appended then, while the logger keeps it open",
        arguments: [0, 1, 2, 3])
    func rotation(way: Int) throws {
        let test = try TestStore(publishIntervalSeconds: 0.001)
        let (ino, logger) = try openPage(test, O_WRONLY | O_APPEND)
        func waitFor(_ text: String) {
            for _ in 0..<5000 where test.published("/page") != text { test.session.publishDueAppends(limit: 10) }
            #expect(test.published("/page") == text)
        }
        try test.write(" line", to: ino, logger, .append)
        waitFor("old line")
        try test.write(" more", to: ino, logger, .append)
        switch way {
        case 0: try cut(ino, to: 0, logger, test)
        case 1: try cut(ino, to: 0, nil, test)
        default:
            let (_, cutter) = try openPage(test, way == 2 ? O_WRONLY | O_TRUNC : O_WRONLY)
            if way == 3 { try cut(ino, to: 0, cutter, test) }
            test.fileSystem.release(ino, handle: cutter)
            #expect(test.published("/page") == "")
        }
        waitFor("")
        try test.write("new", to: ino, logger, .append)
        waitFor("new")
        test.fileSystem.release(ino, handle: logger)
    }

    @Test("a write without room spoils the version: no close shows it, until it is cut and written anew")
    func spoiled() throws {
        let test = try TestStore()
        let (ino, reader) = try openPage(test, O_RDONLY)
        let (_, writer) = try openPage(test, O_WRONLY | O_TRUNC)
        try test.write("half", to: ino, writer)
        #expect(failure { () throws(FSError) in try test.write("x", to: ino, writer, at: 1 << 60) } == EFBIG)
        #expect(failure { () throws(FSError) in try test.fileSystem.flush(ino, handle: writer, closer: 100) } == nil)
        #expect(test.published("/page") == "old")
        test.fileSystem.release(ino, handle: writer)
        #expect(test.published("/page") == "old")
        let (_, second) = try openPage(test, O_WRONLY)
        try test.write("more", to: ino, second, at: 4)
        #expect(failure { () throws(FSError) in try test.fileSystem.flush(ino, handle: second, closer: 100) } == ENOSPC)
        test.fileSystem.release(ino, handle: second)
        #expect(test.published("/page") == "old")
        #expect(try test.read(ino) == "halfmore")
        let (_, third) = try openPage(test, O_WRONLY | O_TRUNC)
        try test.write("whole", to: ino, third)
        try test.fileSystem.flush(ino, handle: third, closer: 100)
        #expect(test.published("/page") == "whole")
        for handle in [third, reader] { test.fileSystem.release(ino, handle: handle) }
    }

    @Test("the first fsync after a failure fails too, the next shows the file as it is")
    func spoiledAndSynced() throws {
        let test = try TestStore()
        let (ino, writer) = try openPage(test, O_WRONLY)
        try test.write("OLD", to: ino, writer)
        #expect(failure { () throws(FSError) in try test.write("x", to: ino, writer, at: 1 << 60) } == EFBIG)
        #expect(failure { () throws(FSError) in try test.fileSystem.sync(ino, handle: writer) } == ENOSPC)
        #expect(test.published("/page") == "old")
        #expect(failure { () throws(FSError) in try test.fileSystem.sync(ino, handle: writer) } == nil)
        #expect(test.published("/page") == "OLD")
        test.fileSystem.release(ino, handle: writer)
    }

    @Test("pages, copies and allocations that fail spoil as well; what is refused otherwise does not")
    func otherFailures() throws {
        let test = try TestStore()
        let far: UInt64 = 1 << 60
        let text: StaticString = "x"
        for way in 0..<4 {
            let (ino, writer) = try openPage(test, O_RDWR)
            try test.write("OLD", to: ino, writer)
            let code = failure { () throws(FSError) in
                switch way {
                case 0: try test.fileSystem.write(ino, at: far, text.bytes, handle: writer, .pages)
                case 1: _ = try test.fileSystem.copyRange(from: ino, at: 0, to: ino, at: far, length: 1, handle: writer)
                case 2: try test.fileSystem.allocate(ino, at: 0, length: 1 << 40, mode: .allocate, handle: writer)
                default: _ = try test.fileSystem.copyRange(from: ino, at: 0, to: ino, at: 1, length: 2, handle: writer)
                }
            }
            #expect(code == (way == 2 ? ENOSPC : way == 3 ? EINVAL : EFBIG))
            test.fileSystem.release(ino, handle: writer)
            #expect(test.published("/page") == (way == 3 ? "OLD" : "old"))
            #expect(test.set("/page", "old") == .done)
        }
    }

    @Test("what several processes write through one descriptor is published by its last close alone")
    func shared() throws {
        let test = try TestStore()
        let own = UInt32(getpid())
        for other: UInt32 in [1, 0] {
            let (ino, handle) = try test.create("page\(other)", opener: own)
            let text: StaticString = "head"
            try test.fileSystem.write(ino, at: 0, text.bytes, handle: handle, .atOffset, by: other)
            try test.fileSystem.flush(ino, handle: handle, closer: own)
            #expect(test.published("/page\(other)") == nil)
            test.fileSystem.release(ino, handle: handle)
            #expect(test.published("/page\(other)") == "head")
        }
    }

    @Test("opening with truncation changes nothing on the port until something is written and closed")
    func truncatingOpen() throws {
        let test = try TestStore()
        #expect(test.set("/page", "old") == .done)
        let ino = try #require(try test.attributes("page")).ino
        let file = try test.fileSystem.open(ino, OpenMode(flags: O_WRONLY | O_TRUNC, opener: 100))
        #expect(try test.read(ino) == "")
        try test.fileSystem.flush(ino, handle: file.handle, closer: 100)
        #expect(test.published("/page") == "old")
        try test.write("new", to: ino, file.handle)
        #expect(test.published("/page") == "old")
        try test.fileSystem.flush(ino, handle: file.handle, closer: 100)
        #expect(test.published("/page") == "new")
        test.fileSystem.release(ino, handle: file.handle)
    }

    @Test("a handle that cut its file to nothing has not written; one that cut it to a length has")
    func truncateThroughHandle() throws {
        let test = try TestStore()
        let (ino, handle) = try test.create("page", opener: 100)
        try test.write("hello", to: ino, handle)
        var changes = AttributeChanges()
        changes.size = 0
        _ = try test.fileSystem.setAttributes(of: ino, changes, handle: handle)
        try test.fileSystem.flush(ino, handle: handle, closer: 100)
        #expect(test.published("/page") == nil)
        changes.size = 3
        _ = try test.fileSystem.setAttributes(of: ino, changes, handle: handle)
        try test.fileSystem.flush(ino, handle: handle, closer: 100)
        #expect(test.published("/page") == "\0\0\0")
        test.fileSystem.release(ino, handle: handle)
    }

    @Test("fsync publishes what is written so far, and a close without a further write nothing more")
    func sync() throws {
        let test = try TestStore()
        let (ino, handle) = try test.create("page", opener: 100)
        try test.write("one", to: ino, handle)
        try test.fileSystem.sync(ino, handle: handle)
        #expect(test.published("/page") == "one")
        try test.write("two", to: ino, handle, at: 3)
        #expect(test.published("/page") == "one")
        test.fileSystem.release(ino, handle: handle)
        #expect(test.published("/page") == "onetwo")
    }

    @Test("a truncation by path is on the port at once")
    func truncateByPath() throws {
        let test = try TestStore()
        #expect(test.set("/page", "hello") == .done)
        let ino = try #require(try test.attributes("page")).ino
        var changes = AttributeChanges()
        changes.size = 2
        _ = try test.fileSystem.setAttributes(of: ino, changes, handle: nil)
        #expect(test.published("/page") == "he")
    }

    @Test("a regular file made by mknod is an empty page at once")
    func makeNode() throws {
        let test = try TestStore()
        let name: StaticString = "page"
        let entry = try test.fileSystem.makeNode(
            name.bytes, in: .root, mode: 0o100644, device: 0, caller: test.root)
        #expect(test.published("/page") == "")
        #expect(entry.attributes.size == 0)
    }

    @Test("pages of a mapping are published by the close of another handle of the file")
    func pages() throws {
        let test = try TestStore()
        let (ino, mapped) = try test.create("page", opener: 100)
        let other = try test.fileSystem.open(ino, OpenMode(flags: O_RDWR, opener: 100))
        let text: StaticString = "pages"
        try test.fileSystem.write(
            ino, at: 0, text.bytes, handle: mapped, .pages)
        try test.fileSystem.flush(ino, handle: other.handle, closer: 100)
        #expect(test.published("/page") == "pages")
        test.fileSystem.release(ino, handle: other.handle)
        test.fileSystem.release(ino, handle: mapped)
    }

    @Test("pages that an invalidation of ours pushes out are dropped")
    func launderedPages() throws {
        let test = try TestStore()
        #expect(test.set("/page", "port") == .done)
        let ino = try #require(try test.attributes("page")).ino
        let file = try test.fileSystem.open(ino, OpenMode(flags: O_RDWR, opener: 100))
        let text: StaticString = "late"
        test.fileSystem.state.notices.beginInvalidation(of: ino)
        try test.fileSystem.write(
            ino, at: 0, text.bytes, handle: file.handle, .pages)
        test.fileSystem.state.notices.endInvalidation(of: ino)
        #expect(try test.read(ino) == "port")
        try test.fileSystem.write(
            ino, at: 0, text.bytes, handle: file.handle, .pages)
        #expect(try test.read(ino) == "late")
        test.fileSystem.release(ino, handle: file.handle)
    }

    @Test("an append goes behind what the port appended, and the kernel is told that it has it elsewhere")
    func append() throws {
        let test = try TestStore()
        #expect(test.set("/log", "12345") == .done)
        let ino = try #require(try test.attributes("log")).ino
        let file = try test.fileSystem.open(ino, OpenMode(flags: O_WRONLY | O_APPEND, opener: 100))
        try test.write("67", to: ino, file.handle, at: 5, .append)
        #expect(test.set("/log", "1234567890") == .done)
        // The kernel still believes in seven bytes.
        try test.write("ab", to: ino, file.handle, at: 7, .append)
        #expect(try test.read(ino) == "1234567890ab")
        #expect(test.fileSystem.state.notices.take()?.notices == [.content(ino)])
        test.fileSystem.release(ino, handle: file.handle)
        #expect(test.published("/log") == "1234567890ab")
    }

    @Test("a handle for reading needs no flush and publishes nothing")
    func reading() throws {
        let test = try TestStore()
        let (ino, writing) = try test.create("page", opener: 100)
        try test.write("half", to: ino, writing)
        let file = try test.fileSystem.open(ino, OpenMode(flags: O_RDONLY, opener: 100))
        #expect(file.handle == .readOnly && file.skipsFlush)
        try test.fileSystem.flush(ino, handle: file.handle, closer: 100)
        test.fileSystem.release(ino, handle: file.handle)
        #expect(test.published("/page") == nil)
        test.fileSystem.release(ino, handle: writing)
        #expect(test.published("/page") == "half")
    }
}
