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

    /// A write for which there can be no room.
    private func fail(_ ino: Ino, isAppending: Bool = false) {
        #expect(throws: StoreError.fileTooLarge) {
            try store.writePart(ino, at: 1 << 60, "x", isAppending: isAppending)
        }
    }

    @Test("a version in which a write failed is not published, until it is cut to nothing or the port replaces it")
    func spoiled() throws {
        try store.write("/a", "old")
        try store.change("/a") { $0.mode = 0o666 }
        let ino = try store.ino("/a")
        try store.session.openFile(ino)
        try store.writePart(ino, at: 0, "half")
        fail(ino)
        try store.writePart(ino, at: nil, "+", isAppending: true)
        #expect(!store.session.publish(ino))
        #expect(store.session.publishDueAppends(limit: 10) == 0)
        store.session.releaseFile(ino, publishes: true)
        #expect(try store.page("/a") == "old" && store.text("/a") == "half+")
        try store.link("/a", as: "/b")
        try store.rename("/a", to: "/c")
        #expect(store.page("/b") == "old" && store.page("/c") == "old")
        try store.change("/c") { $0.size = 2 }
        #expect(
            try store.page("/c") == "ol" && store.text("/c") == "ha", "a cut by path is shown, what is spoiled stays so"
        )
        #expect(store.set("memfis://h/c", "!", StoreCommand(mode: .append)).outcome == .done)
        #expect(try store.page("/c") == "ol!" && store.text("/c") == "ol!")
        try store.write("/c", "whole")
        #expect(store.page("/c") == "whole")
        let new = try store.makeNode("/new").ino
        fail(new)
        #expect(!store.session.publish(new) && store.page("/new") == nil)
        store.check()
    }

    @Test("a failure in a file that nobody has changed ends with its handle")
    func spoiledWithoutChange() throws {
        try store.write("/a", "old")
        let ino = try store.ino("/a")
        try store.session.openFile(ino)
        fail(ino)
        store.session.releaseFile(ino)
        try store.session.openFile(ino)
        try store.writePart(ino, at: 0, "new")
        store.session.releaseFile(ino)
        #expect(store.page("/a") == "new")
        #expect(throws: StoreError.fileTooLarge) { try store.change("/a") { $0.size = 1 << 60 } }
        try store.session.openFile(ino)
        try store.writePart(ino, at: 0, "old")
        store.session.releaseFile(ino)
        #expect(store.page("/a") == "old")
    }

    @Test("an append that finds no room leaves a log as it was, and the log goes on")
    func failedAppend() throws {
        try store.write("/log", "1")
        let ino = try store.ino("/log")
        try store.session.openFile(ino)
        fail(ino, isAppending: true)
        try store.writePart(ino, at: nil, "2", isAppending: true)
        fail(ino, isAppending: true)
        publishDue()
        #expect(store.page("/log") == "12")
        try store.writePart(ino, at: 0, "X")
        fail(ino, isAppending: true)
        store.session.releaseFile(ino)
        #expect(store.page("/log") == "12", "what was not only appended is spoiled")
    }

    @Test("memory that is full leaves the page of before, and the next that has room is shown")
    func noRoom() throws {
        try store.write("/page", [UInt8](repeating: 1, count: 100_000))
        let fill = try store.makeNode("/fill").ino
        try store.session.openFile(fill)
        let part = [UInt8](repeating: 2, count: 100_000)
        #expect(throws: StoreError.noSpace) {
            for number in 0..<1000 { try store.writePart(fill, at: UInt64(number * part.count), part) }
        }
        store.session.releaseFile(fill)
        #expect(store.page("/fill") == nil)
        #expect(throws: StoreError.noSpace) { try store.write("/page", [UInt8](repeating: 3, count: 3_000_000)) }
        store.session.releaseFile(try store.ino("/page"))
        #expect(store.get("memfis://h/page")?.value == [UInt8](repeating: 1, count: 100_000))
        try store.unlink("/fill")
        try store.write("/page", [UInt8](repeating: 4, count: 3_000_000))
        #expect(store.get("memfis://h/page")?.value == [UInt8](repeating: 4, count: 3_000_000))
        store.check()
    }

    private func set(_ name: String, of path: String, to value: String) throws {
        let ino = try store.ino(path)
        try Array(name.utf8).withBytes { name throws(StoreError) in
            try Array(value.utf8).withBytes { value throws(StoreError) in
                try store.session.setExtendedAttribute(name, of: ino, to: value, mustExist: false, mustNotExist: false)
            }
        }
    }

    @Test("a file that is cut to nothing and written anew loses flags and exptime; an append keeps them")
    func newValue() throws {
        let soon = Exptime(second: store.session.nowSecond + 10)
        func put() throws {
            #expect(
                store.set("memfis://h/a", "old", StoreCommand(mode: .set, flags: 2, exptime: soon)).outcome == .done)
        }
        func state() -> [UInt32] {
            guard let view = store.get("memfis://h/a")?.view else { return [] }
            return [view.flags, view.exptime.second]
        }
        try put()
        let ino = try store.ino("/a")
        try store.session.openFile(ino)
        try store.writePart(ino, at: nil, "+", isAppending: true)
        try store.change("/a") { $0.mode = 0o600 }
        store.session.releaseFile(ino)
        #expect(state() == [2, soon.second])
        try store.session.openFile(ino)
        try store.change("/a", isOpen: true) { $0.size = 0 }
        #expect(state() == [2, soon.second], "of the old page, until the new one is shown")
        try store.writePart(ino, at: 0, "new")
        store.session.releaseFile(ino)
        #expect(state() == [0, 0])
        try put()
        try store.session.openFile(ino)
        try store.change("/a", isOpen: true) { $0.size = 0 }
        try set("user.memcached.flags", of: "/a", to: "7")
        try store.writePart(ino, at: 0, "new")
        store.session.releaseFile(ino)
        #expect(state() == [7, 0], "what a program sets meanwhile stays")
        try put()
        try store.change("/a") { $0.size = 0 }
        #expect(state() == [0, 0])
        store.check()
    }

    @Test("a page whose time comes while another is written over it ends on the port, and its file does not")
    func timeWhileWritten() throws {
        let soon = Exptime(second: store.session.nowSecond + 10)
        #expect(store.set("memfis://h/a", "old", StoreCommand(mode: .set, flags: 2, exptime: soon)).outcome == .done)
        let ino = try store.ino("/a")
        try store.session.openFile(ino)
        try store.change("/a", isOpen: true) { $0.size = 0 }
        try store.writePart(ino, at: 0, "ne")
        store.advance(seconds: 11)
        #expect(store.page("/a") == nil && store.exists("/a"))
        #expect(store.session.expireFiles(limit: 10) == 1)
        #expect(try store.names("/") == ["a"])
        try store.writePart(ino, at: 2, "w")
        store.session.releaseFile(ino)
        #expect(store.page("/a") == "new" && store.get("memfis://h/a")?.view.flags == 0)
        store.check()
    }

    @Test("an exptime can be asked for and set by name, is not listed for copies, and cannot be one that has passed")
    func exptimeOfCopies() throws {
        try store.write("/a", "text")
        try set("user.memcached.exptime", of: "/a", to: "100")
        #expect(throws: StoreError.invalid) { try set("user.memcached.exptime", of: "/a", to: "-1") }
        #expect(throws: StoreError.invalid) { try set("user.memcached.exptime", of: "/a", to: "1000000000") }
        let length = try unsafe store.session.listExtendedAttributes(
            of: try store.ino("/a"), into: UnsafeMutableRawBufferPointer(start: nil, count: 0))
        #expect(length == 0)
        #expect(store.get("memfis://h/a")?.view.exptime.second == store.session.nowSecond + 100)
    }

    @Test("what the port appends to a log that was just cut goes behind the cut as well")
    func portAppendsToCut() throws {
        let store = try TestStore { $0.publishIntervalSeconds = 0 }
        try store.write("/log", "1\n")
        try store.change("/log") { $0.mode = 0o666 }
        let ino = try store.ino("/log")
        try store.session.openFile(ino)
        try store.change("/log", isOpen: true) { $0.size = 0 }
        #expect(store.set("memfis://h/log", "p\n", StoreCommand(mode: .append)).outcome == .done)
        #expect(try store.page("/log") == "1\np\n" && store.text("/log") == "p\n")
        store.session.releaseFile(ino)
        #expect(store.page("/log") == "p\n")
        store.check()
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
