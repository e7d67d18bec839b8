// Cutting a content and punching holes into it. What lies between is not looked at: whole subtrees are taken out.
import Glibc

extension Shard {
    /// Sets the size: frees what is behind it, or adds a hole.
    func truncate(_ content: inout Content, to size: UInt64, _ reservation: inout Reservation) {
        guard size < content.size else { return extend(&content, to: size, &reservation) }
        let kept = (size + UInt64(arena.blockSizeBytes) - 1) >> UInt64(blockShift)
        if kept == 0 {
            release(content)
            content = .empty
            return
        }
        let level = depth(content)
        content.root = prune(ContentReference(rawValue: content.root), level, keeping: kept, &reservation).rawValue
        let rest = Int(size) & (arena.blockSizeBytes - 1)
        if rest != 0, !leaf(content, block: kept - 1).isHole {
            changeLeaf(&content, block: kept - 1, &reservation) { self.cut($0, to: rest, &$1) }
        }
        lower(&content, from: level, to: ContentShape.depth(size: size, blockShift: blockShift))
        content.size = size
    }

    /// Frees the leaves of a subtree from block `kept` (> 0) on.
    private func prune(
        _ reference: ContentReference, _ level: Int, keeping kept: UInt64, _ reservation: inout Reservation
    ) -> ContentReference {
        guard level > 0, let piece = reference.piece else { return reference }
        let shift = UInt64((level - 1) * ContentShape.fanoutShift)
        let lastPlace = Int((kept - 1) >> shift)
        if lastPlace >= entryCount(ofNode: piece) { return reference }
        let node = ownNode(reference, entryCount: 1, level: level, &reservation)
        for place in lastPlace + 1..<entryCount(ofNode: node) { makeHole(at: place, ofNode: node, level: level) }
        let last = entry(lastPlace, ofNode: node)
        let bytesBefore = allocatedBytes(last, level: level - 1)
        let pruned = prune(last, level - 1, keeping: kept - UInt64(lastPlace) << shift, &reservation)
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

    // MARK: holes

    /// Makes a hole of the range (within the size), freeing whole blocks. It copies the nodes on two ways down at most,
    /// however much lies between them.
    func zero(_ content: inout Content, from start: UInt64, to end: UInt64, _ reservation: inout Reservation) {
        let end = min(end, content.size)
        guard start < end else { return }
        let blockMask = UInt64(arena.blockSizeBytes) - 1
        // The last block is whole if all of it that there is goes.
        let wholeEnd = (end == content.size ? end + blockMask : end) >> UInt64(blockShift)
        let wholeStart = (start + blockMask) >> UInt64(blockShift)
        let root = ContentReference(rawValue: content.root)
        if wholeStart < wholeEnd {
            content.root = clear(root, depth(content), from: wholeStart, to: wholeEnd, &reservation).rawValue
        }
        if wholeStart > wholeEnd { return zeroPart(of: &content, from: start, to: end, &reservation) }
        zeroPart(of: &content, from: start, to: wholeStart << UInt64(blockShift), &reservation)
        zeroPart(of: &content, from: wholeEnd << UInt64(blockShift), to: end, &reservation)
    }

    /// Makes holes of the leaves from block `first` to before `last`, both counted from the subtree's begin.
    private func clear(
        _ reference: ContentReference, _ level: Int, from first: UInt64, to last: UInt64,
        _ reservation: inout Reservation
    ) -> ContentReference {
        if reference.isHole { return reference }
        guard level > 0, let piece = reference.piece else {
            release(reference, level: 0)
            return .hole
        }
        let shift = UInt64((level - 1) * ContentShape.fanoutShift)
        let span: UInt64 = 1 << shift
        let end = min(UInt64(entryCount(ofNode: piece)), (last + span - 1) >> shift)
        guard first >> shift < end else { return reference }
        let node = ownNode(reference, entryCount: 1, level: level, &reservation)
        for place in first >> shift..<end {
            let begin = place << shift
            if first <= begin, last >= begin + span {
                makeHole(at: Int(place), ofNode: node, level: level)
            } else {
                let before = entry(Int(place), ofNode: node)
                let bytesBefore = allocatedBytes(before, level: level - 1)
                let (from, to) = (max(first, begin) - begin, min(last, begin + span) - begin)
                let after = clear(before, level - 1, from: from, to: to, &reservation)
                set(Int(place), ofNode: node, to: after, bytes: allocatedBytes(after, level: level - 1) &- bytesBefore)
            }
        }
        return ContentReference(piece: node)
    }

    /// Takes what an entry of a node names out of the tree. A subtree is freed in slices later.
    private func makeHole(at place: Int, ofNode node: UInt32, level: Int) {
        let gone = entry(place, ofNode: node)
        guard !gone.isHole else { return }
        set(place, ofNode: node, to: .hole, bytes: 0 &- allocatedBytes(gone, level: level - 1))
        release(gone, level: level - 1, buriesWhole: true)
    }

    // MARK: leaves

    /// Cuts a leaf to its first `count` bytes (less than a block); what follows reads as zeros.
    private func cut(_ leaf: ContentReference, to count: Int, _ reservation: inout Reservation) -> ContentReference {
        let present = unsafe memory(ofLeaf: leaf).count
        if let piece = leaf.piece, !isShared(leaf) {
            state.pieces[piece].length = UInt32(min(present, count))
            return leaf
        }
        let isPieceWorthwhile = count <= arena.blockSizeBytes / 2 && reservation.hasSegment
        if leaf.block != nil, !isShared(leaf), !isPieceWorthwhile {
            unsafe memset(memory(ofLeaf: leaf).baseAddress.unsafelyUnwrapped + count, 0, present - count)
            return leaf
        }
        guard !leaf.isHole else { return leaf }
        let kept = min(present, count)
        let new = makePiece(length: kept, capacity: kept, &reservation)
        unsafe memcpy(bytes(ofPiece: new), memory(ofLeaf: leaf).baseAddress.unsafelyUnwrapped, kept)
        release(leaf, level: 0)
        return ContentReference(piece: new)
    }

    /// Makes a range within one block read as zeros.
    private func zeroPart(
        of content: inout Content, from start: UInt64, to end: UInt64, _ reservation: inout Reservation
    ) {
        let index = start >> UInt64(blockShift)
        guard start < end, !leaf(content, block: index).isHole else { return }
        let within = Int(start) & (arena.blockSizeBytes - 1)
        changeLeaf(&content, block: index, &reservation) {
            self.zero($0, from: within, to: within + Int(end - start), &$1)
        }
    }

    private func zero(
        _ leaf: ContentReference, from: Int, to: Int, _ reservation: inout Reservation
    ) -> ContentReference {
        let present = unsafe memory(ofLeaf: leaf).count
        let to = min(to, present)
        guard from < to else { return leaf }
        var own = leaf
        if isShared(leaf) {
            own = makeLeaf(length: present, grownFrom: present, &reservation)
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
