// Writing a content: copy on write of nodes, blocks and pieces, growing, cutting, punching holes.
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
        _ content: inout Content, block index: UInt64, _ session: StoreSession,
        _ change: (ContentReference) -> ContentReference
    ) {
        let root = changeLeaf(ContentReference(rawValue: content.root), depth(content), index, session, change)
        content.root = root.rawValue
    }

    private func changeLeaf(
        _ reference: ContentReference, _ level: Int, _ index: UInt64, _ session: StoreSession,
        _ change: (ContentReference) -> ContentReference
    ) -> ContentReference {
        if level == 0 { return change(reference) }
        let place = Int(index >> UInt64((level - 1) * ContentShape.fanoutShift)) & (ContentShape.fanout - 1)
        let node = ownNode(reference, entryCount: place + 1, level: level, session)
        let before = entry(place, ofNode: node)
        let bytesBefore = allocatedBytes(before, level: level - 1)
        let after = changeLeaf(before, level - 1, index, session, change)
        set(place, ofNode: node, to: after, bytes: allocatedBytes(after, level: level - 1) &- bytesBefore)
        return ContentReference(piece: node)
    }

    /// Stores an entry of a node that nobody else holds, and adds `bytes` (may be negative) to the memory below it.
    private func set(_ index: Int, ofNode piece: UInt32, to reference: ContentReference, bytes: UInt64) {
        let node = unsafe self.bytes(ofPiece: piece)
        unsafe node.storeBytes(
            of: reference.rawValue, toByteOffset: ContentShape.nodeHeaderSizeBytes + 4 * index, as: UInt32.self)
        unsafe node.storeBytes(of: node.load(as: UInt64.self) &+ bytes, as: UInt64.self)
        noteOwner(of: reference, node: piece)
    }

    /// A node with the content of `reference` that nobody else holds and that has at least `entryCount` entries.
    private func ownNode(
        _ reference: ContentReference, entryCount: Int, level: Int, _ session: StoreSession
    ) -> UInt32 {
        guard let old = reference.piece else { return makeNode(entryCount: entryCount, session) }
        let oldCount = self.entryCount(ofNode: old)
        let isShared = state.pieces[old].holderCount > 1
        if !isShared, entryCount <= oldCount { return old }
        if !isShared, ContentShape.nodeHeaderSizeBytes + 4 * entryCount <= Int(state.pieces[old].capacity) {
            extendNode(old, to: entryCount)
            return old
        }
        let grown = entryCount <= oldCount ? oldCount : min(ContentShape.fanout, max(entryCount, 2 * oldCount))
        let new = makeNode(entryCount: max(entryCount, oldCount), capacity: grown, session)
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
    private func makeNode(entryCount: Int, capacity: Int = 0, _ session: StoreSession) -> UInt32 {
        let length = ContentShape.nodeHeaderSizeBytes + 4 * entryCount
        let node = makePiece(
            length: length, capacity: max(length, ContentShape.nodeHeaderSizeBytes + 4 * capacity), session)
        unsafe memset(bytes(ofPiece: node), 0, length)
        state.pieces[node].isNode = true
        return node
    }

    // MARK: sizes

    /// Makes the tree as high as `size` bytes need, and sets the size. What is new is a hole.
    private func extend(_ content: inout Content, to size: UInt64, _ session: StoreSession) {
        var level = depth(content)
        let wanted = ContentShape.depth(size: size, blockShift: blockShift)
        while level < wanted {
            let child = ContentReference(rawValue: content.root)
            if !child.isHole {
                let node = makeNode(entryCount: 1, session)
                set(0, ofNode: node, to: child, bytes: allocatedBytes(child, level: level))
                content.root = ContentReference(piece: node).rawValue
            }
            level += 1
        }
        content.size = size
    }

    /// Sets the size: frees what is behind it, or adds a hole.
    func truncate(_ content: inout Content, to size: UInt64, _ session: StoreSession) {
        guard size < content.size else { return extend(&content, to: size, session) }
        let kept = (size + UInt64(arena.blockSizeBytes) - 1) >> UInt64(blockShift)
        if kept == 0 {
            release(content)
            content = .empty
            return
        }
        let level = depth(content)
        content.root = prune(ContentReference(rawValue: content.root), level, keeping: kept, session).rawValue
        let rest = Int(size) & (arena.blockSizeBytes - 1)
        if rest != 0, !leaf(content, block: kept - 1).isHole {
            changeLeaf(&content, block: kept - 1, session) { self.cut($0, to: rest, session) }
        }
        lower(&content, from: level, to: ContentShape.depth(size: size, blockShift: blockShift))
        content.size = size
    }

    /// Frees the leaves of a subtree from block `kept` (> 0) on.
    private func prune(
        _ reference: ContentReference, _ level: Int, keeping kept: UInt64, _ session: StoreSession
    ) -> ContentReference {
        guard level > 0, let piece = reference.piece else { return reference }
        let shift = UInt64((level - 1) * ContentShape.fanoutShift)
        let lastPlace = Int((kept - 1) >> shift)
        if lastPlace >= entryCount(ofNode: piece) { return reference }
        let node = ownNode(reference, entryCount: 1, level: level, session)
        for place in stride(from: entryCount(ofNode: node) - 1, to: lastPlace, by: -1) {
            let gone = entry(place, ofNode: node)
            let bytes = allocatedBytes(gone, level: level - 1)
            set(place, ofNode: node, to: .hole, bytes: 0 &- bytes)
            release(gone, level: level - 1)
        }
        let last = entry(lastPlace, ofNode: node)
        let bytesBefore = allocatedBytes(last, level: level - 1)
        let pruned = prune(last, level - 1, keeping: kept - UInt64(lastPlace) << shift, session)
        set(lastPlace, ofNode: node, to: pruned, bytes: allocatedBytes(pruned, level: level - 1) &- bytesBefore)
        return ContentReference(piece: node)
    }

    /// Takes levels away whose nodes have but their first entry.
    private func lower(_ content: inout Content, from level: Int, to wanted: Int) {
        var level = level
        while level > wanted {
            let root = ContentReference(rawValue: content.root)
            guard let piece = root.piece else { return }
            let child = entry(0, ofNode: piece)
            retain(child)
            release(root, level: level)
            content.root = child.rawValue
            level -= 1
        }
    }

    // MARK: leaves

    /// Cuts a leaf to its first `count` bytes (less than a block); what follows reads as zeros.
    private func cut(_ leaf: ContentReference, to count: Int, _ session: StoreSession) -> ContentReference {
        let present = unsafe memory(ofLeaf: leaf).count
        if let piece = leaf.piece, !isShared(leaf) {
            state.pieces[piece].length = UInt32(min(present, count))
            return leaf
        }
        let isPieceWorthwhile = count <= arena.blockSizeBytes / 2 && session.holds(MemoryNeed(segments: 1))
        if leaf.block != nil, !isShared(leaf), !isPieceWorthwhile {
            unsafe memset(memory(ofLeaf: leaf).baseAddress.unsafelyUnwrapped + count, 0, present - count)
            return leaf
        }
        guard !leaf.isHole else { return leaf }
        let kept = min(present, count)
        let new = makePiece(length: kept, capacity: kept, session)
        unsafe memcpy(bytes(ofPiece: new), memory(ofLeaf: leaf).baseAddress.unsafelyUnwrapped, kept)
        release(leaf, level: 0)
        return ContentReference(piece: new)
    }

    /// Writes into a content, growing it, copying what is shared with another holder. `finalSize`: what it will grow to by
    /// further writes of the same reservation, so that each leaf is made once.
    func write(
        _ content: inout Content, at offset: UInt64, _ bytes: Bytes, finalSize: UInt64 = 0, _ session: StoreSession
    ) {
        guard bytes.count > 0 else { return }
        let end = offset + UInt64(bytes.count)
        if end > content.size { extend(&content, to: end, session) }
        var done = 0
        while done < bytes.count {
            let position = offset + UInt64(done)
            let within = Int(position) & (arena.blockSizeBytes - 1)
            let count = min(arena.blockSizeBytes - within, bytes.count - done)
            let part = bytes[done..<done + count]
            let start = position - UInt64(within)
            let finalLength = Int(min(UInt64(arena.blockSizeBytes), max(finalSize, start) - start))
            changeLeaf(&content, block: position >> UInt64(blockShift), session) {
                self.write(part, at: within, into: $0, finalLength: finalLength, session)
            }
            done += count
        }
    }

    private func write(
        _ bytes: Bytes, at within: Int, into leaf: ContentReference, finalLength: Int, _ session: StoreSession
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
        let new = makeLeaf(length: length, grownFrom: memory.count, finalLength: finalLength, session)
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

    /// A new leaf for `length` bytes: a piece, with room to grow where it has grown before or will, or a block.
    private func makeLeaf(
        length: Int, grownFrom previous: Int, finalLength: Int = 0, _ session: StoreSession
    ) -> ContentReference {
        let capacity =
            session.state.lentBlockCount > 0
            ? arena.blockSizeBytes
            : max(leafCapacity(length: length, grownFrom: previous), leafCapacity(length: finalLength, grownFrom: 0))
        if capacity == arena.blockSizeBytes {
            countFiles(bytes: capacity)
            return ContentReference(block: session.takeBlock())
        }
        return ContentReference(piece: makePiece(length: length, capacity: capacity, session))
    }

    /// Bytes of such a leaf: of a block, or fewer for a piece.
    func leafCapacity(length: Int, grownFrom previous: Int) -> Int {
        let isGrowing = previous > 0 && length > previous
        let capacity = isGrowing ? max(length, 2 * previous) : length
        return capacity > arena.blockSizeBytes * 7 / 8 ? arena.blockSizeBytes : capacity
    }

    /// Makes a block, of which the caller hands over a count, the leaf at `offset`, a multiple of the block's size.
    func setLeaf(_ content: inout Content, at offset: UInt64, to block: UInt32, _ session: StoreSession) {
        let end = offset + UInt64(arena.blockSizeBytes)
        if end > content.size { extend(&content, to: end, session) }
        changeLeaf(&content, block: offset >> UInt64(blockShift), session) { leaf in
            self.release(leaf, level: 0)
            return ContentReference(block: block)
        }
    }

    /// Makes a hole of the range (within the size), freeing whole blocks.
    func zero(_ content: inout Content, from start: UInt64, to end: UInt64, _ session: StoreSession) {
        let blockSize = UInt64(arena.blockSizeBytes)
        let end = min(end, content.size)
        var position = start
        while position < end, let index = nextLeaf(content, from: position >> UInt64(blockShift)) {
            let blockStart = index * blockSize
            position = max(position, blockStart)
            guard position < end else { return }
            let last = min(end, blockStart + blockSize)
            let (from, to) = (Int(position - blockStart), Int(last - blockStart))
            let coversAll = from == 0 && (to == Int(blockSize) || last == content.size)
            changeLeaf(&content, block: index, session) { leaf in
                if coversAll {
                    self.release(leaf, level: 0)
                    return .hole
                }
                return self.zero(leaf, from: from, to: to, session)
            }
            position = last
        }
    }

    private func zero(
        _ leaf: ContentReference, from: Int, to: Int, _ session: StoreSession
    ) -> ContentReference {
        let present = unsafe memory(ofLeaf: leaf).count
        let to = min(to, present)
        guard from < to else { return leaf }
        var own = leaf
        if isShared(leaf) {
            own = makeLeaf(length: present, grownFrom: present, session)
            unsafe memcpy(
                memory(ofLeaf: own).baseAddress.unsafelyUnwrapped, memory(ofLeaf: leaf).baseAddress.unsafelyUnwrapped,
                present)
            if own.block != nil, present < arena.blockSizeBytes {
                unsafe memset(
                    memory(ofLeaf: own).baseAddress.unsafelyUnwrapped + present, 0, arena.blockSizeBytes - present)
            }
            release(leaf, level: 0)
        }
        unsafe memset(memory(ofLeaf: own).baseAddress.unsafelyUnwrapped + from, 0, to - from)
        return own
    }
}
