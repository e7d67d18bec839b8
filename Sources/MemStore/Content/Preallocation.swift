// Preallocation: memory that fallocate(2) with KEEP_SIZE sets aside after the end of a file, for later writes there: blocks
// that belong to no content yet, kept beside the inode; a write takes them first.
//
// Everything here: the lock of the inode's shard is held.

/// What one file has set aside.
struct Preallocation {
    /// The range that it is for, in bytes.
    var start: UInt64
    var end: UInt64
    var blocks: [UInt32] = []
}

extension Shard {
    /// Bytes that are set aside for a file.
    func setAsideBytes(of inode: InodeReference) -> Int {
        guard inode.fields.state.contains(.setsAside) else { return 0 }
        return (state.setAside[inode.ino]?.blocks.count ?? 0) * arena.blockSizeBytes
    }

    /// How many blocks more a file needs for `start ..< end`; the part of it that has them already counts for nothing.
    func missingBlocks(of inode: InodeReference, from start: UInt64, to end: UInt64) -> Int {
        guard start < end else { return 0 }
        guard let present = state.setAside[inode.ino] else { return touchedBlocks(from: start, to: end) }
        return touchedBlocks(from: start, to: min(end, max(start, present.start)))
            + touchedBlocks(from: max(start, min(end, present.end)), to: end)
    }

    private func touchedBlocks(from start: UInt64, to end: UInt64) -> Int {
        guard start < end else { return 0 }
        return Int((end - 1) >> UInt64(blockShift) - start >> UInt64(blockShift)) + 1
    }

    /// Adds blocks, which the caller has taken, and widens the range that they are for.
    func setAside(_ blocks: [UInt32], for inode: InodeReference, from start: UInt64, to end: UInt64) {
        inode.fields.state.insert(.setsAside)
        var present = state.setAside[inode.ino] ?? Preallocation(start: start, end: end)
        present.start = min(present.start, start)
        present.end = max(present.end, end)
        present.blocks += blocks
        state.setAside[inode.ino] = present
        countFiles(bytes: blocks.count * arena.blockSizeBytes)
    }

    /// Gives back what is left, more than a slice of it later: the file was cut, replaced, or is gone.
    func dropSetAside(of inode: InodeReference) {
        guard inode.fields.state.contains(.setsAside) else { return }
        inode.fields.state.remove(.setsAside)
        guard let present = state.setAside.removeValue(forKey: inode.ino) else { return }
        abandon(present.blocks)
    }

    /// Frees blocks that a file had set aside, more than a slice of them later. They are not the file's from now on.
    fileprivate func abandon(_ blocks: [UInt32]) {
        countFiles(bytes: -blocks.count * arena.blockSizeBytes)
        guard blocks.count > Self.graveyardSliceLeaves else { return blocks.forEach(arena.giveBack(block:)) }
        state.abandonedBlocks.append(blocks)
        noteCheap()
    }

    /// Frees up to `count` of the blocks that wait for it. False: none waits.
    func freeAbandoned(count: Int) -> Bool {
        guard var blocks = state.abandonedBlocks.popLast() else { return false }
        blocks.suffix(count).forEach(arena.giveBack(block:))
        blocks.removeLast(min(count, blocks.count))
        if !blocks.isEmpty { state.abandonedBlocks.append(blocks) }
        return true
    }

    /// Gives back what is left when the file has grown over all of the range and nobody writes it any more.
    func dropSetAsideIfWritten(of inode: InodeReference) {
        guard inode.fields.state.contains(.setsAside), let present = state.setAside[inode.ino] else { return }
        if inode.fields.liveSize >= present.end { dropSetAside(of: inode) }
    }

    // MARK: writing

    /// What a file has set aside for `start ..< end`, if anything.
    private func present(of inode: InodeReference, from start: UInt64, to end: UInt64) -> Preallocation? {
        guard inode.fields.state.contains(.setsAside), let present = state.setAside[inode.ino] else { return nil }
        return start < present.end && end > present.start && !present.blocks.isEmpty ? present : nil
    }

    /// Bytes set aside that a write of `start ..< end` may take.
    func setAsideBytes(of inode: InodeReference, from start: UInt64, to end: UInt64) -> Int {
        (present(of: inode, from: start, to: end)?.blocks.count ?? 0) * arena.blockSizeBytes
    }

