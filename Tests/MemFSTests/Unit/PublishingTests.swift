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

    @Test("a close by another process publishes nothing, an unknown closer counts as the opener")
    func otherProcess() throws {
        let test = try TestStore()
        let own = UInt32(getpid())
        let (ino, handle) = try test.create("page", opener: own)
        try test.write("head", to: ino, handle)
        try test.fileSystem.flush(ino, handle: handle, closer: 1)
        #expect(test.published("/page") == nil)
        try test.fileSystem.flush(ino, handle: handle, closer: 0)
        #expect(test.published("/page") == "head")
        test.fileSystem.release(ino, handle: handle)
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
