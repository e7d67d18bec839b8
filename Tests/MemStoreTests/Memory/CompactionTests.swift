// Compaction in slices: what happens when another has taken the spare segment between two of them.
import Testing

@testable import MemStore

@Suite("Compaction") struct CompactionTests {
    private func page(_ number: Int) -> [UInt8] { [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 100) }

    /// Empties all segments of a shard in which something is dead. Each begins with a spare segment, goes on without one
    /// as far as it comes, and ends with one. Returns how many had to wait.
    private func compact(_ shard: Shard, _ test: TestStore) throws -> Int {
        let arena = test.session.arena
        let now = test.session.nowSecond
        var waited = 0
        var spare: UInt32 = 0
        var outcome = SliceOutcome.unfinished
        shard.lock()
        defer { shard.unlock() }
        while outcome != .nothing {
            if shard.state.compaction.segment != 0 {
                var none: UInt32 = 0
                outcome = .unfinished
                while outcome == .unfinished {
                    outcome = shard.compact(shareMin: 1, spare: &none, now: now)
                }
                if none != 0 { arena.giveBack(segment: none) }
                if outcome == .nothing { waited += 1 }
            }
            if spare == 0 { spare = try #require(arena.takeSegment()) }
            outcome = shard.compact(shareMin: 1, spare: &spare, now: now)
        }
        if spare != 0 { arena.giveBack(segment: spare) }
        return waited
    }

    /// The same in all shards.
    private func compactAll(_ test: TestStore) throws -> Int {
        try (0..<test.session.shared.shardCount).reduce(0) { try $0 + compact(test.session.shard(number: $1), test) }
    }

    @Test("a compaction of file contents that finds no room and no spare segment waits for one")
    func pieces() throws {
        let test = try TestStore(limitMiB: 64)
        for number in 0..<30_000 { test.set("memfis://h/d\(number / 1000)/f\(number)", page(number)) }
        for number in 0..<30_000 where number % 5 < 3 { _ = test.delete("memfis://h/d\(number / 1000)/f\(number)") }
        let waited = try compactAll(test)
        #expect(waited > 0)
        for number in 0..<30_000 where number % 5 >= 3 {
            try #require(test.get("memfis://h/d\(number / 1000)/f\(number)")?.value == page(number))
        }
        test.session.checkInvariants()
    }

    @Test("a compaction of items that finds no room and no spare segment waits for one, and loses none")
    func records() throws {
        let test = try TestStore(limitMiB: 64) { $0.evictsItems = false }
        for number in 0..<40_000 { test.set("k\(number)", page(number)) }
        for number in 0..<40_000 where number % 5 < 3 { _ = test.delete("k\(number)") }
        let waited = try compactAll(test)
        #expect(waited > 0)
        #expect(test.store.statistics().evictions == 0 && test.store.statistics().itemCount == 16_000)
        for number in 0..<40_000 where number % 5 >= 3 { try #require(test.get("k\(number)")?.value == page(number)) }
        test.session.checkInvariants()
    }
}
