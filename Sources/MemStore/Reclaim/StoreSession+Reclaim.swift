// Reclaim: how memory becomes free again, in slices. One mechanism: take a segment, keep what deserves it by appending
// it elsewhere, free the rest. It serves dead space (the emptiest segment first, see Compaction) and
// eviction (the oldest segment of a queue).
import CShims
import Glibc

extension StoreSession {
    /// Files that are removed with a slice when their time has come.
    private static let expiredFilesPerSlice = 64

    /// Frees some memory: what has expired goes, then what is dead, then what has not been used for longest. False: there is
    /// nothing left but files that stay as long as items can go. `isAhead` as for `reclaim`. No lock may be held.
    func freeSome(isAhead: Bool = false) -> Bool {
        let didExpire = expireFiles(limit: Self.expiredFilesPerSlice) > 0
        let didEvict = evictFilesBesideItems()
        return reclaim(isAhead: isAhead) || didExpire || didEvict
    }

    /// Frees some memory, or comes nearer to it, in one slice; the shards take turns. False: there is nothing left to
    /// free. `isAhead`: nobody waits for it yet, so only what costs little or is due anyway is done. No lock may be held.
    func reclaim(isAhead: Bool = false) -> Bool {
        let slice = shared.slices.begin()
        var (didWork, hadSpare) = reclaim(in: freeLane(), isAhead: isAhead)
        if !didWork, !hadSpare {
            // Another lane may have the spare segment without which nothing can be moved.
            for number in 0..<shared.laneCount where !didWork {
                let lane = shared.lane(number)
                lane.lock.lock()
                if lane.spareSegment == 0 {
                    lane.lock.unlock()
                } else {
                    didWork = reclaim(in: lane, isAhead: isAhead).didWork
                }
            }
        }
        shared.slices.end(slice, .reclaim)
        if arena.hasRoomForSegment { state.movedBytes = 0 }
        return didWork
    }

    /// A lane that nobody is in, locked; or this session's own after waiting for it.
    private func freeLane() -> ReclaimLane {
        for number in 0..<shared.laneCount where shared.lane(number).lock.tryLock() { return shared.lane(number) }
        let own = shared.lane(state.slot % shared.laneCount)
        own.lock.lock()
        return own
    }

    /// Does one slice in a locked lane, and unlocks it.
    private func reclaim(in lane: ReclaimLane, isAhead: Bool) -> (didWork: Bool, hadSpare: Bool) {
        var spare = lane.spareSegment
        if spare == 0 { spare = arena.takeSegment() ?? 0 }
        let hadSpare = spare != 0
        let didWork = reclaimSlice(isAhead: isAhead, &spare)
        lane.spareSegment = spare
        lane.lock.unlock()
        return (didWork, hadSpare)
    }

    private func reclaimSlice(isAhead: Bool, _ spare: inout UInt32) -> Bool {
        let evicts = shared.evictsItems
        // First what can be had without waiting for a lock: any shard will do.
        if reclaim(.cheap, waits: false, &spare) { return true }
        if evacuate(freeMin: arena.geometry.blocksPerSegment / 2, waits: false) { return true }
        if evicts, reclaim(.evict, waits: false, &spare) { return true }
        guard !isAhead else { return false }
        if reclaim(.cheap, waits: true, &spare) { return true }
        if evicts, reclaim(.evict, waits: true, &spare) { return true }
        return reclaim(.thorough, waits: true, &spare) || evacuate(freeMin: 1, waits: true)
    }

    /// Tries the shards from the one whose turn it is. Those that somebody has locked are passed over, or waited for.
    private func reclaim(
        _ effort: ReclaimEffort, waits: Bool, _ spare: inout UInt32
    ) -> Bool {
        let first = Int(unsafe cs_load32(&shared.reclaimCursor))
        let candidates = effort == .cheap ? (unsafe cs_load32(shared.cheapShards)) : .max
        for step in 0..<shared.shardCount {
            let number = (first + step) % shared.shardCount
            guard candidates >> UInt32(number) & 1 == 1 else { continue }
            let shard = shard(number: number)
            if waits {
                shard.lock()
            } else if !shard.state.lock.tryLock() {
                continue
            }
            if reclaimAndUnlock(effort, from: number, &spare) { return true }
        }
        return false
    }

    private func reclaimAndUnlock(_ effort: ReclaimEffort, from number: Int, _ spare: inout UInt32) -> Bool {
        let shard = shard(number: number)
        defer { shard.unlock() }
        let hadSpare = spare != 0
        let outcome = shard.reclaim(effort, spare: &spare, movedBytes: &state.movedBytes, now: state.nowSecond)
        shard.resizeIndex(steps: Shard.indexStepsPerSlice)
        switch outcome {
        case .nothing:
            if effort == .cheap, hadSpare { shard.noteNothingCheap() }
            return false
        case .unfinished:
            unsafe cs_store32(&shared.reclaimCursor, UInt32(number))
        case .finished:
            unsafe cs_store32(&shared.reclaimCursor, UInt32((number + 1) % shared.shardCount))
        }
        return true
    }
}

/// A lane of reclaiming: a thread at a time is in it, with a segment set aside so that it can always move what it keeps.
///
/// SAFETY: points to memory of the store, which lives longer than every session; the segment is guarded by the lock.
@safe struct ReclaimLane {
    private let spare: UnsafeMutablePointer<UInt32>
    let lock = Lock()

    init(spareSegment: UInt32) {
        unsafe spare = .allocate(capacity: 1)
        unsafe spare.initialize(to: spareSegment)
    }

    func deallocate() {
        lock.destroy()
        unsafe spare.deallocate()
    }

    /// The segment that is set aside; 0 = it is in use.
    var spareSegment: UInt32 {
        get { unsafe spare.pointee }
        nonmutating set { unsafe spare.pointee = newValue }
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
    /// Groups of the index moved with one slice.
    static let indexStepsPerSlice = 4
    /// Content leaves freed in one slice: those of a node.
    static let graveyardSliceLeaves = ContentShape.fanout

    func reclaim(
        _ effort: ReclaimEffort, spare: inout UInt32, movedBytes: inout Int, now: UInt32
    ) -> SliceOutcome {
        switch effort {
        case .cheap:
            if freeBuried(leafCount: Self.graveyardSliceLeaves) { return .finished }
            return compact(shareMin: DeadSpace.cheapShare, spare: &spare, now: now)
        case .evict:
            return evict(spare: &spare, movedBytes: &movedBytes, now: now)
        case .thorough:
            let outcome = compact(shareMin: 1, spare: &spare, now: now)
            if outcome == .unfinished { noteCheap() }
            return outcome
        }
    }

    /// Frees contents that wait in the graveyard, about `leafCount` leaves of them, or blocks that wait. False: none does.
    func freeBuried(leafCount: Int) -> Bool {
        guard !state.graveyard.isEmpty else { return freeAbandoned(count: leafCount) }
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
