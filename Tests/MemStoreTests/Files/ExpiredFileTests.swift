// Files whose time has come must hold no memory that somebody needs.
import Testing

@testable import MemStore

@Suite("Expired files") struct ExpiredFileTests {
    private func page(_ count: Int) -> [UInt8] { [UInt8](repeating: 120, count: count) }

    /// Stores files that live for a second until there is no room, and returns how many.
    private func fill(_ store: TestStore) throws -> Int {
        let command = StoreCommand(mode: .set, exptime: Exptime(second: store.session.nowSecond + 1))
        var count = 0
        while store.set("memfis://h/d\(count / 1000)/f\(count)", page(300), command).outcome == .done { count += 1 }
        return count
    }

    @Test("a file with very many names goes in slices, and none of its names is found meanwhile")
    func manyNames() throws {
        let store = try TestStore()
        store.set("memfis://h/f", "x", StoreCommand(mode: .set, exptime: Exptime(second: store.session.nowSecond + 1)))
        for number in 0..<1000 { try store.link("/f", as: "/\(number)") }
        let ino = try store.ino("/f")
        store.advance(seconds: 2)
        #expect(!store.exists("/999") && store.page("/500") == nil)
        #expect(store.session.expireFiles(limit: 1) == 1)
        #expect(try store.session.attributes(of: ino).linkCount == 1001 - 128)
        #expect(!store.exists("/998"))
        // A name can be had again at once.
        try store.write("/997", "new")
        while store.session.expireFiles(limit: 1) == 1 {}
        #expect(try store.names("/") == ["997"])
        store.check()
    }

    @Test("a writer that finds no memory removes files whose time has come, some at a time", arguments: [true, false])
    func writers(isFile: Bool) throws {
        let store = try TestStore(limitMiB: 8)
        let count = try fill(store)
        #expect(count > 5000)
        store.advance(seconds: 2)
        for number in 0..<2000 {
            try #require(store.set((isFile ? "memfis://h/new" : "new") + "\(number)", page(300)).outcome == .done)
        }
        // Items that were stored meanwhile may have given way; a file never does.
        for number in 0..<2000 where isFile {
            try #require(store.page("/new\(number)")?.utf8.count == 300)
        }
        #expect(store.store.statistics().fileCount < count)
        store.check()
    }

    @Test("a round of housekeeping removes as many as its time allows, a few at least")
    func rounds() throws {
        let store = try TestStore(limitMiB: 8)
        let count = try fill(store)
        store.advance(seconds: 2)
        store.session.keepFiles(nanoseconds: 0)
        #expect(store.store.statistics().fileCount == count - 64)
        store.session.keepFiles(nanoseconds: .max)
        #expect(store.store.statistics().fileCount == 0)
    }
}
