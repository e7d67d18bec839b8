// What a session keeps of the memory it reserved: little, never at another's cost, nothing when it ends.
import Testing

@testable import MemStore

@Suite("Reserved memory") struct SessionMemoryTests {
    @Test("a session keeps a segment and four blocks at most, and takes only what it lacks")
    func stash() throws {
        let store = try TestStore(limitMiB: 1024)
        try store.session.reserve(MemoryNeed(blocks: 40, segments: 3))
        #expect(store.session.state.reservation.blockCount == 40)
        try store.session.reserve(MemoryNeed(blocks: 1))
        #expect(store.session.state.reservation.blockCount == 4)
        #expect(store.session.state.reservation.segmentCount == 1)
        let used = store.store.statistics().memoryUsedBytes
        try store.session.reserve(MemoryNeed(blocks: 4, segments: 1))
        #expect(store.store.statistics().memoryUsedBytes == used)
    }

    @Test("an ended session leaves nothing behind")
    func end() throws {
        let store = try TestStore(limitMiB: 1024)
        let before = store.store.statistics().memoryUsedBytes
        let other = store.store.makeSession()
        try other.reserve(MemoryNeed(blocks: 4, segments: 1))
        #expect(store.store.statistics().memoryUsedBytes > before)
        other.end()
        #expect(store.store.statistics().memoryUsedBytes == before)
    }

    @Test("with a limit of 2 MiB many sessions write beside each other, and together hold a small part of it")
    func smallLimit() throws {
        let store = try TestStore(limitMiB: 2) { $0.servingUser = ServingUser(uid: 1000, gid: 1000, groups: []) }
        try store.change("/") { $0.mode = 0o777 }
        let sessions = (0..<20).map { _ in store.store.makeSession() }
        for (number, session) in sessions.enumerated() {
            let key = Array("memfis://h/f\(number)".utf8)
            let outcome = key.withBytes { key in
                Array("page".utf8).withBytes {
                    session.store(key, hash: session.hash(key), value: $0, StoreCommand(mode: .set)).outcome
                }
            }
            #expect(outcome == .done)
            #expect(session.state.stash.segments == 0 && session.state.stash.blocks == 0)
        }
        for session in sessions { session.end() }
        store.check()
    }

    @Test("room for a block is not made at the cost of a segment that is reserved")
    func evictionBesideReservation() throws {
        let store = try TestStore(limitMiB: 2)
        let session = store.session
        let arena = session.arena
        for round in 0..<20 {
            for number in 0..<3000 { store.set("\(round)-\(number)", [UInt8](repeating: 1, count: 1000)) }
            // All of them are used, so eviction would rather move them than let them go.
            for number in 0..<3000 { for _ in 0..<3 { _ = store.get("\(round)-\(number)") } }
            session.state.reservation.giveBack(keeping: MemoryNeed())
            // Compaction elsewhere may have the spare segment, and everything else is in use.
            let lane = session.shared.lane(0)
            let spare = lane.spareSegment
            lane.spareSegment = 0
            try session.reserve(MemoryNeed(segments: 3))
            arena.setLimit(bytes: arena.usedBytes)
            try session.reserve(MemoryNeed(blocks: 4, segments: 3))
            #expect(session.holds(MemoryNeed(blocks: 4, segments: 3)))
            arena.setLimit(bytes: 2 << 20)
            if spare != 0 { arena.giveBack(segment: spare) }
        }
        session.state.reservation.giveBack(keeping: MemoryNeed())
        session.checkInvariants()
    }

    @Test("what a session keeps is given back before an operation fails for want of memory")
    func shortage() throws {
        let store = try TestStore(limitMiB: 1024) { $0.evictsItems = false }
        let session = store.session
        try session.reserve(MemoryNeed(segments: 1))
        let arena = session.arena
        arena.setLimit(bytes: arena.usedBytes)
        // The one segment that it keeps becomes the blocks that it needs.
        try session.reserve(MemoryNeed(blocks: 16))
        #expect(session.state.reservation.blockCount == 16)
        #expect(throws: StoreError.noSpace) { try session.reserve(MemoryNeed(blocks: 64)) }
        #expect(session.state.reservation.blockCount == 0)
    }
}
