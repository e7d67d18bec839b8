// The memory of a value that arrives in pieces: room for all that one read can bring, and only as long as it may bring it;
// blocks that lie together are taken and given back together.
import Glibc
import Testing

@testable import MemStore

@Suite("Arriving values") struct PendingValueTests {
    /// The lengths of the runs that are offered.
    private func spaces(_ store: TestStore, _ value: PendingValue, remaining: Int) -> [Int] {
        var runs = unsafe [iovec](repeating: iovec(), count: 64)
        let count = unsafe runs.withUnsafeMutableBufferPointer { buffer in
            unsafe store.session.nextSpaces(value, remaining: remaining, into: buffer)
        }
        return unsafe runs[..<count].map { unsafe $0.iov_len }
    }

    private func takenBytes(_ store: TestStore) -> Int { store.session.arena.state.takenBlockBytes }

    @Test("all that is left of a value has room at once, behind what has come of it")
    func wholeRest() throws {
        let store = try TestStore(limitMiB: 256)
        let value = store.session.beginValue()
        let before = takenBytes(store)
        #expect([UInt8](repeating: 1, count: 980).withBytes { store.session.append($0, to: value) })
        #expect(takenBytes(store) == before + 16384)
        #expect(spaces(store, value, remaining: 1_000_000).reduce(0, +) == 1_000_000)
        // A short read: what it did not fill goes back, and is there again for the next.
        store.session.advance(value, by: 100_000)
        store.session.trim(value)
        #expect(takenBytes(store) == before + 7 * 16384)
        #expect(spaces(store, value, remaining: 900_000).reduce(0, +) == 900_000)
        // No more than 1 MiB ahead, whatever was announced.
        #expect(spaces(store, value, remaining: 100_000_000).reduce(0, +) <= 2 << 20)
        store.session.abandon(value)
        #expect(takenBytes(store) == before)
        store.check()
    }

    @Test("with a small limit a segment at most is taken ahead")
    func smallLimit() throws {
        let store = try TestStore(limitMiB: 8)
        let value = store.session.beginValue()
        let blockSize = store.session.arena.blockSizeBytes
        #expect(spaces(store, value, remaining: 1_000_000).reduce(0, +) == 16 * blockSize)
        store.session.abandon(value)
        store.check()
    }

    @Test("a begun block is filled when there is no memory for more, and nothing is evicted to read ahead")
    func shortMemory() throws {
        let store = try TestStore(limitMiB: 8) { $0.evictsItems = false }
        let arena = store.session.arena
        let value = store.session.beginValue()
        #expect([UInt8](repeating: 1, count: 100).withBytes { store.session.append($0, to: value) })
        var held: [UInt32] = []
        while let block = arena.takeBlock(near: 0) { held.append(block) }
        #expect(spaces(store, value, remaining: 100_000) == [arena.blockSizeBytes - 100])
        store.session.advance(value, by: arena.blockSizeBytes - 100)
        #expect(spaces(store, value, remaining: 100_000).isEmpty)
        for block in held { arena.release(block: block) }
        #expect(!spaces(store, value, remaining: 100_000).isEmpty)
        store.session.abandon(value)
        store.check()
    }

    @Test("runs of blocks are taken and given back in any order, and none is lost", arguments: [2, 256])
    func runs(limitMiB: Int) throws {
        let store = try TestStore(limitMiB: limitMiB)
        let arena = store.session.arena
        let before = takenBytes(store)
        var random = SeededRandom(UInt64(limitMiB))
        var lists: [[UInt32]] = []
        var shared: [UInt32] = []
        for _ in 0..<2000 {
            if lists.count < 12, Bool.random(using: &random) {
                var list = [UInt32](repeating: 0, count: Int.random(in: 1...40, using: &random))
                let count = unsafe list.withUnsafeMutableBufferPointer { buffer in
                    unsafe arena.takeBlocks(
                        buffer.count, near: lists.last?.last ?? 0, into: buffer.baseAddress.unsafelyUnwrapped)
                }
                list.removeLast(list.count - count)
                #expect(list.allSatisfy { arena.holderCount(ofBlock: $0) == 1 })
                if list.isEmpty { continue }
                // What another holds stays.
                if let block = list.randomElement(using: &random) {
                    arena.retain(block: block)
                    shared.append(block)
                }
                lists.append(list)
            } else if !lists.isEmpty {
                // Holes and pieces stand between blocks in a node.
                let list = lists.remove(at: Int.random(in: 0..<lists.count, using: &random))
                let references: [UInt32] = list.flatMap { [0, $0, 1 << 31 | 7] }.shuffled(using: &random)
                let stays = list.count { arena.isShared(block: $0) }
                let freed = unsafe references.withUnsafeBufferPointer {
                    unsafe arena.release($0.baseAddress.unsafelyUnwrapped, count: $0.count)
                }
                #expect(freed == list.count - stays)
                let kept = Set(list).intersection(shared)
                for block in kept { arena.release(block: block) }
                shared.removeAll { kept.contains($0) }
            }
            #expect(takenBytes(store) == before + lists.reduce(0) { $0 + $1.count } * arena.blockSizeBytes)
        }
        arena.checkInvariants()
        for list in lists {
            for block in list {
                if arena.isShared(block: block) { arena.release(block: block) }
                arena.release(block: block)
            }
        }
        #expect(takenBytes(store) == before)
        store.check()
    }
}
