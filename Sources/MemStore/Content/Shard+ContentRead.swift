// Reading a content: copying bytes out, finding data and holes, showing it to the port.
import CShims
import Glibc

extension Shard {
    /// The bytes that a leaf has in memory; what is behind them, up to a block, reads as zeros.
    @unsafe func memory(ofLeaf reference: ContentReference) -> UnsafeMutableRawBufferPointer {
        if let piece = reference.piece {
            return unsafe UnsafeMutableRawBufferPointer(
                start: bytes(ofPiece: piece), count: Int(state.pieces[piece].length))
        }
        guard let block = reference.block else { return unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0) }
        return unsafe UnsafeMutableRawBufferPointer(start: arena.address(ofBlock: block), count: arena.blockSizeBytes)
    }

    /// Copies bytes from `offset` on into `buffer`, zeros for holes; returns how many (fewer only at the end).
    @unsafe func read(_ content: Content, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard let start = buffer.baseAddress else { return 0 }
        return forEachPart(content, at: offset, countMax: buffer.count) { leaf, part in
            let memory = unsafe memory(ofLeaf: leaf)
            let present = max(0, min(part.count, memory.count - part.within))
            let target = unsafe start + part.done
            if present > 0 { unsafe memcpy(target, memory.baseAddress.unsafelyUnwrapped + part.within, present) }
            if present < part.count { unsafe memset(target + present, 0, part.count - present) }
        }
    }

    /// Calls `body` for the part of a range that is in each leaf: where it begins in the leaf, how many bytes of the range
    /// are before it, how many it has. Returns the bytes of the range, fewer than `countMax` only at the end.
    @inline(__always) func forEachPart(
        _ content: Content, at offset: UInt64, countMax: Int,
        _ body: (ContentReference, (within: Int, done: Int, count: Int)) -> Void
    ) -> Int {
        guard offset < content.size else { return 0 }
        let total = Int(min(UInt64(countMax), content.size - offset))
        let blockSize = arena.blockSizeBytes
        var done = 0
        while done < total {
            let position = offset + UInt64(done)
            let within = Int(position) & (blockSize - 1)
            let count = min(blockSize - within, total - done)
            body(leaf(content, block: position >> UInt64(blockShift)), (within, done, count))
            done += count
        }
        return total
    }

    /// The first offset from `offset` on that holds data (or lies in a hole, for `hole` true). Data: nil when there is
    /// none up to the end. Hole: the end of the file counts as one.
    func seek(_ content: Content, from offset: UInt64, hole: Bool) -> UInt64? {
        guard offset < content.size else { return nil }
        var position = offset
        while position < content.size {
            let index = position >> UInt64(blockShift)
            let blockStart = index << UInt64(blockShift)
            let leaf = leaf(content, block: index)
            let dataEnd = blockStart + UInt64(unsafe memory(ofLeaf: leaf).count)
            if hole {
                if position >= dataEnd { return position }
                // The rest of a last block is no hole: the file ends before it.
                if dataEnd < blockStart + UInt64(arena.blockSizeBytes) { return min(dataEnd, content.size) }
                position = dataEnd
            } else {
                if position < dataEnd { return position }
                guard let next = nextLeaf(content, from: index + 1) else { return nil }
                position = next << UInt64(blockShift)
            }
        }
        return hole ? content.size : nil
    }

    /// The number of the first block from `index` on that is no hole.
    func nextLeaf(_ content: Content, from index: UInt64) -> UInt64? {
        nextLeaf(ContentReference(rawValue: content.root), level: depth(content), base: 0, from: index)
    }

    private func nextLeaf(_ reference: ContentReference, level: Int, base: UInt64, from index: UInt64) -> UInt64? {
        if reference.isHole { return nil }
        if level == 0 { return base >= index ? base : nil }
        guard let piece = reference.piece else { return nil }
        let shift = UInt64((level - 1) * ContentShape.fanoutShift)
        let first = index > base ? Int((index - base) >> shift) : 0
        let count = entryCount(ofNode: piece)
        guard first < count else { return nil }
        for place in first..<count {
            let child = entry(place, ofNode: piece)
            if let found = nextLeaf(child, level: level - 1, base: base + UInt64(place) << shift, from: index) {
                return found
            }
        }
        return nil
    }

    // MARK: the port's view

    /// Fills in what a port read needs of a content: the whole blocks at the front go by reference (`headLength`), the
    /// rest is lent as `tail`. A content whose last block is not all in memory goes by reference altogether.
    func show(_ content: Content, in view: inout ItemView) {
        view.size = Int(content.size)
        view.root = content.root
        view.shard = Int32(number)
        guard content.size > 0 else { return }
        let blockSize = UInt64(arena.blockSizeBytes)
        let last = (content.size - 1) >> UInt64(blockShift)
        let rest = Int(content.size - last * blockSize)
        let memory = unsafe memory(ofLeaf: leaf(content, block: last))
        if rest <= memory.count {
            view.headLength = Int(last * blockSize)
            view.tail = unsafe Bytes(memory.baseAddress, count: rest)
        } else {
            view.headLength = view.size
        }
    }
}

