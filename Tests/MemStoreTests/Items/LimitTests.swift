// Small limits, and limits that move: what memcached's users do with -m 1, 2, 3 and values of 66 KB.
import Testing

@testable import MemStore

@Suite("Limits") struct LimitTests {
    @Test("with a limit of 1, 2 or 3 MiB no set of 66 KB fails, and evictions are counted", arguments: [1, 2, 3])
    func largeValues(limitMiB: Int) throws {
        let store = try TestStore(limitMiB: limitMiB)
        let value = [UInt8](repeating: UInt8(ascii: "v"), count: 66_000)
        for number in 0..<400 {
            try #require(store.set("key-\(number)", value).outcome == .done)
            try #require(store.setInPieces("piece-\(number)", value, step: 16_000).outcome == .done)
            if number % 40 == 0 { store.session.checkInvariants() }
        }
        let statistics = store.store.statistics()
        #expect(statistics.evictions == 800 - statistics.itemCount)
        let liveShare = Double(statistics.itemCount * 66_000) / Double(limitMiB << 20)
        #expect(liveShare > 0.75, "\(liveShare) of the limit is live")
        #expect(store.get("piece-399")?.value == value)
        #expect(statistics.memoryUsedBytes <= limitMiB << 20)
    }

    @Test("sizes change from small to large and back with a limit of 1 MiB", arguments: [1, 2])
    func changingSizes(limitMiB: Int) throws {
        let store = try TestStore(limitMiB: limitMiB)
        for size in [20, 66_000, 1000, 300_000, 10] {
            let value = [UInt8](repeating: 1, count: size)
            for number in 0..<max(50, 3_000_000 / (size + 100)) {
                try #require(store.set("\(size)-\(number)", value).outcome == .done, "\(size) bytes, number \(number)")
            }
            store.session.checkInvariants()
            #expect(store.store.statistics().memoryUsedBytes <= limitMiB << 20)
        }
    }

    @Test("the limit goes down and up while values are stored, and no set fails")
    func movingLimit() throws {
        let store = try TestStore(limitMiB: 8)
        var random = SeededRandom(5)
        for round in 0..<60 {
            let limitMiB = 1 + random.below(12)
            #expect(store.store.setMemoryLimit(bytes: limitMiB << 20))
            for number in 0..<200 {
                let size = [50, 900, 12_000, 66_000][random.below(4)]
                let key = "\(round)-\(number)"
                try #require(store.set(key, [UInt8](repeating: 3, count: size)).outcome == .done)
            }
            while store.session.arena.isOverLimit { try #require(store.session.reclaim()) }
            #expect(store.store.statistics().memoryUsedBytes <= limitMiB << 20)
        }
        store.session.checkInvariants()
    }

    @Test("the first cas that a new store gives is 1")
    func firstCas() throws {
        let store = try TestStore()
        #expect(store.set("a", "x").cas == 1)
        #expect(store.set("b", "y").cas == 2)
        #expect(store.get("a")?.view.cas == 1)
    }
}
