// Writing a content: copy on write of nodes, blocks and pieces, growing.
import Glibc

extension Shard {
    // MARK: what a change may take

    /// What `write` may take at most.
    func need(forWriteAt offset: UInt64, count: Int, into content: Content) -> MemoryNeed {
        Self.need(blocks: count >> blockShift + 2, arena: arena)
    }

    /// What `truncate` to a greater size, and `zero`, may take at most.
    func need(forCutOf content: Content) -> MemoryNeed { Self.need(blocks: 2, arena: arena) }

    /// `blocks` leaves, of which two may be pieces, and the nodes on two ways down and above the new leaves.
    static func need(blocks: Int, arena: Arena) -> MemoryNeed {
        let nodes = 2 * 6 + blocks / ContentShape.fanout * 2
        let pieceBytes = 2 * (arena.blockSizeBytes + 16) + nodes * (ContentShape.nodeSizeBytesMax + 16)
        // The end of a segment that the next piece does not fit into is lost.
        return MemoryNeed(blocks: blocks, segments: 1 + pieceBytes / (arena.segmentSizeBytes - arena.blockSizeBytes))
    }

    // MARK: the way to a leaf

    /// Replaces the leaf of block `index` by what `change` makes of it. `change` gets a count of the old leaf and hands
    /// over one of the new. Nodes on the way that others hold too are copied first.
    func changeLeaf(
        _ content: inout Content, block index: UInt64, _ reservation: inout Reservation,
        _ change: (ContentReference, inout Reservation) -> ContentReference
    ) {
        let root = changeLeaf(ContentReference(rawValue: content.root), depth(content), index, &reservation, change)
        content.root = root.rawValue
    }

    private func changeLeaf(
        _ reference: ContentReference, _ level: Int, _ index: UInt64, _ reservation: inout Reservation,
        _ change: (ContentReference, inout Reservation) -> ContentReference
    ) -> ContentReference {
        if level == 0 { return change(reference, &reservation) }
        let place = Int(index >> UInt64((level - 1) * ContentShape.fanoutShift)) & (ContentShape.fanout - 1)
        let node = ownNode(reference, entryCount: place + 1, level: level, &reservation)
        let before = entry(place, ofNode: node)
        let bytesBefore = allocatedBytes(before, level: level - 1)
        let after = changeLeaf(before, level - 1, index, &reservation, change)
        set(place, ofNode: node, to: after, bytes: allocatedBytes(after, level: level - 1) &- bytesBefore)
        return ContentReference(piece: node)
    }

    /// Stores an entry of a node that nobody else holds, and adds `bytes` (may be negative) to the memory below it.
    func set(_ index: Int, ofNode piece: UInt32, to reference: ContentReference, bytes: UInt64) {
        let node = unsafe self.bytes(ofPiece: piece)
        unsafe node.storeBytes(
            of: reference.rawValue, toByteOffset: ContentShape.nodeHeaderSizeBytes + 4 * index, as: UInt32.self)
        unsafe node.storeBytes(of: node.load(as: UInt64.self) &+ bytes, as: UInt64.self)
        noteOwner(of: reference, node: piece)
    }

    /// A node with the content of `reference` that nobody else holds and that has at least `entryCount` entries.
    func ownNode(
        _ reference: ContentReference, entryCount: Int, level: Int, _ reservation: inout Reservation
    ) -> UInt32 {
        guard let old = reference.piece else { return makeNode(entryCount: entryCount, &reservation) }
        let oldCount = self.entryCount(ofNode: old)
        let isShared = state.pieces[old].holderCount > 1
        if !isShared, entryCount <= oldCount { return old }
        if !isShared, ContentShape.nodeHeaderSizeBytes + 4 * entryCount <= Int(state.pieces[old].capacity) {
            extendNode(old, to: entryCount)
            return old
        }
        let grown = entryCount <= oldCount ? oldCount : min(ContentShape.fanout, max(entryCount, 2 * oldCount))
        let new = makeNode(entryCount: max(entryCount, oldCount), capacity: grown, &reservation)
        let used = ContentShape.nodeHeaderSizeBytes + 4 * oldCount
        unsafe memcpy(bytes(ofPiece: new), bytes(ofPiece: old), used)
        if isShared {
            for index in 0..<oldCount { retain(entry(index, ofNode: old)) }
            noteOwnerLeaves(old, level: level)
            state.pieces[old].holderCount -= 1
        } else {
            freePiece(old)
        }
        if level == 1 { for index in 0..<oldCount { noteOwner(of: entry(index, ofNode: new), node: new) } }
        return new
    }

    private func extendNode(_ piece: UInt32, to entryCount: Int) {
        let used = Int(state.pieces[piece].length)
        let wanted = ContentShape.nodeHeaderSizeBytes + 4 * entryCount
        unsafe memset(bytes(ofPiece: piece) + used, 0, wanted - used)
        state.pieces[piece].length = UInt32(wanted)
    }

