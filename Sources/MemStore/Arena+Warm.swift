// Arena+Warm: free segments whose pages may be resident, and giving huge pages back whole. Where a huge page is given back
// in parts, the system splits it, and the next writer gets a fault for each 4 KiB of its place.

extension Arena {
    /// Puts a segment at the head of the warm ones. The lock is held.
    func insertWarm(_ segment: UInt32) {
        self[segment] = SegmentState(isWarm: true, next: state.warmHead)
        if state.warmHead != 0 { self[state.warmHead].previous = segment }
        state.warmHead = segment
        state.warmCount += 1
    }

    /// Takes a segment from the warm ones. The lock is held.
    func removeWarm(_ segment: UInt32) {
        let (next, previous) = (self[segment].next, self[segment].previous)
        if next != 0 { self[next].previous = previous }
        if previous != 0 { self[previous].next = next } else { state.warmHead = next }
        self[segment].isWarm = false
        state.warmCount -= 1
    }

    /// Gives the pages of the newest warm segment and of all others in its huge page back, if all of them are warm and
    /// more than `keep` stay so. Returns the bytes; 0: none.
    func discardWarmHugePage(keep: Int) -> Int {
        let count = UInt32(Self.hugePageSizeBytes / segmentSizeBytes)
        // Without huge pages the mapping may begin anywhere.
        guard unsafe UInt(bitPattern: state.mapping.base) % UInt(Self.hugePageSizeBytes) == 0 else { return 0 }
        state.lock.lock()
        let first = state.warmHead / count * count
        let isWhole = (first..<first + count).allSatisfy { $0 < state.segmentCount && self[$0].isWarm }
        guard state.warmHead != 0, isWhole, state.warmCount >= keep + Int(count) else {
            state.lock.unlock()
            return 0
        }
        for segment in first..<first + count { removeWarm(segment) }
        state.lock.unlock()
        state.mapping.discard(offset: Int(first) << geometry.segmentShift, count: Self.hugePageSizeBytes)
        state.lock.withLock {
            // The first one is taken first: who takes many gets neighbours.
            for segment in (first..<first + count).reversed() {
                self[segment].next = state.coldHead
                state.coldHead = segment
            }
        }
        return Self.hugePageSizeBytes
    }
}
