// Files that give way: which ones, in which order, and what never does.
import Testing

@testable import MemStore

@Suite("Evicting files") struct FileEvictionTests {
    private func evicting(limitMiB: Int = 8, _ configure: (inout StoreConfiguration) -> Void = { _ in }) throws
        -> TestStore
    {
        let store = try TestStore(limitMiB: limitMiB) {
            $0.evictsFiles = true
            $0.servingUser = ServingUser(uid: 1000, gid: 1000, groups: [])
            configure(&$0)
        }
        try store.change("/") { $0.mode = 0o777 }
        return store
    }
    private func page(_ count: Int) -> [UInt8] { [UInt8](repeating: 120, count: count) }

    @Test("files of many times the limit can be copied in; the newest is there, the oldest is gone from both doors")
    func endlessCopy() throws {
        let store = try evicting()
        for number in 0..<400 { try store.write("/f\(number)", page(100_000)) }
        #expect(store.page("/f399")?.utf8.count == 100_000)
        #expect(store.page("/f0") == nil)
        #expect(!store.exists("/f0"))
        let left = (0..<400).count { store.exists("/f\($0)") }
        #expect(left > 30)
        #expect(store.store.statistics().fileEvictions == 400 - left)
        #expect(store.store.statistics().fileCount == left)
        store.check()
    }

    @Test("a file that is read on either door outlives those that are not")
    func used() throws {
        let store = try evicting()
        try store.write("/port", page(100_000))
        try store.write("/mount", page(100_000))
        let ino = try store.ino("/mount")
        for number in 0..<300 {
            try store.write("/f\(number)", page(100_000))
            _ = store.page("/port")
            _ = try store.read(ino, count: 1)
        }
        #expect(store.page("/port")?.utf8.count == 100_000)
        #expect(store.page("/mount")?.utf8.count == 100_000)
    }

    @Test("what is open or not published yet stays, and cache items go first")
    func kept() throws {
        let store = try evicting()
        try store.write("/open", page(100_000))
        let open = try store.ino("/open")
        try store.session.openFile(open)
        try store.makeNode("/new")
        let new = try store.ino("/new")
        try store.writePart(new, at: 0, page(100_000))
        for number in 0..<100 { store.set("item\(number)", page(3000)) }
        for number in 0..<300 { try store.write("/f\(number)", page(100_000)) }
        #expect(try store.read(open).count == 100_000)
        #expect(store.page("/open")?.utf8.count == 100_000)
        #expect(try store.read(new).count == 100_000)
        #expect(store.string("item0") == nil)
        store.session.releaseFile(open)
        for number in 300..<600 { try store.write("/f\(number)", page(100_000)) }
        #expect(!store.exists("/open"))
        store.check()
    }

    @Test("when all that is left is open, writers get ENOSPC")
    func nothingLeft() throws {
        let store = try evicting()
        try store.makeNode("/big")
        let big = try store.ino("/big")
        try store.session.openFile(big)
        #expect(throws: StoreError.noSpace) {
            for number in 0..<100 { try store.writePart(big, at: UInt64(number) * 100_000, page(100_000)) }
        }
        #expect(store.store.statistics().fileEvictions == 0)
        store.session.releaseFile(big)
        store.check()
    }

    @Test("a kernel that knows an evicted file is told so, and cannot open it any more")
    func notices() throws {
        let store = try evicting()
        try store.makeDirectory("/d")
        try store.write("/d/f", page(100_000))
        let directory = try Array("d".utf8).withBytes { (name) throws(StoreError) in
            try store.session.lookup(name, in: .root).ino
        }
        let known = try Array("f".utf8).withBytes { (name) throws(StoreError) in
            try store.session.lookup(name, in: directory).ino
        }
        store.store.invalidations.attachReader()
        for number in 0..<400 where store.store.statistics().fileEvictions == 0 {
            store.set("memfis://h/f\(number)", page(100_000))
        }
        #expect(throws: StoreError.stale) { try store.session.openFile(known) }
        #expect(throws: StoreError.stale) { try store.writePart(known, at: 0, "x") }
        #expect(try store.names("/d") == [])
        store.set("memfis://h/last", "x")
        var parents: [Ino] = []
        while let change = store.store.invalidations.next(), change.name != Array("last".utf8) {
            if change.kind == .entry { parents.append(change.parent) }
        }
        #expect(parents.contains(directory))
        store.session.forget(known, count: 1)
        #expect(throws: StoreError.stale) { try store.session.attributes(of: known) }
        store.session.forget(directory, count: 1)
        store.check()
    }

    @Test("the limit on files evicts files too, and leaves cache items alone")
    func filesLimit() throws {
        let store = try evicting(limitMiB: 32) { $0.filesMaxBytes = 2 << 20 }
        store.set("item", "kept")
        for number in 0..<200 { #expect(store.set("memfis://h/f\(number)", page(100_000)).outcome == .done) }
        for number in 200..<400 { try store.write("/f\(number)", page(100_000)) }
        #expect(store.session.fileBytes <= 2 << 20)
        #expect(store.page("/f399")?.utf8.count == 100_000)
        #expect(store.string("item") == "kept")
        store.check()
    }

    @Test("without the option no file is ever evicted")
    func off() throws {
        let store = try evicting { $0.evictsFiles = false }
        try store.write("/f", page(100_000))
        var count = 0
        while (try? store.write("/g\(count)", page(100_000))) != nil { count += 1 }
        #expect(store.page("/f")?.utf8.count == 100_000)
        #expect(store.store.statistics().fileEvictions == 0)
    }

    @Test("files that nobody reads make room for items, as items do for files")
    func beside() throws {
        let store = try evicting(limitMiB: 16)
        for number in 0..<400 { try store.write("/f\(number)", page(50_000)) }
        let filesBefore = store.store.statistics().fileCount
        store.advance(seconds: 5)
        for number in 0..<20_000 {
            if number % 1000 == 0 { store.advance(seconds: 1) }
            store.set("item\(number)", page(2000))
        }
        let statistics = store.store.statistics()
        #expect(filesBefore > 200 && statistics.fileCount < filesBefore / 4)
        #expect(statistics.itemCount > 5000)
        store.check()
        store.session.checkInvariants()
    }

    @Test("files that are read outlive items that nobody asks for")
    func readBeside() throws {
        let store = try evicting(limitMiB: 16)
        for number in 0..<40 { try store.write("/f\(number)", page(50_000)) }
        for number in 0..<20_000 {
            if number % 500 == 0 {
                store.advance(seconds: 1)
                for file in 0..<40 { #expect(store.page("/f\(file)")?.utf8.count == 50_000) }
            }
            store.set("item\(number)", page(2000))
        }
        #expect(store.store.statistics().fileEvictions == 0)
        #expect(store.store.statistics().evictions > 10_000)
        store.check()
    }

    @Test("a value that was on its way into a file that was evicted becomes a new file")
    func joinedToEvicted() throws {
        let store = try evicting()
        for number in 0..<100 { try store.write("/f\(number)", page(100_000)) }
        var command = StoreCommand(mode: .append)
        command.vivifyExptime = .never
        for number in 0..<100 where store.exists("/f\(number)") {
            let before = store.store.statistics().fileEvictions
            #expect(store.setInPieces("memfis://h/f\(number)", page(1_500_000), step: 20_000, command).outcome == .done)
            let size = try #require(store.page("/f\(number)")).utf8.count
            #expect(size == 1_500_000 || size == 1_600_000)
            #expect(store.store.statistics().fileEvictions > before || number > 0)
        }
        store.check()
    }
}
