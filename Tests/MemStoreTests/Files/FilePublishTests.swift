// Publish on close: what the port serves while somebody writes.
import Testing

@testable import MemStore

@Suite("Files: publishing") struct FilePublishTests {
    let store: TestStore
    init() throws { store = try TestStore { $0.publishIntervalSeconds = 0.001 } }

    @Test("a file that is created and not closed is a miss; its release publishes it, an empty one too")
    func creation() throws {
        let ino = try store.makeNode("/a").ino
        try store.session.openFile(ino)
        #expect(store.page("/a") == nil)
        try store.writePart(ino, at: 0, "text")
        #expect(store.page("/a") == nil)
        store.session.releaseFile(ino)
        #expect(store.page("/a") == "text")
        try store.write("/empty", "")
        #expect(store.page("/empty") == "")
    }

    @Test("while a file is overwritten in place, the port serves the old version until publish")
    func overwriting() throws {
        try store.write("/a", "old version")
        let ino = try store.ino("/a")
        let cas = try #require(store.get("memfis://h/a")).view.cas
        try store.session.openFile(ino)
        try store.change("/a", isOpen: true) { $0.size = 0 }
        #expect(try store.page("/a") == "old version" && store.text("/a") == "")
        try store.writePart(ino, at: 0, "new")
        #expect(try store.page("/a") == "old version" && store.text("/a") == "new")
        store.session.publish(ino)
        let page = try #require(store.get("memfis://h/a"))
        #expect(page.value == Array("new".utf8) && page.view.cas > cas)
        store.session.publish(ino)
        #expect(store.get("memfis://h/a")?.view.cas == page.view.cas, "a clean file is not published again")
        store.session.releaseFile(ino)
        store.check()
    }

    @Test("a truncate by path publishes at once, and cuts only what is published while another writes")
    func truncating() throws {
        try store.write("/a", "0123456789")
        try store.change("/a") { $0.size = 4 }
        #expect(store.page("/a") == "0123")
        try store.change("/a") { $0.size = 6 }
        #expect(store.page("/a") == "0123\0\0")
        let ino = try store.ino("/a")
        try store.session.openFile(ino)
        try store.writePart(ino, at: 0, "half")
        try store.change("/a") { $0.size = 2 }
        #expect(try store.page("/a") == "01" && store.text("/a") == "ha")
        store.session.releaseFile(ino)
        #expect(store.page("/a") == "ha")
        store.check()
    }

    @Test("the last of several releases publishes, not the first")
    func severalHandles() throws {
        try store.write("/a", "old")
        let ino = try store.ino("/a")
        try store.session.openFile(ino)
        try store.session.openFile(ino)
        try store.writePart(ino, at: 0, "new")
        store.session.releaseFile(ino)
        #expect(store.page("/a") == "old")
        store.session.releaseFile(ino)
        #expect(store.page("/a") == "new")
    }

    @Test("a storage command replaces live and published content; open handles write on to the new one")
    func portWins() throws {
        try store.write("/a", "old")
        try store.change("/a") { $0.mode = 0o666 }
        let ino = try store.ino("/a")
        try store.session.openFile(ino)
        try store.writePart(ino, at: 0, "mine")
        #expect(store.set("memfis://h/a", "port").outcome == .done)
        #expect(try store.text("/a") == "port")
        try store.writePart(ino, at: 4, "+")
        #expect(try store.page("/a") == "port" && store.text("/a") == "port+")
        #expect(store.set("memfis://h/a", "!", StoreCommand(mode: .append)).outcome == .done)
        #expect(try store.text("/a") == "port!", "append works on what is published")
        store.session.releaseFile(ino)
        #expect(store.page("/a") == "port!")
        store.check()
    }

    @Test("what the port appends goes to the live content too where that has only grown by appended writes")
    func portAppendsToGrown() throws {
        let store = try TestStore { $0.publishIntervalSeconds = 0 }
        try store.write("/log", "1\n")
        try store.change("/log") { $0.mode = 0o666 }
        let ino = try store.ino("/log")
        try store.session.openFile(ino)
        try store.writePart(ino, at: nil, "2\n", isAppending: true)
        #expect(store.set("memfis://h/log", "p\n", StoreCommand(mode: .append)).outcome == .done)
        #expect(try store.page("/log") == "1\np\n" && store.text("/log") == "1\n2\np\n")
        try store.writePart(ino, at: nil, "3\n", isAppending: true)
        #expect(store.set("memfis://h/log", "0\n", StoreCommand(mode: .prepend)).outcome == .done)
        #expect(try store.page("/log") == "0\n1\np\n" && store.text("/log") == "0\n1\n2\np\n3\n")
        var random = SeededRandom(7)
        let large = random.bytes(700_000)
        #expect(store.setInPieces("memfis://h/log", large, step: 9999, StoreCommand(mode: .append)).outcome == .done)
        #expect(try store.read(ino) == Array("0\n1\n2\np\n3\n".utf8) + large)
        #expect(store.get("memfis://h/log")?.value == Array("0\n1\np\n".utf8) + large)
        store.session.publish(ino)
        #expect(store.get("memfis://h/log")?.value == Array("0\n1\n2\np\n3\n".utf8) + large)
        store.session.releaseFile(ino)
        store.check()
    }

