// What a new size needs before it frees anything: copies of what other holders see too. A cut of what nobody else holds
// takes no memory, so that cutting works when there is none.

extension Shard {
    /// Bytes of the pieces that `truncate` to `size` makes at most. `holderCount`: how many holders of the content do not
    /// count, since they are gone by then or see the change.
    func pieceBytes(forSizeOf content: Content, to size: UInt64, holderCount: Int) -> Int {
        if size == 0 || size == content.size { return 0 }
        if size > content.size {
            return ContentShape.depthMax * Self.pieceSizeBytes(capacity: ContentShape.nodeHeaderSizeBytes + 4)
        }
        var reference = ContentReference(rawValue: content.root)
        var isShared = holders(of: reference) > holderCount
        var level = depth(content)
        let last = (size - 1) >> UInt64(blockShift)
        var bytes = 0
        while level > 0 {
            guard let node = reference.piece else { return bytes }
            let length = ContentShape.nodeHeaderSizeBytes + 4 * entryCount(ofNode: node)
            if isShared { bytes += Self.pieceSizeBytes(capacity: length) }
            level -= 1
            let place = Int(last >> UInt64(level * ContentShape.fanoutShift)) & (ContentShape.fanout - 1)
            reference = entry(place, ofNode: node)
            isShared = isShared || self.isShared(reference)
        }
        let rest = Int(size) & (arena.blockSizeBytes - 1)
        guard rest != 0, isShared, !reference.isHole else { return bytes }
        return bytes + Self.pieceSizeBytes(capacity: min(rest, unsafe memory(ofLeaf: reference).count))
    }

    /// What pieces of `bytes` in all need, of which none is longer than a block.
    func need(forPieces bytes: Int) -> MemoryNeed {
        if bytes == 0 || hasRoom(bytes, in: .pieces) { return MemoryNeed() }
        // The end of a segment that the next piece does not fit into is lost, and `cut` may make one more.
        return MemoryNeed(segments: 1 + bytes / (arena.segmentSizeBytes - 2 * arena.blockSizeBytes))
    }

    private func holders(of reference: ContentReference) -> Int {
        if let piece = reference.piece { return Int(state.pieces[piece].holderCount) }
        if let block = reference.block { return Int(arena.holderCount(ofBlock: block)) }
        return 0
    }
}
