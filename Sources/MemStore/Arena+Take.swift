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
        var cold: UInt32 = 0
        for index in 0..<count {
            guard let block = takeBlockLocked(near: last, &cold) else { return index }
            unsafe blocks[index] = block
            last = block
        }
        return count
    }

    /// Takes a block for a table: beside others of that kind if the budget has room.
    func takeTableBlock() -> UInt32? {
        var cold: UInt32 = 0
        return state.lock.withLock { takeBlockLocked(near: 0, &cold, for: .table) }
    }

    private func takeBlockLocked(near neighbour: UInt32, _ cold: inout UInt32, for use: BlockUse = .content) -> UInt32?
    {
        let perSegment = UInt32(geometry.blocksPerSegment)
        if neighbour != 0, (neighbour + 1) % perSegment != 0 {
            let segment = (neighbour + 1) / perSegment
            let bit = UInt16(1) << UInt16((neighbour + 1) % perSegment)
            if self[segment].kind == .blocks, self[segment].freeBlocks & bit != 0, !self[segment].isEvacuated {
                return take(bit: bit, of: segment)
            }
        }
        if let block = takePartial(of: use) { return block }
        guard let segment = takeSegmentLocked(&cold) else {
            return takePartial(of: use == .content ? .table : .content)
        }
        self[segment].kind = .blocks
        self[segment].use = use
        self[segment].freeBlocks = UInt16(truncatingIfNeeded: (1 << Int(perSegment)) - 1)
        state.freeBlockBytes += segmentSizeBytes
        insertPartial(segment)
        return take(bit: 1, of: segment)
    }

    /// A block of the fullest segment that has a free one, so that others can become empty.
    func takePartial(of use: BlockUse) -> UInt32? {
        for freeCount in 1...geometry.blocksPerSegment where state.partialHeads[Self.list(use, freeCount)] != 0 {
            let segment = state.partialHeads[Self.list(use, freeCount)]
            let mask = self[segment].freeBlocks
            return take(bit: mask & (~mask &+ 1), of: segment)
        }
        return nil
    }

    /// The number of the list of segments with so many free blocks.
    @inline(__always) static func list(_ use: BlockUse, _ freeCount: Int) -> Int { Int(use.rawValue) * 17 + freeCount }

    private func take(bit: UInt16, of segment: UInt32) -> UInt32 {
        removePartial(segment)
        self[segment].freeBlocks &= ~bit
        if self[segment].freeBlocks != 0 { insertPartial(segment) }
        state.freeBlockBytes -= blockSizeBytes
        state.takenBlockBytes += blockSizeBytes
        let block = segment * UInt32(geometry.blocksPerSegment) + UInt32(bit.trailingZeroBitCount)
        unsafe cs_store32(state.blockCounts + Int(block), 1)
        return block
    }

    /// Gives a block back, whatever its count.
    func giveBack(block: UInt32) {
        state.lock.lock()
        defer { state.lock.unlock() }
        unsafe cs_store32(state.blockCounts + Int(block), 0)
        let perSegment = UInt32(geometry.blocksPerSegment)
        let segment = block / perSegment
        let bit = UInt16(1) << UInt16(block % perSegment)
        precondition(
            self[segment].kind == .blocks && self[segment].freeBlocks & bit == 0, "a block is given back once")
        if self[segment].freeBlocks != 0 { removePartial(segment) }
        self[segment].freeBlocks |= bit
        state.freeBlockBytes += blockSizeBytes
        state.takenBlockBytes -= blockSizeBytes
        self[segment].stuckRound = 0
        if self[segment].freeBlocks.nonzeroBitCount == Int(perSegment) {
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
