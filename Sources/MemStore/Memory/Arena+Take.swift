// Taking and giving back: free lists of segments, segments cut into blocks.
import CShims
import Glibc

extension Arena {
    // MARK: segments

    /// Takes a whole segment, or nil when the budget has no room for one.
    func takeSegment() -> UInt32? {
        var cold: UInt32 = 0
        return state.lock.withLock { takeSegmentLocked(&cold) }
    }

    /// The same for a cut, from what is set aside for cuts.
    func takeSegmentForCut() -> UInt32? { state.lock.withLock { state.cutReserve.popLast() } }

    /// `cold` becomes the segment if its pages had been given back to the system.
    private func takeSegmentLocked(_ cold: inout UInt32) -> UInt32? {
        guard state.usedBytes + segmentSizeBytes <= state.budgetBytes else { return nil }
        let segment: UInt32
        if state.warmHead != 0 {
            // Warm ones first: their pages are there, so resident memory never passes the budget's peak.
            segment = state.warmHead
            state.warmHead = self[segment].next
            state.warmCount -= 1
        } else if state.coldHead != 0 {
            segment = state.coldHead
            state.coldHead = self[segment].next
            cold = segment
        } else {
            guard state.freshNext < state.segmentCount else { return nil }
            segment = state.freshNext
            state.freshNext += 1
        }
        state.usedBytes += segmentSizeBytes
        noteTaken()
        self[segment] = SegmentState(kind: .log)
        return segment
    }

    /// Gives a whole segment back.
    func giveBack(segment: UInt32) { state.lock.withLock { giveBackLocked(segment: segment) } }

    private func giveBackLocked(segment: UInt32) {
        precondition(self[segment].kind != .free, "a segment is given back once")
        if state.cutReserve.count < Self.cutReserveCount {
            self[segment] = SegmentState(kind: .log)
            return state.cutReserve.append(segment)
        }
        self[segment] = SegmentState(next: state.warmHead)
        state.warmHead = segment
        state.warmCount += 1
        state.usedBytes -= segmentSizeBytes
    }

    // MARK: blocks

    /// Takes one block with one holder, the one behind `neighbour` if that is free (so that a long content lies
    /// together), or nil when the budget has no room.
    func takeBlock(near neighbour: UInt32) -> UInt32? {
        var cold: UInt32 = 0
        let block = state.lock.withLock { takeBlockLocked(near: neighbour, &cold) }
        // Not under the lock, since it takes some ten microseconds. The other blocks of the segment are taken next.
        if cold != 0 {
            state.mapping.populate(offset: Int(cold) << geometry.segmentShift, count: segmentSizeBytes)
        }
        return block
    }

    /// Takes up to `count` blocks that lie together where possible. Returns how many it got.
    @unsafe func takeBlocks(_ count: Int, near neighbour: UInt32, into blocks: UnsafeMutablePointer<UInt32>) -> Int {
        state.lock.lock()
        defer { state.lock.unlock() }
        var last = neighbour
        var taken = 0
        var cold: UInt32 = 0
        while taken < count {
            guard let run = takeRunLocked(count - taken, near: last, &cold) else { break }
            for index in 0..<run.count { unsafe blocks[taken + index] = run.first + UInt32(index) }
            taken += run.count
            last = run.first + UInt32(run.count - 1)
        }
        return taken
    }

    /// Takes a block for a table: beside others of that kind if the budget has room.
    func takeTableBlock() -> UInt32? {
        var cold: UInt32 = 0
        return state.lock.withLock { takeBlockLocked(near: 0, &cold, for: .table) }
    }

    private func takeBlockLocked(near neighbour: UInt32, _ cold: inout UInt32, for use: BlockUse = .content) -> UInt32?
    {
        takeRunLocked(1, near: neighbour, &cold, for: use)?.first
    }