    /// What a write needs beside the blocks that are set aside for it; nil when nothing is.
    func need(forWriteAt start: UInt64, count: Int, beside inode: InodeReference) -> MemoryNeed? {
        let end = start + UInt64(count)
        guard let present = present(of: inode, from: start, to: end) else { return nil }
        let blocks = newBlocks(of: inode.fields.live, from: start, to: end)
        // Leaves are blocks then; nodes are copied or made on two ways down and above the new leaves.
        let levels = ContentShape.depth(size: max(end, inode.fields.liveSize), blockShift: blockShift)
        let nodes = 3 * levels + (count >> blockShift) / ContentShape.fanout
        let pieces = need(forPieces: nodes * Self.pieceSizeBytes(capacity: ContentShape.nodeSizeBytesMax))
        return MemoryNeed(blocks: max(0, blocks - present.blocks.count), segments: pieces.segments)
    }

    /// Blocks that a write takes where every leaf becomes one: all but those that the content has and holds alone.
    private func newBlocks(of content: Content, from start: UInt64, to end: UInt64) -> Int {
        guard start < end else { return 0 }
        var count = 0
        for index in start >> UInt64(blockShift)...(end - 1) >> UInt64(blockShift) {
            let (leaf, isOwn) = leafAndOwner(content, block: index)
            if !isOwn || leaf.block == nil { count += 1 }
        }
        return count
    }

    /// Lends a file's blocks to a reservation, as many as a write of the range may take; `takeBack` comes next.
    /// - Returns: whether any were lent.
    func lendSetAside(
        of inode: InodeReference, from start: UInt64, to end: UInt64, _ reservation: inout Reservation
    ) -> Bool {
        guard var present = present(of: inode, from: start, to: end) else { return false }
        let count = min(present.blocks.count, newBlocks(of: inode.fields.live, from: start, to: end))
        guard count > 0 else { return false }
        reservation.lend(present.blocks.suffix(count))
        present.blocks.removeLast(count)
        state.setAside[inode.ino] = present
        countFiles(bytes: -count * arena.blockSizeBytes)
        return true
    }

    /// Takes back what a write has left of the blocks that a file has lent.
    func takeBack(to inode: InodeReference, _ reservation: inout Reservation) {
        let left = reservation.endLending()
        guard !left.isEmpty, let present = state.setAside[inode.ino] else { return }
        setAside(left, for: inode, from: present.start, to: present.end)
    }
}

extension StoreSession {
    /// Sets memory aside for `start ..< end` of a file, behind its end, in steps; all of it or none.
    /// - Throws: noSpace, isDirectory, invalid, stale.
    func setAside(for ino: Ino, from start: UInt64, to end: UInt64) throws(StoreError) {
        let stepMax = 64
        var added = 0
        let (first, firstShard) = try lockFile(ino)
        var missing = firstShard.missingBlocks(of: first, from: start, to: end)
        firstShard.unlock()
        guard missing <= arena.limitBytes / arena.blockSizeBytes else { throw .noSpace }
        while missing > 0 {
            let step = min(missing, stepMax)
            do throws(StoreError) {
                try makeFileRoom(for: step * arena.blockSizeBytes)
                try reserve(MemoryNeed(blocks: step))
            } catch {
                giveBackSetAside(of: ino, count: added)
                throw error
            }
            let (inode, shard) = try lockFile(ino)
            missing -= step
            let blocks = (0..<step).map { _ in state.reservation.takeBlock() }
            // The range is known to be covered when the last of it is.
            let range = shard.state.setAside[inode.ino].map { ($0.start, $0.end) } ?? (start, start)
            shard.setAside(
                blocks, for: inode, from: missing == 0 ? start : range.0, to: missing == 0 ? end : range.1)
            shard.unlock()
            added += step
        }
    }

    private func giveBackSetAside(of ino: Ino, count: Int) {
        guard count > 0, let (inode, shard) = try? lockFile(ino) else { return }
        defer { shard.unlock() }
        guard var present = shard.state.setAside[inode.ino] else { return }
        let given = Array(present.blocks.suffix(count))
        present.blocks.removeLast(given.count)
        shard.state.setAside[inode.ino] = present
        shard.abandon(given)
        if present.blocks.isEmpty { shard.dropSetAside(of: inode) }
    }
}
