// Eviction: which cache items go when memory is short: S3-FIFO, with the logs as its queues.
//
//     new items ──► probation ▓▓▓▓▓▓▓▓ ──┬─ not used ──► gone, remembered in the ghost list
//                                        └─ used ──┐
//     seen in the ghost list ─────────────────────►┴─► main ▓▓▓▓▓▓▓▓ ──┬─ not used ──► gone, remembered
//                                                      ▲               └─ used ──┐
//                                                      └─────────────────────────┘
//
// A queue needs no list of its own: it is a log, and the next to be judged are the records of its oldest segment, in the order
// in which they lie. When a segment has been walked to its end, all that stayed has been moved away, and it is free.
//
// Three things differ from the queues as published. Which queue gives way is weighed by the hits that each earns for its
// bytes, so that main dissolves when nobody reads it any more. Staying costs uses in proportion to an item's size, so that
// memory goes where it earns the most hits. Both queues feed the ghost list. A walk ends after a slice (a few hundred records,
// or a segment's worth of contents), and after four segments' worth of moves in a row uses protect nothing: no command waits
// for a walk through everything. Files go by another rule (StoreSession+FileEviction).
//
// Source: Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023; decision 0004 has what was measured.
import Glibc

extension Shard {
    /// The hits of the queues are halved whenever eviction has gone through so many segments' worth.
    private static let hitsHalvedEverySegments = 16
    /// Segments' worth of records moved in a row without freeing one, after which uses protect nothing: a command must not
    /// wait longer.
    private static let movedSegmentsMax = 4

    /// Whether the probation queue is the one to evict from: it has more than a tenth of the bytes, and main earns more
    /// hits for each byte. Where nothing is read any more, main's past hits protect nothing: it goes first.
    private var isProbationsTurn: Bool {
        let (probation, main) = (log(.probation).heldBytes, log(.main).heldBytes)
        guard probation > 0, main > 0 else { return main == 0 }
        guard probation * 10 > probation + main else { return false }
        let (probationHits, mainHits) = (state.hits[0], state.hits[1])
        return Double(mainHits) * Double(probation) > Double(probationHits) * Double(main)
    }

    /// Evicts from the old end of one of the two queues: a slice of a segment, or as many records as hold a segment's worth
    /// of contents.
    /// `movedBytes`: what was moved instead of freed since there last was a free segment.
    func evict(spare: inout UInt32, movedBytes: inout Int, now: UInt32) -> SliceOutcome {
        let kind = isProbationsTurn ? LogKind.probation : .main
        let segment = log(kind).oldest
        guard segment != 0 else { return .nothing }
        let change = state.ghost.fit(itemCount: state.statistics.itemCount)
        if change != 0 { arena.charge(bytes: change) }

        // What is moved goes to the spare segment, never to what somebody has reserved for a change of his own.
        var reservation = Reservation(of: arena, spare: spare)
        let isThrough = walk(segment, of: kind, movedBytes: &movedBytes, now: now, &reservation)
        spare = reservation.takeSegment()

        guard arena[segment].liveBytes == 0 else { return isThrough ? .finished : .unfinished }
        unlink(segment)
        if spare == 0 { spare = keepAsSpare(segment) } else { giveBack(segment: segment) }
        return .finished
    }

    /// Settles the next records of the oldest segment of a queue. False: the slice ended before the segment or a
    /// segment's worth of contents did.
    private func walk(
        _ segment: UInt32, of kind: LogKind, movedBytes: inout Int, now: UInt32, _ reservation: inout Reservation
    ) -> Bool {
        state.reclaimingSegment = segment
        defer { state.reclaimingSegment = 0 }
        // What is moved to this segment's own end while it is walked waits for the next time.
        let end = Int(arena[segment].usedBytes)
        let attached = log(kind).attachedBytes
        let begin = log(kind).cursor
        var offset = begin
        var left = Self.recordsPerSlice
        var budget = SliceBudget()
        while offset < end, left > 0, attached - log(kind).attachedBytes < arena.segmentSizeBytes {
            let record = unsafe Record(at: arena.address(ofSegment: segment) + offset)
            let size = record.sizeBytes
            if !record.meta.contains(.dead) {
                let place = reference(segment: segment, offset: offset)
                settle(place, from: kind, movedBytes: &movedBytes, now: now, &reservation)
            }
            offset += size
            left = budget.goesOn() ? left - 1 : 0
        }
        state.logs[Int(kind.rawValue)].cursor = offset
        countPassed(offset - begin + attached - log(kind).attachedBytes)
        return offset >= end || left > 0
    }

