// FileBudget: what files take of the store's memory, and the limit on it. Counted where memory of contents and of the tree
// is taken and given back, in parts that nobody has to lock to read; no read of a file touches them.
import CShims

extension Shard {
    /// Adds to this shard's part of what files take. The parts of all shards together are the figure: one alone may be
    /// negative. Needs no lock.
    @inline(__always) func countFiles(bytes: Int) {
        unsafe _ = cs_add64(&state.fileBytes, UInt64(bitPattern: Int64(bytes)))
    }

    /// Bytes that `write` would take more than it gives back, nodes that it copies on the way included.
    func growth(ofWriteAt offset: UInt64, count: Int, into content: Content) -> Int {
        let blockSize = arena.blockSizeBytes
        var growth = 0
        var position = offset
        let end = offset + UInt64(count)
        while position < end {
            let within = Int(position) & (blockSize - 1)
            let step = Int(min(UInt64(blockSize - within), end - position))
            growth += self.growth(ofLeaf: position >> UInt64(blockShift), in: content, to: within + step)
            position += UInt64(step)
        }
        let isTree = end > UInt64(blockSize) || content.size > UInt64(blockSize)
        return growth > 0 && isTree ? growth + ContentShape.nodeSizeBytesMax : growth
    }

    /// Bytes that a new content of `count` bytes takes.
    func cost(ofMaking count: Int) -> Int {
        let blockSize = arena.blockSizeBytes
        let rest = count & (blockSize - 1)
        let last = leafCapacity(length: rest, grownFrom: 0)
        var cost = count - rest
        if rest > 0 { cost += last == blockSize ? last : Self.pieceCostBytes(capacity: last) }
        let nodes = count > blockSize ? 1 + cost / blockSize / ContentShape.fanout : 0
        return cost + nodes * Self.pieceCostBytes(capacity: ContentShape.nodeSizeBytesMax)
    }

    /// What changes when the leaf of block `index` is written up to its byte `end`.
    private func growth(ofLeaf index: UInt64, in content: Content, to end: Int) -> Int {
        let (leaf, isOwn) = leafAndOwner(content, block: index)
        if isOwn, leaf.block != nil { return 0 }
        if isOwn, let piece = leaf.piece, end <= Int(state.pieces[piece].capacity) { return 0 }
        let present = unsafe memory(ofLeaf: leaf).count
        let capacity = leafCapacity(length: max(present, end), grownFrom: present)
        let new = capacity == arena.blockSizeBytes ? capacity : Self.pieceCostBytes(capacity: capacity)
        guard isOwn, let piece = leaf.piece else { return new }
        return new - Self.pieceCostBytes(capacity: Int(state.pieces[piece].capacity))
    }

    /// The leaf of block `index`, and whether this content alone holds it.
    func leafAndOwner(_ content: Content, block index: UInt64) -> (ContentReference, isOwn: Bool) {
        guard index << UInt64(blockShift) < content.size else { return (.hole, true) }
        var reference = ContentReference(rawValue: content.root)
        var isOwn = !isShared(reference)
        var level = depth(content)
        while level > 0 {
            guard let piece = reference.piece else { return (.hole, isOwn) }
            level -= 1
            let place = Int(index >> UInt64(level * ContentShape.fanoutShift)) & (ContentShape.fanout - 1)
            reference = entry(place, ofNode: piece)
            isOwn = isOwn && !isShared(reference)
        }
        return (reference, isOwn)
    }
}

extension StoreSession {
    /// Bytes that the contents of files, their inodes, names and index take now. Bytes that only readers hold count too.
    var fileBytes: Int {
        var sum: UInt64 = 0
        for number in 0..<shared.shardCount { sum &+= unsafe cs_load64(&shard(number: number).state.fileBytes) }
        return max(0, Int(truncatingIfNeeded: sum))
    }

    /// Whether there is a limit on files that is worth asking for: one of their own, or one that items alone may pass.
    var limitsFiles: Bool { tree.rules.filesMaxBytes < Int.max || arena.allowanceBytes > 0 }

    /// What files may take.
    private var filesMaxBytes: Int {
        let own = tree.rules.filesMaxBytes
        return arena.allowanceBytes > 0 ? min(own, ItemAllowance.filesMaxBytes(limitBytes: arena.limitBytes)) : own
    }

    /// Whether files may take `bytes` more. Takes no lock, so writers that ask at the same moment may pass the limit
    /// by what they are about to write.
    func hasFileRoom(for bytes: Int) -> Bool {
        guard limitsFiles, bytes > 0 else { return true }
        return fileBytes <= filesMaxBytes - bytes
    }

    /// Frees contents that were let go of, then evicts files if it may, until files may take `bytes` more. No lock is held.
    /// - Throws: noSpace.
    func makeFileRoom(for bytes: Int) throws(StoreError) {
        while !hasFileRoom(for: bytes) {
            guard freeBuried() || evictFiles() else { throw .noSpace }
        }
    }

    /// Frees a part of the contents that wait to be freed. False: none waits.
    private func freeBuried() -> Bool {
        for number in 0..<shared.shardCount {
            if shard(number: number).buryOneSlice(waits: true) { return true }
        }
        return false
    }

    /// Bytes that a new entry with a name of `nameLength` bytes would take, and the inode for it. No lock is held.
    func growth(ofEntryWithName nameLength: Int, inodeCount: Int) -> Int {
        guard limitsFiles else { return 0 }
        tree.lock.lockShared(treeSlot)
        defer { tree.lock.unlockShared(treeSlot) }
        return tree.blocksForEntry(nameLength: nameLength, inodeCount: inodeCount) * arena.blockSizeBytes
    }

    /// The same for `count` new nodes one below the other, at most.
    func growth(ofNodes count: Int) -> Int {
        guard limitsFiles else { return 0 }
        let first = growth(ofEntryWithName: Limits.nameLengthMax, inodeCount: 1)
        return first + (count - 1) * Limits.nodeSizeTypical
    }
}

extension Tree {
    /// Blocks that another entry with its inodes takes. The tree's lock is held.
    func blocksForEntry(nameLength: Int, inodeCount: Int) -> Int {
        var blocks = 0
        let perBlock = unsafe state.pointee.arena.blockSizeBytes / MemoryLayout<UInt32>.stride
        if unsafe state.pointee.entryTotal >= state.pointee.bucketCount,
            unsafe state.pointee.bucketCount % perBlock == 0
        {
            blocks += 1
        }
        unsafe state.pointee.poolLock.withLock {
            if !(unsafe state.pointee.entries.hasSlot(units: Entry.units(nameLength: nameLength))) { blocks += 1 }
            if inodeCount > 0, !(unsafe state.pointee.inodes.hasSlot(units: 1)) { blocks += 1 }
        }
        return blocks
    }
}
