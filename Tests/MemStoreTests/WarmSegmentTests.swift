// Free segments that still have pages: huge ones are given back whole.
import Testing

@testable import MemStore

@Suite("Memory: warm segments") struct WarmSegmentTests {
    /// Large enough for huge pages: 8 segments of 256 KiB in each.
    private func makeArena() throws -> Arena { try Arena(limitBytes: 256 << 20) }

    @Test("a huge page goes when all of its segments are free, and its segments are taken again in their order")
    func whole() throws {
        let arena = try makeArena()
        defer { arena.destroy() }
        let perPage = UInt32((2 << 20) / arena.segmentSizeBytes)
        let taken = try (0..<4 * perPage).map { _ in try #require(arena.takeSegment()) }
        let first = try #require(taken.first { $0 % perPage == 0 })
        let page = Array(first..<first + perPage)
        #expect(page.allSatisfy(taken.contains))
        for segment in page.dropLast() { arena.giveBack(segment: segment) }
        #expect(arena.discardWarmHugePage(keep: 0) == 0)
        arena.giveBack(segment: page[page.count - 1])
        #expect(arena.discardWarmHugePage(keep: 1) == 0)
        arena.checkInvariants()
        #expect(arena.discardWarmHugePage(keep: 0) == 2 << 20)
        arena.checkInvariants()
        #expect(arena.discardWarmHugePage(keep: 0) == 0)
        #expect(page.map { _ in arena.takeSegment() } == page)
    }

    @Test("segments taken from the warm ones in any order leave a list that holds together")
    func order() throws {
        let arena = try makeArena()
        defer { arena.destroy() }
        var random = SeededRandom(3)
        var taken: [UInt32] = []
        for _ in 0..<2000 {
            switch random.below(5) {
            case 0, 1:
                if let segment = arena.takeSegment() { taken.append(segment) }
            case 2, 3:
                if !taken.isEmpty { arena.giveBack(segment: taken.remove(at: random.below(taken.count))) }
            default:
                _ = arena.discardWarmHugePage(keep: random.below(4)) > 0 || arena.discardOneWarm(keep: 8)
            }
            arena.checkInvariants()
        }
        #expect(Set(taken).count == taken.count)
    }
}