extension StoreSession {
    /// Takes a lease on a hit's value; call it between `beginGet` and `endGet`, when `headLength` > 0.
    public func lease(_ view: ItemView) -> ContentLease {
        let shard = shard(number: Int(view.shard))
        shard.lease(Content(root: view.root, size: UInt64(view.size)))
        return ContentLease(shard: view.shard, root: view.root, size: view.size, length: view.headLength)
    }

    /// The bytes of a lease from `offset` on, as long a run as lies together (at most `maxLength`), pinned until
    /// `unpin` is called with the result. Empty at the lease's end.
    public func pinRun(_ lease: ContentLease, at offset: Int, maxLength: Int) -> Bytes {
        guard offset < lease.length, maxLength > 0 else { return .empty }
        let shard = shard(number: Int(lease.shard))
        let content = Content(root: lease.root, size: UInt64(lease.size))
        let wanted = min(maxLength, lease.length - offset)
        shard.lock()
        defer { shard.unlock() }
        let blockSize = arena.blockSizeBytes
        var index = UInt64(offset) >> UInt64(shard.blockShift)
        let within = offset & (blockSize - 1)
        let leaf = shard.leaf(content, block: index)
        guard var block = leaf.block else {
            return unsafe copiedRun(shard.memory(ofLeaf: leaf), from: within, count: min(wanted, blockSize - within))
        }
        let start = unsafe arena.address(ofBlock: block) + within
        arena.retain(block: block)
        var count = min(wanted, blockSize - within)
        while count < wanted {
            index += 1
            guard let next = shard.leaf(content, block: index).block, next == block + 1 else { break }
            arena.retain(block: next)
            block = next
            count = min(wanted, count + blockSize)
        }
        return unsafe Bytes(start, count: count)
    }

    /// A run out of a piece or a hole: pieces can move, so it is a copy outside of the arena.
    @unsafe private func copiedRun(_ memory: UnsafeMutableRawBufferPointer, from within: Int, count: Int) -> Bytes {
        guard let copy = unsafe calloc(1, count) else { return .empty }
        let present = max(0, min(count, memory.count - within))
        if present > 0 { unsafe memcpy(copy, memory.baseAddress.unsafelyUnwrapped + within, present) }
        return unsafe Bytes(copy, count: count)
    }

    /// Ends the pin of one run.
    public func unpin(_ run: Bytes) {
        guard let start = unsafe run.pointer, run.count > 0 else { return }
        guard let first = unsafe arena.block(at: start), let last = unsafe arena.block(at: start + run.count - 1) else {
            unsafe free(UnsafeMutableRawPointer(mutating: start))
            return
        }
        for block in first...last where arena.release(block: block) {
            // Which shard it was of is not known any more, and does not matter for the sum.
            shard(number: 0).countFiles(bytes: -arena.blockSizeBytes)
        }
    }

    /// Gives a lease back; the last reader of a replaced value frees it.
    public func release(_ lease: ContentLease) {
        guard lease.shard >= 0 else { return }
        let shard = shard(number: Int(lease.shard))
        shard.lock()
        shard.endLease(Content(root: lease.root, size: UInt64(lease.size)))
        shard.unlock()
    }

    /// Whether contents that only readers hold take more than an eighth of the limit: the slowest of them should go.
    public var readersHoldTooMuch: Bool {
        let held = Int(truncatingIfNeeded: unsafe cs_load64(shared.heldByReaders))
        return held > 0 && held > arena.limitBytes / 8
    }
}