    /// A new node full of holes.
    private func makeNode(entryCount: Int, capacity: Int = 0, _ reservation: inout Reservation) -> UInt32 {
        let length = ContentShape.nodeHeaderSizeBytes + 4 * entryCount
        let node = makePiece(
            length: length, capacity: max(length, ContentShape.nodeHeaderSizeBytes + 4 * capacity), &reservation)
        unsafe memset(bytes(ofPiece: node), 0, length)
        state.pieces[node].isNode = true
        return node
    }

    // MARK: sizes

    /// Makes the tree as high as `size` bytes need, and sets the size. What is new is a hole.
    func extend(_ content: inout Content, to size: UInt64, _ reservation: inout Reservation) {
        var level = depth(content)
        let wanted = ContentShape.depth(size: size, blockShift: blockShift)
        while level < wanted {
            let child = ContentReference(rawValue: content.root)
            if !child.isHole {
                let node = makeNode(entryCount: 1, &reservation)
                set(0, ofNode: node, to: child, bytes: allocatedBytes(child, level: level))
                content.root = ContentReference(piece: node).rawValue
            }
            level += 1
        }
        content.size = size
    }

    // MARK: leaves

    /// Writes into a content, growing it, copying what is shared with another holder.
    func write(_ content: inout Content, at offset: UInt64, _ bytes: Bytes, _ reservation: inout Reservation) {
        guard bytes.count > 0 else { return }
        let end = offset + UInt64(bytes.count)
        if end > content.size { extend(&content, to: end, &reservation) }
        var done = 0
        while done < bytes.count {
            let position = offset + UInt64(done)
            let within = Int(position) & (arena.blockSizeBytes - 1)
            let count = min(arena.blockSizeBytes - within, bytes.count - done)
            let part = bytes[done..<done + count]
            changeLeaf(&content, block: position >> UInt64(blockShift), &reservation) {
                self.write(part, at: within, into: $0, &$1)
            }
            done += count
        }
    }

    private func write(
        _ bytes: Bytes, at within: Int, into leaf: ContentReference, _ reservation: inout Reservation
    ) -> ContentReference {
        let memory = unsafe memory(ofLeaf: leaf)
        let end = within + bytes.count
        if !leaf.isHole, !isShared(leaf) {
            if leaf.block != nil {
                unsafe bytes.copy(to: memory.baseAddress.unsafelyUnwrapped + within)
                return leaf
            }
            if let piece = leaf.piece, end <= Int(state.pieces[piece].capacity) {
                let start = unsafe memory.baseAddress.unsafelyUnwrapped
                if within > memory.count { unsafe memset(start + memory.count, 0, within - memory.count) }
                unsafe bytes.copy(to: start + within)
                state.pieces[piece].length = UInt32(max(memory.count, end))
                return leaf
            }
        }
        let length = max(memory.count, end)
        let new = makeLeaf(length: length, grownFrom: memory.count, &reservation)
        let target = unsafe self.memory(ofLeaf: new).baseAddress.unsafelyUnwrapped
        // What the new bytes cover is not copied.
        let before = min(memory.count, within)
        if before > 0 { unsafe memcpy(target, memory.baseAddress.unsafelyUnwrapped, before) }
        if within > before { unsafe memset(target + before, 0, within - before) }
        unsafe bytes.copy(to: target + within)
        if memory.count > end {
            unsafe memcpy(target + end, memory.baseAddress.unsafelyUnwrapped + end, memory.count - end)
        }
        if new.block != nil, length < arena.blockSizeBytes {
            unsafe memset(target + length, 0, arena.blockSizeBytes - length)
        }
        release(leaf, level: 0)
        return new
    }

    /// A new leaf for `length` bytes: a piece, with room to grow where it has grown before, or a block.
    func makeLeaf(length: Int, grownFrom previous: Int, _ reservation: inout Reservation) -> ContentReference {
        let capacity =
            reservation.isLent ? arena.blockSizeBytes : leafCapacity(length: length, grownFrom: previous)
        if capacity == arena.blockSizeBytes {
            countFiles(bytes: capacity)
            return ContentReference(block: reservation.takeBlock())
        }
        return ContentReference(piece: makePiece(length: length, capacity: capacity, &reservation))
    }

    /// Bytes of such a leaf: of a block, or fewer for a piece.
    func leafCapacity(length: Int, grownFrom previous: Int) -> Int {
        let isGrowing = previous > 0 && length > previous
        let capacity = isGrowing ? max(length, 2 * previous) : length
        return capacity > arena.blockSizeBytes * 7 / 8 ? arena.blockSizeBytes : capacity
    }

    /// Makes a block, of which the caller hands over a count, the leaf at `offset`, a multiple of the block's size.
    func setLeaf(_ content: inout Content, at offset: UInt64, to block: UInt32, _ reservation: inout Reservation) {
        let end = offset + UInt64(arena.blockSizeBytes)
        if end > content.size { extend(&content, to: end, &reservation) }
        changeLeaf(&content, block: offset >> UInt64(blockShift), &reservation) { leaf, _ in
            self.release(leaf, level: 0)
            return ContentReference(block: block)
        }
    }
}