    private func countPassed(_ bytes: Int) {
        state.passedBytes += bytes
        guard state.passedBytes >= Self.hitsHalvedEverySegments * arena.segmentSizeBytes else { return }
        state.passedBytes = 0
        state.hits[0] /= 2
        state.hits[1] /= 2
    }

    /// Decides about one record at the old end: expire, evict, or keep in main.
    private func settle(
        _ reference: Reference, from kind: LogKind, movedBytes: inout Int, now: UInt32,
        _ reservation: inout Reservation
    ) {
        let record = record(at: reference)
        let hash = hash(of: record)
        if record.exptime.isDue(at: now) { return expire(reference, hash) }
        // A moved record may get a wide cas, so what fitted into one segment may just not fit into another.
        let fits = hasRoom(record.sizeBytes + 16, in: .main) || reservation.hasSegment
        let price = price(of: record)
        if fits, record.uses >= max(1, price),
            movedBytes < Self.movedSegmentsMax * arena.segmentSizeBytes
        {
            movedBytes += record.sizeBytes
            return move(reference, hash, to: .main, uses: kind == .main ? record.uses - price : 0, &reservation)
        }
        state.ghost.insert(hash)
        evict(reference, hash, now)
    }

    /// Use counts that a record must spend to survive this pass: its size as a multiple of the mean size of the shard's items,
    /// so that memory goes where it earns the most hits. The fraction is rounded up at random.
    private func price(of record: Record) -> UInt32 {
        let size = record.sizeBytes + (record.content.map { Int(allocatedBytes($0)) } ?? 0)
        let total = log(.probation).heldBytes + log(.main).heldBytes
        // In sixteenths of a use.
        let price = size &* state.statistics.itemCount &* 16 / max(1, total)
        state.chance = state.chance &* 0x9e37_79b9_7f4a_7c15 &+ 1
        return UInt32(min(Int(Record.usesMax), (price + Int(state.chance >> 60)) >> 4))
    }

    /// Evicts one item.
    private func evict(_ reference: Reference, _ hash: UInt64, _ now: UInt32) {
        let record = record(at: reference)
        report(evictionOf: record)
        state.statistics.evictions += 1
        if !record.meta.contains(.fetched) { state.statistics.evictedUnfetched += 1 }
        if record.exptime != .never { state.statistics.evictedExpiring += 1 }
        state.statistics.lastEvictionSecond = now
        unsafe state.evictions._withUnsafeGuaranteedRef { $0.noteEviction(ofLastAccessed: record.lastAccessSecond) }
        state.statistics.lastEvictedIdleSeconds = now &- min(now, record.lastAccessSecond)
        remove(reference, hash)
    }

    /// Reports an eviction where somebody watches.
    private func report(evictionOf record: Record) {
        let notes = unsafe state.evictions.takeUnretainedValue()
        guard notes.isRecording else { return }
        notes.record(
            EvictedItem(
                key: record.key.array, flags: record.flags, exptime: record.exptime,
                lastAccessSecond: record.lastAccessSecond, wasFetched: record.meta.contains(.fetched),
                valueLength: record.valueLength, sizeBytes: itemBytes(record)))
    }

    /// Moves a record to the young end of a log; its content goes with it.
    private func move(
        _ old: Reference, _ hash: UInt64, to kind: LogKind, uses: UInt32, _ reservation: inout Reservation
    ) {
        let record = record(at: old)
        let oldSegment = segment(of: old)
        var fields = record.fields(casBase: casBase(of: old))
        fields.uses = uses
        if let content = fields.content { detach(content, from: oldSegment) }
        let new = append(fields, record.key, record.inlineValue, .empty, to: kind, &reservation)
        state.index.replace(hash, old, by: new)
        endMoved(record, fields, of: oldSegment)
    }
}
