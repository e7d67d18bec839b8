// Storage commands on file keys.
import Testing

@testable import MemStore

@Suite("File items") struct FileItemTests {
    static let key = "memfis://h/d/f"
    let store: TestStore
    init() throws { store = try TestStore { $0.umask = 0o027 } }

    private func append(_ key: String, _ value: String, _ mode: StoreMode = .append) -> StoreResult {
        store.set(key, value, StoreCommand(mode: mode))
    }

    @Test("a set makes directories and the file, with the umask, for the serving user")
    func creates() throws {
        let result = store.set("memfis://h/a/b/c", "text", StoreCommand(mode: .set, flags: 7))
        #expect(result.outcome == .done && result.size == 4 && result.cas > 0 && result.previous == .missing)
        let directory = try store.stat("/a/b")
        #expect(directory.mode == 0o040750 && directory.uid == 65534 && directory.gid == 65534)
        #expect(try store.stat("/a/b/c").mode == 0o100640)
        let page = try #require(store.get("memfis://h/a/b/c"))
        #expect(
            page.value == Array("text".utf8) && page.view.flags == 7 && page.view.cas == result.cas && page.view.isFile)
        #expect(try store.text("/a/b/c") == "text")
        store.check()
    }

    @Test("what tells the content or the size of a file needs the right to read it; what tells nothing does not")
    func writeOnly() throws {
        try store.makeDirectory("/d", mode: 0o777)
        try store.write("/d/f", "4242")
        try store.change("/d/f") { $0.mode = 0o622 }
        var arithmetic = ArithmeticCommand()
        for isIncrement in [true, false] {
            arithmetic.isIncrement = isIncrement
            #expect(store.arithmetic(Self.key, arithmetic).outcome == .permissionDenied)
        }
        var telling = StoreCommand(mode: .append)
        telling.tellsSize = true
        #expect(store.set(Self.key, "+", telling).outcome == .permissionDenied)
        telling.mode = .prepend
        #expect(store.set(Self.key, "+", telling).outcome == .permissionDenied)
        #expect(try store.text("/d/f") == "4242")
        #expect(append(Self.key, "!").outcome == .done)
        #expect(try store.text("/d/f") == "4242!")
        #expect(store.get(Self.key) == nil)
        try store.change("/d/f") { $0.mode = 0o666 }
        #expect(store.set(Self.key, "+", telling).size == 6)
        store.check()
    }

    @Test("a set keeps the inode, its mode and owner, and changes its times and cas")
    func replaces() throws {
        try store.makeDirectory("/d", mode: 0o777)
        try store.write("/d/f", "old and longer")
        try store.change("/d/f") { $0.mode = 0o666 }
        let before = try store.stat("/d/f")
        let first = try #require(store.get(Self.key))
        let result = store.set(Self.key, "new")
        #expect(result.outcome == .done && result.previous == .present && result.cas > first.view.cas)
        let after = try store.stat("/d/f")
        #expect(after.ino == before.ino && after.mode == before.mode && after.uid == 1000 && after.size == 3)
        #expect(after.mtime != before.mtime && after.ctime == after.mtime)
    }

    @Test("add, replace and cas answer as for items")
    func modes() throws {
        #expect(store.set(Self.key, "x", StoreCommand(mode: .replace)).outcome == .notStored)
        #expect(store.set(Self.key, "x", StoreCommand(mode: .set, compareCas: 1)).outcome == .notFound)
        let made = store.set(Self.key, "1", StoreCommand(mode: .add))
        #expect(made.outcome == .done)
        #expect(store.set(Self.key, "2", StoreCommand(mode: .add)).outcome == .notStored)
        #expect(store.set(Self.key, "2", StoreCommand(mode: .set, compareCas: made.cas + 1)).outcome == .exists)
        #expect(store.set(Self.key, "2", StoreCommand(mode: .set, compareCas: made.cas)).outcome == .done)
        #expect(store.set(Self.key, "3", StoreCommand(mode: .replace)).outcome == .done)
        #expect(store.page("/d/f") == "3")
    }

    @Test("a prepend to a sparse file keeps its hole, and takes no item's memory")
    func joinsSparse() throws {
        store.set(Self.key, "end")
        try store.change("/d/f") { $0.size = 1 << 40 }
        store.set("item", "stays")
        #expect(append(Self.key, "begin ", .prepend).size == 6 + (1 << 40))
        let ino = try store.ino("/d/f")
        #expect(try store.read(ino, count: 9) == Array("begin end".utf8))
        #expect(try store.read(ino, at: 1 << 40, count: 100) == [UInt8](repeating: 0, count: 6))
        #expect(store.string("item") == "stays")
        #expect(store.store.statistics().evictions == 0)
        store.check()
    }

    @Test("append and prepend join small and large values, and keep flags and exptime")
    func joins() throws {
        #expect(append(Self.key, "x").outcome == .notStored)
        store.set(Self.key, "b", StoreCommand(mode: .set, flags: 5, exptime: Exptime(second: 1000)))
        #expect(append(Self.key, "c").size == 2)
        #expect(append(Self.key, "a", .prepend).outcome == .done)
        let page = try #require(store.get(Self.key))
        #expect(page.value == Array("abc".utf8) && page.view.flags == 5 && page.view.exptime.second == 1000)
        var random = SeededRandom(1)
        var model = page.value
        for round in 0..<12 {
            let part = random.bytes(random.below(60_000) + 1)
            let command = StoreCommand(mode: round % 3 == 0 ? .prepend : .append)
            let result =
                round % 2 == 0
                ? store.set(Self.key, part, command)
                : store.setInPieces(Self.key, part, step: 7000, command)
            model = round % 3 == 0 ? part + model : model + part
            #expect(result.outcome == .done && result.size == model.count)
            #expect(store.get(Self.key)?.value == model)
            #expect(try store.read(try store.ino("/d/f")) == model)
        }
        store.check()
    }

    @Test("append with an exptime for a miss creates the file")
    func vivifyingAppend() throws {
        var command = StoreCommand(mode: .append, flags: 3)
        command.vivifyExptime = Exptime(second: 500)
        #expect(store.set(Self.key, "x", command).outcome == .done)
        let page = try #require(store.get(Self.key))
        #expect(page.view.exptime.second == 500 && page.value == Array("x".utf8))
    }

    @Test("a large value that arrives in pieces is stored whole, over a small one and back")
    func large() throws {
        var random = SeededRandom(2)
        for size in [1, 4096, 100_000, 1_500_000, 10, 0] {
            let value = random.bytes(size)
            #expect(store.setInPieces(Self.key, value, step: 9999).outcome == .done)
            #expect(store.get(Self.key)?.value == value)
            #expect(try store.stat("/d/f").size == UInt64(size))
        }
    }

    @Test("incr and decr count, pad with blanks, refuse what is no number")
    func counts() throws {
        var up = ArithmeticCommand()
        #expect(store.arithmetic(Self.key, up).outcome == .notFound)
        store.set(Self.key, "99")
        #expect(store.arithmetic(Self.key, up).number == 100)
        var down = ArithmeticCommand()
        down.isIncrement = false
        down.delta = 1
        #expect(store.arithmetic(Self.key, down).number == 99)
        #expect(store.page("/d/f") == "99 ")
        store.set(Self.key, "text")
        #expect(store.arithmetic(Self.key, up).outcome == .nonNumeric)
        up.vivifyExptime = .never
        up.initial = 12
        let made = store.arithmetic("memfis://h/n", up)
        #expect(made.outcome == .done && made.isCreated && made.number == 12 && store.page("/n") == "12")
        up.compareCas = made.cas + 1
        #expect(store.arithmetic("memfis://h/n", up).outcome == .exists)
    }

    @Test("a delete removes the entry itself, of a symlink too, but no directory")
    func deletes() throws {
        store.set(Self.key, "x")
        try store.makeSymlink("/l", to: "d/f")
        #expect(store.page("/l") == "x")
        try store.change("/") { $0.mode = 0o777 }
        #expect(store.delete("memfis://h/l").outcome == .done && store.exists("/d/f") && !store.exists("/l"))
        #expect(store.delete("memfis://h/d").outcome == .isDirectory)
        #expect(store.delete("memfis://h/d/f/x").outcome == .notDirectory)
        #expect(store.delete("memfis://h/d/none").outcome == .notFound)
        #expect(store.delete("memfis://h/d/../d/f").outcome == .invalidPath)
        var command = DeleteCommand()
        command.compareCas = 1 << 60
        #expect(store.delete(Self.key, command).outcome == .exists)
        #expect(store.delete(Self.key).outcome == .done && !store.exists("/d/f"))
        store.check()
    }

    @Test("a delete that marks stale or clears keeps the file")
    func marks() throws {
        let made = store.set(Self.key, "x", StoreCommand(mode: .set, flags: 9, exptime: Exptime(second: 900)))
        var stale = DeleteCommand()
        stale.marksStale = true
        #expect(store.delete(Self.key, stale).outcome == .done)
        var options = GetOptions()
        options.handlesMarks = true
        let first = try #require(store.get(Self.key, options))
        #expect(first.view.isStale && first.view.wins && !first.view.hadWinner && first.view.cas > made.cas)
        let second = try #require(store.get(Self.key, options))
        #expect(second.view.isStale && !second.view.wins && second.view.hadWinner)
        var clear = DeleteCommand()
        clear.clearsValue = true
        #expect(store.delete(Self.key, clear).outcome == .done)
        let empty = try #require(store.get(Self.key))
        #expect(empty.value.isEmpty && empty.view.flags == 0 && empty.view.exptime == .never)
        #expect(try store.stat("/d/f").size == 0)
        store.set(Self.key, "y")
        #expect(try #require(store.get(Self.key, options)).view.isStale == false)
        store.check()
    }

    @Test("a touch sets the exptime of a hit; gat shows the file before it is gone")
    func touches() throws {
        store.set(Self.key, "x")
        var options = GetOptions()
        options.touch = Exptime(second: store.session.nowSecond + 10)
        let touched = try #require(store.get(Self.key, options))
        #expect(touched.view.exptimeBefore == .never && touched.view.exptime == options.touch)
        options.touch = .immediately
        #expect(store.get(Self.key, options)?.value == Array("x".utf8))
        #expect(store.get(Self.key) == nil && !store.exists("/d/f"))
    }

    @Test("vivify makes an empty file on a miss, and its maker wins")
    func vivifies() throws {
        var options = GetOptions()
        options.vivify = Exptime(second: 700)
        options.handlesMarks = true
        let made = try #require(store.get(Self.key, options))
        #expect(made.view.isCreated && made.view.wins && made.value.isEmpty && made.view.exptime.second == 700)
        let second = try #require(store.get(Self.key, options))
        #expect(!second.view.isCreated && second.view.hadWinner && !second.view.wins)
    }

    @Test("files that expire vanish from both doors under all their names, and an open handle keeps them")
    func expires() throws {
        store.set(Self.key, "x", StoreCommand(mode: .set, exptime: Exptime(second: store.session.nowSecond + 5)))
        try store.link("/d/f", as: "/d/g")
        let ino = try store.ino("/d/f")
        try store.session.openFile(ino)
        store.advance(seconds: 4)
        #expect(store.page("/d/f") == "x" && store.exists("/d/g"))
        store.advance(seconds: 1)
        #expect(store.page("/d/f") == nil && !store.exists("/d/f") && !store.exists("/d/g"))
        #expect(try store.names("/d") == [])
        #expect(store.session.expireFiles(limit: 10) == 1)
        #expect(try store.read(ino) == Array("x".utf8))
        store.session.releaseFile(ino)
        #expect(store.store.statistics().fileCount == 0)
        store.check()
    }

    @Test("an expired file is in nobody's way: not of a new one, a rename, a link or rmdir")
    func expiredInTheWay() throws {
        for name in ["a", "b", "c", "s/x"] {
            store.set("memfis://h/d/" + name, "x", StoreCommand(mode: .set, exptime: .immediately))
        }
        try store.makeNode("/d/a")
        try store.rename("/d/a", to: "/d/b", .noReplace)
        try store.link("/d/b", as: "/d/c")
        try store.removeDirectory("/d/s")
        let result = store.set("memfis://h/d/z", "1", StoreCommand(mode: .set, exptime: .immediately))
        #expect(result.outcome == .done)
        let again = store.set("memfis://h/d/z", "2", StoreCommand(mode: .add))
        #expect(again.outcome == .done && again.previous == .expired && store.page("/d/z") == "2")
        store.check()
    }

    @Test("expiry goes by time among many, and by slices")
    func expiryOrder() throws {
        var random = SeededRandom(3)
        let now = store.session.nowSecond
        for number in 0..<300 {
            let second = now + 1 + UInt32(random.below(50))
            store.set("memfis://h/e/\(number)", "x", StoreCommand(mode: .set, exptime: Exptime(second: second)))
            if number % 7 == 0 { _ = store.delete("memfis://h/e/\(number / 2)") }
            if number % 5 == 0 { store.set("memfis://h/e/\(number / 3)", "y") }
        }
        store.check()
        var left = try store.names("/e").count
        for _ in 0..<50 {
            store.advance(seconds: 1)
            while store.session.expireFiles(limit: 7) == 7 {}
            store.check()
            let remaining = try store.names("/e").count
            #expect(remaining <= left)
            left = remaining
        }
        #expect(store.session.expireFiles(limit: 1) == 0)
        #expect(UInt64(left) == UInt64(store.store.statistics().fileCount))
    }

    @Test("with files read only, every change is refused and reads go on")
    func readOnly() throws {
        let store = try TestStore { $0.filesReadOnly = true }
        try store.write("/f", "text")
        let key = "memfis://h/f"
        #expect(store.set(key, "x").outcome == .permissionDenied)
        #expect(store.delete(key).outcome == .permissionDenied)
        #expect(store.arithmetic(key, ArithmeticCommand()).outcome == .permissionDenied)
        var options = GetOptions()
        options.touch = .immediately
        #expect(store.get(key, options) == nil)
        #expect(store.page("/f") == "text" && store.set("item", "x").outcome == .done)
    }

    @Test("writes obey the permissions: of the file, of the directory, of the sticky bit")
    func permissions() throws {
        try store.makeDirectory("/d", mode: 0o755)
        try store.write("/d/f", "text")
        #expect(store.set(Self.key, "x").outcome == .permissionDenied)
        #expect(store.set("memfis://h/d/new", "x").outcome == .permissionDenied)
        #expect(store.set("memfis://h/d/e/new", "x").outcome == .permissionDenied)
        #expect(store.delete(Self.key).outcome == .permissionDenied)
        try store.change("/d") { $0.mode = 0o1777 }
        #expect(store.set("memfis://h/d/e/new", "x").outcome == .done)
        #expect(store.delete(Self.key).outcome == .permissionDenied, "sticky")
        #expect(store.delete("memfis://h/d/e/new").outcome == .done)
        try store.change("/d") { $0.mode = 0o777 }
        #expect(store.delete(Self.key).outcome == .done)
        #expect(store.set("memfis://h/d", "x").outcome == .isDirectory)
        try store.write("/d/file", "text")
        #expect(store.set("memfis://h/d/file/x", "x").outcome == .notDirectory)
    }

    @Test("a write by the port clears suid, and sgid where the group may execute")
    func privileges() throws {
        try store.makeNode("/s", mode: 0o106777)
        #expect(store.set("memfis://h/s", "x").outcome == .done)
        #expect(try store.stat("/s").mode == 0o100777)
    }

    @Test("when memory is full the old content stays and others are not harmed")
    func outOfMemory() throws {
        let store = try TestStore(limitMiB: 2) { $0.evictsItems = false }
        var random = SeededRandom(4)
        let value = random.bytes(700_000)
        #expect(store.set("memfis://h/a", value).outcome == .done)
        var outcome = Outcome.done
        var count = 0
        while outcome == .done {
            count += 1
            outcome = store.set("memfis://h/fill\(count)", random.bytes(100_000)).outcome
        }
        #expect(outcome == .noMemory)
        #expect(store.set("memfis://h/a", random.bytes(900_000)).outcome == .noMemory)
        #expect(store.set("memfis://h/a", random.bytes(900_000), StoreCommand(mode: .append)).outcome == .noMemory)
        #expect(store.get("memfis://h/a")?.value == value)
        #expect(store.delete("memfis://h/a").outcome == .done)
        #expect(store.set("memfis://h/b", "x").outcome == .done)
        store.check()
    }

    @Test("a file that is freed leaves no content in its slot")
    func freedSlot() throws {
        try store.write("/f", [UInt8](repeating: 1, count: 10_000))
        let ino = try store.ino("/f")
        try store.unlink("/f")
        let inode = try #require(store.session.tree.inodeSlot(ino))
        #expect(inode.fields.isFree && inode.fields.live == .empty && inode.fields.published == .empty)
    }
}