    /// Takes blocks that lie one behind the other, `countMax` at most.
    private func takeRunLocked(
        _ countMax: Int, near neighbour: UInt32, _ cold: inout UInt32, for use: BlockUse = .content
    ) -> (first: UInt32, count: Int)? {
        let perSegment = UInt32(geometry.blocksPerSegment)
        if neighbour != 0, (neighbour + 1) % perSegment != 0 {
            let segment = (neighbour + 1) / perSegment
            let place = Int((neighbour + 1) % perSegment)
            if self[segment].kind == .blocks, self[segment].freeBlocks >> UInt16(place) & 1 == 1,
                !self[segment].isEvacuated
            {
                return takeRun(countMax, of: segment, from: place)
            }
        }
        if let run = takePartial(of: use, countMax) { return run }
        guard let segment = takeSegmentLocked(&cold) else {
            return takePartial(of: use == .content ? .table : .content, countMax)
        }
        self[segment].kind = .blocks
        self[segment].use = use
        self[segment].freeBlocks = UInt16(truncatingIfNeeded: (1 << Int(perSegment)) - 1)
        state.freeBlockBytes += segmentSizeBytes
        insertPartial(segment)
        return takeRun(countMax, of: segment, from: 0)
    }

    /// Blocks of the fullest segment that has a free one, so that others can become empty.
    private func takePartial(of use: BlockUse, _ countMax: Int) -> (first: UInt32, count: Int)? {
        for freeCount in 1...geometry.blocksPerSegment where state.partialHeads[Self.list(use, freeCount)] != 0 {
            let segment = state.partialHeads[Self.list(use, freeCount)]
            return takeRun(countMax, of: segment, from: self[segment].freeBlocks.trailingZeroBitCount)
        }
        return nil
    }

    /// The same for one block.
    func takePartial(of use: BlockUse) -> UInt32? { takePartial(of: use, 1)?.first }

    /// The number of the list of segments with so many free blocks.
    @inline(__always) static func list(_ use: BlockUse, _ freeCount: Int) -> Int { Int(use.rawValue) * 17 + freeCount }

    /// Takes the free blocks of a segment from the one at `place`, which is free, up to the first that is not.
    private func takeRun(_ countMax: Int, of segment: UInt32, from place: Int) -> (first: UInt32, count: Int) {
        let count = min(countMax, (~(self[segment].freeBlocks >> UInt16(place))).trailingZeroBitCount)
        removePartial(segment)
        self[segment].freeBlocks &= ~Self.mask(count, from: place)
        if self[segment].freeBlocks != 0 { insertPartial(segment) }
        state.freeBlockBytes -= count * blockSizeBytes
        state.takenBlockBytes += count * blockSizeBytes
        let first = segment * UInt32(geometry.blocksPerSegment) + UInt32(place)
        for index in 0..<count { unsafe cs_store32(state.blockCounts + Int(first) + index, 1) }
        return (first, count)
    }

    /// A bit for each of `count` (1 ... 16) blocks from the one at `place` on.
    @inline(__always) private static func mask(_ count: Int, from place: Int) -> UInt16 {
        UInt16(truncatingIfNeeded: ((1 << count) - 1) << place)
    }

    /// Gives a block back, whatever its count.
    func giveBack(block: UInt32) {
        state.lock.lock()
        defer { state.lock.unlock() }
        unsafe cs_store32(state.blockCounts + Int(block), 0)
        let perSegment = UInt32(geometry.blocksPerSegment)
        giveBackLocked(1 << UInt16(block % perSegment), of: block / perSegment)
    }

