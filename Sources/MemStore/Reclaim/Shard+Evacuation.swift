// Evacuation: moving blocks of contents out of segments of which most blocks are free, so that the segments can be used
// for logs again. A block is found from its place in memory through a hint that says who holds it; a hint that is
// out of date is found out, and the block stays.
import CShims
import Glibc

/// Who holds a block of a content: a node of a content's tree, or a file whose whole content it is.
struct BlockOwner {
    /// Bit 63: there is one; bit 62: a file; bits 32 ... 47: the shard; below: the node's piece or the file's inode.
    let rawValue: UInt64
    init(rawValue: UInt64) { self.rawValue = rawValue }
    init(node: UInt32, shard: UInt16) { rawValue = 1 << 63 | UInt64(shard) << 32 | UInt64(node) }
    init(ino: UInt32, shard: UInt16) { rawValue = 3 << 62 | UInt64(shard) << 32 | UInt64(ino) }
    var shard: Int? { rawValue >> 63 == 1 ? Int(rawValue >> 32 & 0xffff) : nil }
    var isFile: Bool { rawValue >> 62 & 1 == 1 }
    var number: UInt32 { UInt32(truncatingIfNeeded: rawValue) }
}

extension Arena {
    /// The hint about a block.
    func owner(ofBlock block: UInt32) -> BlockOwner {
        BlockOwner(rawValue: unsafe cs_load64(state.blockOwners + Int(block)))
    }
    @inline(__always) func setOwner(_ owner: BlockOwner, ofBlock block: UInt32) {
        unsafe cs_store64(state.blockOwners + Int(block), owner.rawValue)
    }

    /// What was stuck may have come loose.
    func beginRound() { state.lock.withLock { state.round &+= 1 } }

    /// Segments looked at for one whose blocks can be moved.
    private static let candidateCountMax = 32

    /// Takes a segment of contents with at least `freeMin` free blocks out of its list, if the others have room for what is
    /// in it: the one with the fewest blocks in use.
    func beginEvacuation(freeMin: Int) -> UInt32? {
        state.lock.lock()
        defer { state.lock.unlock() }
        let perSegment = geometry.blocksPerSegment
        var left = Self.candidateCountMax
        for freeCount in stride(from: perSegment - 1, through: max(1, freeMin), by: -1) {
            let others = state.freeBlockBytes / blockSizeBytes - freeCount
            guard others >= perSegment - freeCount else { continue }
            var segment = state.partialHeads[Self.list(.content, freeCount)]
            while segment != 0, left > 0 {
                if self[segment].stuckRound != state.round {
                    removePartial(segment)
                    self[segment].isEvacuated = true
                    return segment
                }
                segment = self[segment].next
                left -= 1
            }
        }
        return nil
    }

    /// The number of blocks in use in a segment of blocks, by a look at its bits.
    func usedBlocks(of segment: UInt32) -> UInt16 {
        state.lock.withLock {
            ~self[segment].freeBlocks & UInt16(truncatingIfNeeded: (1 << geometry.blocksPerSegment) - 1)
        }
    }

    /// Puts a segment that is not empty back into its list.
    func endEvacuation(of segment: UInt32) {
        state.lock.lock()
        defer { state.lock.unlock() }
        // An empty one was given back and may be anything by now.
        guard self[segment].isEvacuated else { return }
        self[segment].isEvacuated = false
        self[segment].stuckRound = state.round
        if self[segment].freeBlocks != 0 { insertPartial(segment) }
    }

    /// A free block of a segment that has one already; never takes another segment.
    func takeSpareBlock() -> UInt32? { state.lock.withLock { takePartial(of: .content) } }
}

extension StoreSession {
    /// Moves the blocks of one segment to others, as far as they can be moved. False: there is no such segment.
    /// `waits`: for shards that somebody has locked; else a block of one of these stays.
    func evacuate(freeMin: Int, waits: Bool) -> Bool {
        guard let segment = arena.beginEvacuation(freeMin: freeMin) else { return false }
        let first = segment * UInt32(arena.geometry.blocksPerSegment)
        let used = arena.usedBlocks(of: segment)
        for index in 0..<UInt32(arena.geometry.blocksPerSegment) where used >> index & 1 == 1 {
            // What is stuck keeps the whole segment.
            if !evacuate(block: first + index, waits: waits) { break }
        }
        arena.endEvacuation(of: segment)
        return true
    }

    private func evacuate(block: UInt32, waits: Bool) -> Bool {
        let owner = arena.owner(ofBlock: block)
        guard let number = owner.shard, number < shared.shardCount else {
            return arena.holderCount(ofBlock: block) == 0
        }
        let shard = shard(number: number)
        if waits {
            shard.lock()
        } else if !shard.state.lock.tryLock() {
            return false
        }
        defer { shard.unlock() }
        return owner.isFile ? move(block, ofFile: owner, in: shard) : shard.move(block, ofNode: owner)
    }

    /// Moves a block that is the whole content of a file, live and published.
    private func move(_ block: UInt32, ofFile owner: BlockOwner, in shard: Shard) -> Bool {
        guard let inode = tree.existingInode(owner.number), inode.fields.isRegular else { return false }
        let isLive = inode.fields.liveRoot == block
        let isPublished = inode.fields.state.contains(.published) && inode.fields.publishedRoot == block
        let holders: UInt32 = (isLive ? 1 : 0) + (isPublished ? 1 : 0)
        guard holders > 0, let new = shard.copy(block, holders: holders, owner) else { return false }
        if isLive { inode.fields.liveRoot = new }
        if isPublished { inode.fields.publishedRoot = new }
        arena.giveBack(block: block)
        return true
    }
}

extension Shard {
    /// Notes who holds a leaf, if it is a block.
    @inline(__always) func noteOwner(of leaf: ContentReference, node: UInt32) {
        if let block = leaf.block { arena.setOwner(BlockOwner(node: node, shard: number), ofBlock: block) }
    }

    /// Notes whose content it is, if it is a single block.
    @inline(__always) func noteOwner(of content: Content, ino: UInt32) {
        guard let block = ContentReference(rawValue: content.root).block else { return }
        arena.setOwner(BlockOwner(ino: ino, shard: number), ofBlock: block)
    }

    /// Moves a block that only a node of this shard holds. False: it is not so, or there is no room.
    fileprivate func move(_ block: UInt32, ofNode owner: BlockOwner) -> Bool {
        let node = owner.number
        guard state.pieces.isNode(node),
            let place = (0..<entryCount(ofNode: node)).first(where: { entry($0, ofNode: node).rawValue == block }),
            let new = copy(block, holders: 1, owner)
        else { return false }
        unsafe bytes(ofPiece: node).storeBytes(
            of: new, toByteOffset: ContentShape.nodeHeaderSizeBytes + 4 * place, as: UInt32.self)
        arena.giveBack(block: block)
        return true
    }

    /// A copy of a block with as many holders, if nobody beside these holds it.
    fileprivate func copy(_ block: UInt32, holders: UInt32, _ owner: BlockOwner) -> UInt32? {
        guard arena.holderCount(ofBlock: block) == holders, let new = arena.takeSpareBlock() else { return nil }
        unsafe memcpy(arena.address(ofBlock: new), arena.address(ofBlock: block), arena.blockSizeBytes)
        if holders == 2 { arena.retain(block: new) }
        arena.setOwner(owner, ofBlock: new)
        return new
    }
}
