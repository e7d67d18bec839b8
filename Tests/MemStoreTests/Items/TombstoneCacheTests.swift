// Keys whose items went without being asked for: told once, forgotten when there are too many.
import Testing

@testable import MemStore

@Suite struct TombstoneCacheTests {
    /// Hashes of one group of places.
    private func hash(_ number: UInt64) -> UInt64 { number << 34 }

    @Test("why an item went is told once")
    func once() {
        var departed = TombstoneCache()
        #expect(departed.isEmpty)
        departed.insert(hash(1), .expired)
        departed.insert(hash(2), .flushed)
        #expect(!departed.isEmpty)
        #expect(departed.take(hash(3)) == .missing)
        #expect(departed.take(hash(2)) == .flushed)
        #expect(departed.take(hash(2)) == .missing)
        #expect(departed.take(hash(1)) == .expired)
    }

    @Test("the oldest of a group gives way")
    func oldest() {
        var departed = TombstoneCache()
        for number in UInt64(1)...5 { departed.insert(hash(number), .expired) }
        #expect(departed.take(hash(1)) == .missing)
        for number in UInt64(2)...5 { #expect(departed.take(hash(number)) == .expired) }
    }

    @Test("items that the housekeeper removed are found expired, those that a flush took flushed")
    func found() throws {
        let test = try TestStore()
        test.set("short", "x", StoreCommand(mode: .set, exptime: Exptime(second: test.session.nowSecond + 1)))
        test.set("long", "x")
        test.advance(seconds: 2)
        for number in 0..<test.session.shared.shardCount {
            _ = test.session.shard(number: number).crawl(from: 0, count: 1000, now: test.session.nowSecond)
        }
        #expect(test.store.statistics().crawlerReclaimed == 1)
        test.session.flushItems(at: nil)
        func presence(_ name: String) -> Presence {
            Array(name.utf8).withBytes { key in
                let view = test.session.beginGet(key, hash: test.session.hash(key))
                test.session.endGet(view)
                return view.presence
            }
        }
        #expect(presence("short") == .expired && presence("long") == .flushed)
        #expect(presence("short") == .missing && presence("long") == .missing)
    }
}
