// Reclaim: how memory becomes free again, in slices. One mechanism: take a segment, keep what deserves it by appending
// it elsewhere, free the rest. It serves dead space (the emptiest segment first, see Compaction) and
// eviction (the oldest segment of a queue).
import CShims
import Glibc

extension StoreSession {
    /// Frees some memory, or comes nearer to it, in one slice; the shards take turns. False: there is nothing left to
    /// free. `isAhead`: nobody waits for it yet, so only what costs little or is due anyway is done. No lock may be held.
    func reclaim(isAhead: Bool = false) -> Bool {
        var slice = shared.slices.begin()
        slice.lock(shared.reclaimLock)
        if shared.spareSegment == 0 { shared.spareSegment = arena.takeSegment() ?? 0 }
        let didWork = reclaimSlice(isAhead: isAhead, &slice)
        shared.reclaimLock.unlock()
        shared.slices.end(slice, .reclaim)
        if arena.hasRoomForSegment { state.movedBytes = 0 }
        return didWork
    }

    private func reclaimSlice(isAhead: Bool, _ slice: inout Slice) -> Bool {
        if reclaim(.cheap, among: unsafe cs_load32(shared.cheapShards), &slice) { return true }
        if evacuate(freeMin: arena.geometry.blocksPerSegment / 2, &slice) { return true }
        if shared.evictsItems, reclaim(.evict, among: .max, &slice) { return true }
        guard !isAhead else { return false }
        return reclaim(.thorough, among: .max, &slice) || evacuate(freeMin: 1, &slice)
    }

    /// Tries the shards whose bits are set in `numbers`, from the one whose turn it is: first those whose lock is free.
    private func reclaim(_ effort: ReclaimEffort, among numbers: UInt32, _ slice: inout Slice) -> Bool {
        let first = shared.reclaimCursor
        var isLocked: UInt32 = 0
        for step in 0..<shared.shardCount {
            let number = (first + step) % shared.shardCount
            guard numbers >> UInt32(number) & 1 == 1 else { continue }
            if !shard(number: number).state.lock.tryLock() {
                isLocked |= 1 << UInt32(number)
            } else if reclaimAndUnlock(effort, from: number) {
                return true
            }
        }
        for number in 0..<shared.shardCount where isLocked >> UInt32(number) & 1 == 1 {
            slice.lock(shard(number: number).state.lock)
            if reclaimAndUnlock(effort, from: number) { return true }
        }
        return false
    }

    private func reclaimAndUnlock(_ effort: ReclaimEffort, from number: Int) -> Bool {
        let shard = shard(number: number)
        defer { shard.unlock() }
        switch shard.reclaim(effort, spare: &shared.spareSegment, now: state.nowSecond, self) {
        case .nothing:
            if effort == .cheap, shared.spareSegment != 0 { shard.noteNothingCheap() }
            return false
        case .unfinished:
            shared.reclaimCursor = number
        case .finished:
            shared.reclaimCursor = (number + 1) % shared.shardCount
        }
        return true
    }
}

/// How far a slice of reclaiming goes.
enum ReclaimEffort {
    /// Contents waiting to be freed; segments that are mostly dead, or whose emptying has begun.
    case cheap
    /// Evict items.
    case evict
    /// Any segment in which something is dead.
    case thorough
}

extension Shard {
    /// Content leaves freed in one slice.
    static let graveyardSliceLeaves = 1024
    func reclaim(
        _ effort: ReclaimEffort, spare: inout UInt32, now: UInt32, _ session: StoreSession
    ) -> SliceOutcome {
        switch effort {
        case .cheap:
            if freeBuried(leafCount: Self.graveyardSliceLeaves) { return .finished }
            return compact(shareMin: DeadSpace.cheapShare, spare: &spare, now: now, session)
        case .evict:
            return evict(spare: &spare, now: now, session)
        case .thorough:
            let outcome = compact(shareMin: 1, spare: &spare, now: now, session)
            if outcome == .unfinished { noteCheap() }
            return outcome
        }
    }

    /// Frees contents that wait in the graveyard, about `leafCount` leaves of them. False: none waits.
    func freeBuried(leafCount: Int) -> Bool {
        guard !state.graveyard.isEmpty else { return false }
        var left = leafCount
        while left > 0, let entry = state.graveyard.popLast() {
            guard entry.level > 1, let piece = entry.reference.piece, state.pieces[piece].holderCount == 1 else {
                release(entry.reference, level: entry.level)
                left -= ContentShape.fanout
                continue
            }
            // Its children take its place; each of them is small enough, or is taken apart in its turn.
            for index in 0..<entryCount(ofNode: piece) {
                let child = self.entry(index, ofNode: piece)
                if !child.isHole { state.graveyard.append(GraveyardEntry(reference: child, level: entry.level - 1)) }
            }
            freePiece(piece)
            left -= 1
        }
        return true
    }

    /// Calls `body` for each record of a segment that is not dead.
    func visitRecords(of segment: UInt32, _ body: (Reference) -> Void) {
        var offset = 0
        while offset < Int(arena[segment].usedBytes) {
            let record = unsafe Record(at: arena.address(ofSegment: segment) + offset)
            let size = record.sizeBytes
            if !record.meta.contains(.dead) { body(reference(segment: segment, offset: offset)) }
            offset += size
        }
    }
}
