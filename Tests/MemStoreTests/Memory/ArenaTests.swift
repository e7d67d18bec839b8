// Memory that comes back from the system.
import Glibc
import Testing

@testable import MemStore

@Suite("Arena") struct ArenaTests {
    @Test("the first block taken of a segment that was given back to the system makes all of it resident")
    func coldSegments() throws {
        let test = try TestStore(limitMiB: 64)
        let arena = test.session.arena
        let perSegment = UInt32(arena.geometry.blocksPerSegment)
        let taken = try (0..<4 * perSegment).map { _ in try #require(arena.takeBlock(near: 0)) }
        for block in taken {
            unsafe memset(arena.address(ofBlock: block), 1, arena.blockSizeBytes)
            arena.giveBack(block: block)
        }
        while arena.discardOneWarm(keep: 0) {}
        let cold = Set(taken.map { $0 / perSegment }).filter { !isResident($0, of: arena) }
        #expect(cold.count >= 3)
        var again: [UInt32] = []
        var seen: Set<UInt32> = []
        while again.count < taken.count {
            let block = try #require(arena.takeBlock(near: again.last ?? 0))
            again.append(block)
            let segment = block / perSegment
            if cold.contains(segment), seen.insert(segment).inserted { #expect(isResident(segment, of: arena)) }
        }
        #expect(seen.count >= 3)
        for block in again { arena.giveBack(block: block) }
        arena.checkInvariants()
    }

    /// Whether the last page of a segment is in memory.
    private func isResident(_ segment: UInt32, of arena: Arena) -> Bool {
        var state: UInt8 = 0
        let code = unsafe mincore(arena.address(ofSegment: segment) + arena.segmentSizeBytes - 4096, 4096, &state)
        return code == 0 && state & 1 == 1
    }
}
