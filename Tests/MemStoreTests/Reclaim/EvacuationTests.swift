// Moving the blocks of files together: who holds a block, and what becomes of a file whose blocks are moved.
import Testing

@testable import MemStore

@Suite struct EvacuationTests {
    @Test("a hint tells a node from a file, whatever their numbers")
    func hints() {
        for number in [0, 1, UInt32.max] {
            for shard in [0, 7, UInt16.max] {
                let (node, file) = (BlockOwner(node: number, shard: shard), BlockOwner(ino: number, shard: shard))
                #expect(!node.isFile && file.isFile && node.shard == Int(shard) && file.shard == Int(shard))
                #expect(node.number == number && file.number == number)
            }
        }
        #expect(BlockOwner(rawValue: 0).shard == nil, "a block of nobody")
    }

    @Test("files keep their bytes, and their references, while the gaps between their blocks are closed")
    func moves() throws {
        let store = try TestStore(limitMiB: 16) { $0.servingUser = ServingUser(uid: 1000, gid: 1000, groups: []) }
        let count = 120
        // A block each, so that the file names its block itself.
        let size = store.session.arena.blockSizeBytes - count
        func bytes(_ number: Int) -> [UInt8] { [UInt8](repeating: UInt8(number), count: size + number) }
        func roots() throws -> [UInt32] {
            try stride(from: 0, to: count, by: 4).map { number in
                store.session.tree.inode(UInt32(try store.ino("/\(number)").rawValue)).fields.liveRoot
            }
        }
        for number in 0..<count { try store.write("/\(number)", bytes(number)) }
        for number in 0..<count where number % 4 != 0 { try store.unlink("/\(number)") }
        let before = try roots()
        // Items want whole segments, and find none between the blocks that are left.
        for number in 0..<20_000 { store.set("item-\(number)", [UInt8](repeating: 1, count: 900)) }
        for _ in 0..<100 { _ = store.session.reclaim(isAhead: true) }
        for number in stride(from: 0, to: count, by: 4) {
            #expect(try store.read(try store.ino("/\(number)")) == bytes(number))
        }
        #expect(try roots() != before, "no block was moved")
        store.check()
        store.session.checkInvariants()
    }
}
