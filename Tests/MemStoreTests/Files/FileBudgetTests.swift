// The limit on what files may take: where it refuses, what it leaves alone, and that the count behind it never drifts.
import Testing

@testable import MemStore

@Suite("Files' budget") struct FileBudgetTests {
    private static let maxBytes = 2 << 20

    private func limited(_ configure: (inout StoreConfiguration) -> Void = { _ in }) throws -> TestStore {
        let store = try TestStore(limitMiB: 16) {
            $0.filesMaxBytes = Self.maxBytes
            $0.servingUser = ServingUser(uid: 1000, gid: 1000, groups: [])
            configure(&$0)
        }
        try store.change("/") { $0.mode = 0o777 }
        return store
    }
    private func page(_ count: Int) -> [UInt8] { [UInt8](repeating: 120, count: count) }

    /// Fills the files' share in steps of `step` bytes. Returns the number of whole files.
    private func fill(_ store: TestStore, step: Int) -> Int {
        var count = 0
        while (try? store.write("/f\(count)", page(step))) != nil { count += 1 }
        return count
    }

    @Test("writing stops at the limit with ENOSPC, within a few per cent of it, and deleting makes room again")
    func mountLimit() throws {
        let store = try limited()
        let count = fill(store, step: 100_000)
        #expect(count * 100_000 > Self.maxBytes * 9 / 10)
        #expect(store.session.fileBytes <= Self.maxBytes)
        #expect(throws: StoreError.noSpace) { try store.write("/last", page(100_000)) }
        for number in 0..<count { #expect(store.page("/f\(number)")?.utf8.count == 100_000) }
        try store.unlink("/f0")
        try store.unlink("/f1")
        try store.write("/new", page(100_000))
        #expect(store.page("/new")?.utf8.count == 100_000)
        store.check()
    }

    @Test("what a file has set aside counts, and is there for it when the limit is reached")
    func setAside() throws {
        let store = try limited()
        try store.makeNode("/log")
        let ino = try store.ino("/log")
        try store.session.openFile(ino)
        try store.session.allocate(ino, at: 0, length: 500_000, mode: .keepSize)
        #expect(throws: StoreError.noSpace) {
            try store.session.allocate(ino, at: 1 << 20, length: 3 << 20, mode: .keepSize)
        }
        for step in [100_000, 1000, 1] { _ = fill(store, step: step) }
        for step in 0..<100 { try store.writePart(ino, at: UInt64(step * 5000), page(5000)) }
        #expect(store.session.fileBytes <= Self.maxBytes + store.session.arena.blockSizeBytes)
        // The allocation that failed has spoiled the version: a program that wants it nevertheless syncs again.
        #expect(throws: StoreError.noSpace) { try store.session.syncFile(ino) }
        try store.session.syncFile(ino)
        store.session.releaseFile(ino)
        #expect(store.page("/log")?.utf8.count == 500_000)
        store.check()
    }

    @Test("many small files stop at the limit too; their inodes and names count")
    func smallFiles() throws {
        let store = try limited()
        let count = fill(store, step: 1)
        #expect(count > 5000)
        #expect(count < Self.maxBytes / 150)
        #expect(store.session.fileBytes <= Self.maxBytes)
        #expect(throws: StoreError.noSpace) {
            for number in 0..<2000 { try store.makeDirectory("/d\(number)") }
        }
        for number in 0..<count { try store.unlink("/f\(number)") }
        try store.write("/new", page(1_000_000))
        store.check()
    }

    @Test("the port is refused at the limit, the old value stays, and an equal value in its place is taken")
    func portLimit() throws {
        let store = try limited()
        #expect(store.set("memfis://h/a", page(900_000)).outcome == .done)
        #expect(store.set("memfis://h/b", page(900_000)).outcome == .done)
        #expect(store.set("memfis://h/c", page(900_000)).outcome == .noMemory)
        #expect(store.set("memfis://h/a", page(1_800_000)).outcome == .noMemory)
        #expect(store.setInPieces("memfis://h/d", page(900_000), step: 10_000).outcome == .noMemory)
        #expect(store.set("memfis://h/a", page(900_000), StoreCommand(mode: .append)).outcome == .noMemory)
        #expect(store.page("/a")?.utf8.count == 900_000)
        #expect(store.page("/c") == nil)
        #expect(store.set("memfis://h/a", page(900_000)).outcome == .done)
        #expect(store.setInPieces("memfis://h/a", page(900_000), step: 10_000).outcome == .done)
        #expect(store.session.fileBytes <= Self.maxBytes)
        #expect(store.delete("memfis://h/b").outcome == .done)
        #expect(store.set("memfis://h/c", page(900_000)).outcome == .done)
        store.check()
    }

    @Test("at the limit a file can be overwritten in place, cut, and renamed over")
    func overwriting() throws {
        let store = try limited()
        let count = fill(store, step: 65536)
        let ino = try store.ino("/f0")
        var refused = false
        try store.session.openFile(ino)
        // What is published shares its bytes with what is live until the first write.
        do { try store.writePart(ino, at: 0, page(65536)) } catch { refused = true }
        if refused {
            try store.unlink("/f\(count - 1)")
            try store.unlink("/f\(count - 2)")
            try store.writePart(ino, at: 0, page(65536))
        }
        for _ in 0..<50 { try store.writePart(ino, at: 0, page(65536)) }
        store.session.releaseFile(ino)
        try store.change("/f1") { $0.size = 10 }
        try store.rename("/f2", to: "/f1")
        #expect(store.page("/f1")?.utf8.count == 65536)
        #expect(store.session.fileBytes <= Self.maxBytes)
    }

    @Test("cache items, large ones too, take nothing of the files' share")
    func items() throws {
        let store = try limited { $0.itemSizeMaxBytes = 4 << 20 }
        let before = store.session.fileBytes
        for number in 0..<10 { store.set("item\(number)", page(700_000)) }
        #expect(store.session.fileBytes - before < 20_000)
        try store.write("/page", page(1_500_000))
        #expect(store.page("/page")?.utf8.count == 1_500_000)
        store.session.flushItems(at: nil)
        store.session.refreshClock()
        #expect(abs(store.session.fileBytes - before - 1_500_000) < 50_000)
    }

    @Test("after thousands of writes, cuts, copies and deletions the count is what it was")
    func noDrift() throws {
        let store = try TestStore(limitMiB: 32) { $0.servingUser = ServingUser(uid: 1000, gid: 1000, groups: []) }
        try store.change("/") { $0.mode = 0o777 }
        let before = store.session.fileBytes
        var random = SeededRandom(7)
        for _ in 0..<2000 {
            let path = "/f\(random.below(12))"
            switch random.below(7) {
            case 0: try store.write(path, page(random.below(200_000)))
            case 1: store.set("memfis://h" + path, page(random.below(100_000)))
            case 2: store.set("memfis://h" + path, page(random.below(5000)), StoreCommand(mode: .append))
            case 3 where store.exists(path): try store.unlink(path)
            case 4 where store.exists(path):
                try store.change(path) { $0.size = UInt64(random.below(300_000)) }
            case 5 where store.exists(path):
                let ino = try store.ino(path)
                try store.session.allocate(
                    ino, at: UInt64(random.below(100_000)), length: UInt64(1 + random.below(100_000)), mode: .punchHole)
                store.session.publish(ino)
            default: store.set("item\(random.below(12))", page(random.below(300_000)))
            }
        }
        for number in 0..<12 where store.exists("/f\(number)") { try store.unlink("/f\(number)") }
        for number in 0..<12 { _ = store.delete("item\(number)") }
        #expect(store.session.fileBytes == before)
        store.check()
    }
}