    @Test("a set replaces what has grown, and so does an append where something else than appended writes came")
    func portReplacesChanged() throws {
        try store.write("/log", "1\n")
        try store.change("/log") { $0.mode = 0o666 }
        let ino = try store.ino("/log")
        try store.session.openFile(ino)
        try store.writePart(ino, at: nil, "2\n", isAppending: true)
        #expect(store.set("memfis://h/log", "new\n").outcome == .done)
        #expect(try store.page("/log") == "new\n" && store.text("/log") == "new\n")
        try store.writePart(ino, at: nil, "3\n", isAppending: true)
        try store.writePart(ino, at: 0, "N")
        #expect(store.set("memfis://h/log", "p\n", StoreCommand(mode: .append)).outcome == .done)
        #expect(try store.page("/log") == "new\np\n" && store.text("/log") == "new\np\n")
        store.session.releaseFile(ino)
        store.check()
    }

    @Test("a rename over a file switches its key at once, also while the target is being read by reference")
    func renameOver() throws {
        var random = SeededRandom(5)
        let old = random.bytes(300_000)
        try store.write("/a", old)
        try store.write("/b", "new")
        let view = Array("memfis://h/a".utf8).withBytes { store.session.beginGet($0, hash: 0) }
        #expect(view.headLength > 0)
        let lease = store.session.lease(view)
        let tail = view.tail.array
        store.session.endGet(view)
        try store.rename("/b", to: "/a")
        #expect(store.page("/a") == "new" && store.page("/b") == nil)
        var value: [UInt8] = []
        while value.count < view.headLength {
            let run = store.session.pinRun(lease, at: value.count, maxLength: 1 << 20)
            value += run.array
            store.session.unpin(run)
        }
        store.session.release(lease)
        #expect(value + tail == old)
    }

    @Test("appends are published after the interval, while the file stays open")
    func appends() throws {
        try store.write("/log", "1\n")
        let ino = try store.ino("/log")
        try store.session.openFile(ino)
        try store.writePart(ino, at: nil, "2\n", isAppending: true)
        #expect(store.page("/log") == "1\n")
        publishDue()
        #expect(store.page("/log") == "1\n2\n")
        try store.writePart(ino, at: nil, "3\n", isAppending: true)
        publishDue()
        #expect(store.page("/log") == "1\n2\n3\n")
        try store.writePart(ino, at: 0, "X")
        try store.writePart(ino, at: nil, "4\n", isAppending: true)
        #expect(store.session.publishDueAppends(limit: 100) == 0)
        #expect(store.page("/log") == "1\n2\n3\n", "what was changed in the middle waits for the close")
        store.session.releaseFile(ino)
        #expect(store.page("/log") == "X\n2\n3\n4\n")
        let new = try store.makeNode("/new").ino
        try store.session.openFile(new)
        try store.writePart(new, at: nil, "a", isAppending: true)
        publishDue()
        #expect(store.page("/new") == "a", "a new file too")
        store.session.releaseFile(new)
    }

    /// Publishes what is due, waiting for the interval of a millisecond by trying.
    private func publishDue() {
        while store.session.publishDueAppends(limit: 100) == 0 {}
    }

    @Test("with the interval 0 appends wait for the close")
    func noInterval() throws {
        let store = try TestStore { $0.publishIntervalSeconds = 0 }
        try store.write("/log", "1")
        let ino = try store.ino("/log")
        try store.session.openFile(ino)
        try store.writePart(ino, at: nil, "2", isAppending: true)
        #expect(store.session.publishDueAppends(limit: 10) == 0 && store.page("/log") == "1")
        store.session.releaseFile(ino)
        #expect(store.page("/log") == "12")
    }

    @Test("hard links are one file under several keys")
    func hardLinks() throws {
        try store.write("/a", "1")
        try store.link("/a", as: "/b")
        try store.write("/b", "2")
        #expect(store.page("/a") == "2" && store.page("/b") == "2")
    }

    @Test("the bytes of published files are counted")
    func counted() throws {
        try store.write("/a", "12345")
        try store.write("/b", "123")
        #expect(store.store.statistics().publishedBytes == 8)
        try store.unlink("/a")
        try store.write("/b", "1")
        #expect(store.store.statistics().publishedBytes == 1)
    }
}
