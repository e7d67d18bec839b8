// DeadSpace: which segments of a shard have how many dead bytes, so that the one with the most is found without a search.
import CShims

extension Shard {
    /// Dead bytes of a segment in sixteenths of its size.
    private func deadShare(of segment: UInt32) -> Int {
        (Int(arena[segment].usedBytes - arena[segment].liveBytes) * 16) >> arena.geometry.segmentShift
    }

    /// Puts a segment into the list of its share of dead bytes after that has changed.
    @inline(__always)
    func noteDeadShare(of segment: UInt32) {
        let share = deadShare(of: segment)
        if share != Int(arena[segment].deadShare) { move(segment, toShare: share) }
    }

    private func move(_ segment: UInt32, toShare share: Int) {
        removeFromDeadList(segment)
        arena[segment].deadShare = UInt8(share)
        guard share > 0 else { return }
        let head = state.deadHeads[share]
        arena[segment].deadNext = head
        arena[segment].deadPrevious = 0
        if head != 0 { arena[head].deadPrevious = segment }
        state.deadHeads[share] = segment
        if share >= DeadSpace.cheapShare { noteCheap() }
    }

    /// Takes a segment out of its list.
    func removeFromDeadList(_ segment: UInt32) {
        guard arena[segment].deadShare > 0 else { return }
        let (next, previous) = (arena[segment].deadNext, arena[segment].deadPrevious)
        if next != 0 { arena[next].deadPrevious = previous }
        if previous != 0 {
            arena[previous].deadNext = next
        } else {
            state.deadHeads[Int(arena[segment].deadShare)] = next
        }
        arena[segment].deadShare = 0
    }

    /// The segment with the most dead bytes that is not being written to, if they are at least `share` sixteenths. What is
    /// free at a segment's end does not count: the next one may have to leave as much, and moving would go on for ever.
    func deadest(shareMin: Int) -> UInt32? {
        for share in stride(from: 16, through: shareMin, by: -1) {
            var segment = state.deadHeads[share]
            while segment != 0 {
                let log = log(arena[segment].log)
                if segment != log.youngest, segment != log.target { return segment }
                segment = arena[segment].deadNext
            }
        }
        return nil
    }

    /// Marks this shard as having memory that compaction alone can free.
    func noteCheap() { unsafe cs_or32(state.cheapShards, 1 << UInt32(number)) }

    /// Says that it has none, until `noteCheap`.
    func noteNothingCheap() { unsafe cs_and32(state.cheapShards, ~(1 << UInt32(number))) }
}

enum DeadSpace {
    /// Sixteenths of a segment that must be dead before it is emptied in preference to evicting: moving the other half
    /// costs less than what it frees is worth.
    static let cheapShare = 8
}