    /// Gives one holder's count of each of the `count` blocks back, in one turn of the lock. What is no block (a hole, a
    /// piece) is passed over. Returns how many had no other holder and are free now.
    @unsafe func release(_ references: UnsafePointer<UInt32>, count: Int) -> Int {
        let perSegment = UInt32(geometry.blocksPerSegment)
        state.lock.lock()
        defer { state.lock.unlock() }
        var freed = 0
        // Neighbours go back together.
        var segment: UInt32 = 0
        var bits: UInt16 = 0
        for index in 0..<count {
            guard let block = ContentReference(rawValue: unsafe references[index]).block,
                unsafe cs_sub32(state.blockCounts + Int(block), 1) == 0
            else { continue }
            if block / perSegment != segment {
                if bits != 0 { giveBackLocked(bits, of: segment) }
                segment = block / perSegment
                bits = 0
            }
            bits |= 1 << UInt16(block % perSegment)
            freed += 1
        }
        if bits != 0 { giveBackLocked(bits, of: segment) }
        return freed
    }

    /// Gives blocks of one segment back, which have no holder any more: a bit for each.
    private func giveBackLocked(_ bits: UInt16, of segment: UInt32) {
        precondition(
            self[segment].kind == .blocks && self[segment].freeBlocks & bits == 0, "a block is given back once")
        let bytes = bits.nonzeroBitCount * blockSizeBytes
        if self[segment].freeBlocks != 0 { removePartial(segment) }
        self[segment].freeBlocks |= bits
        state.freeBlockBytes += bytes
        state.takenBlockBytes -= bytes
        self[segment].stuckRound = 0
        if self[segment].freeBlocks.nonzeroBitCount == geometry.blocksPerSegment {
            state.freeBlockBytes -= segmentSizeBytes
            giveBackLocked(segment: segment)
        } else {
            insertPartial(segment)
        }
    }

    private func list(of segment: UInt32) -> Int {
        Self.list(self[segment].use, self[segment].freeBlocks.nonzeroBitCount)
    }

    func insertPartial(_ segment: UInt32) {
        guard !self[segment].isEvacuated else { return }
        let list = list(of: segment)
        let head = state.partialHeads[list]
        self[segment].next = head
        self[segment].previous = 0
        if head != 0 { self[head].previous = segment }
        state.partialHeads[list] = segment
    }

    func removePartial(_ segment: UInt32) {
        guard !self[segment].isEvacuated else { return }
        let list = list(of: segment)
        let (next, previous) = (self[segment].next, self[segment].previous)
        if next != 0 { self[next].previous = previous }
        if previous != 0 { self[previous].next = next } else { state.partialHeads[list] = next }
    }

    // MARK: giving memory back to the system

    /// Gives the pages of a free segment back, if more than `keep` are warm or they would pass the limit. False: none was.
    func discardOneWarm(keep: Int) -> Bool {
        state.lock.lock()
        let segment = state.warmHead
        let isOver = state.usedBytes + state.warmCount * segmentSizeBytes > state.budgetBytes
        guard segment != 0, state.warmCount > keep || isOver else {
            state.lock.unlock()
            return false
        }
        state.warmHead = self[segment].next
        state.warmCount -= 1
        state.lock.unlock()
        state.mapping.discard(offset: Int(segment) << geometry.segmentShift, count: segmentSizeBytes)
        state.lock.withLock {
            self[segment].next = state.coldHead
            state.coldHead = segment
        }
        return true
    }

    /// Sets the limit. Nothing is freed here.
    func setLimit(bytes: Int) { state.lock.withLock { state.limitBytes = bytes } }

    /// Walks every list and recounts. For tests; takes the lock.
    func checkInvariants() {
        state.lock.lock()
        defer { state.lock.unlock() }
        var free = 0
        for list in 0..<state.partialHeads.count {
            var segment = state.partialHeads[list]
            while segment != 0 {
                precondition(self.list(of: segment) == list, "a segment is in the list of its use and count")
                free += list % 17 * blockSizeBytes
                segment = self[segment].next
            }
        }
        precondition(free == state.freeBlockBytes, "free blocks are counted")
        var segment = state.warmHead
        var warm = 0
        while segment != 0 {
            precondition(self[segment].kind == .free, "a warm segment is free")
            warm += 1
            segment = self[segment].next
        }
        precondition(warm == state.warmCount, "warm segments are counted")
    }
}
