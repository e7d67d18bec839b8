// Reclaim: how memory becomes free again. One mechanism: take a segment, keep what deserves it by appending
// it elsewhere, free the rest. It serves dead space (the emptiest segment first) and
// eviction (the oldest segment of a queue).
import Glibc

extension StoreSession {
    /// Frees some memory, taking turns between the shards. False: there is nothing left to free. No lock may be held.
    func reclaim() -> Bool {
        shared.reclaimLock.lock()
        defer { shared.reclaimLock.unlock() }
        if shared.spareSegment == 0 { shared.spareSegment = arena.takeSegment() ?? 0 }
        for effort in [ReclaimEffort.cheap, .evict, .thorough] where effort != .evict || shared.evictsItems {
            for _ in 0..<shared.shardCount {
                let shard = shard(number: shared.reclaimCursor)
                shared.reclaimCursor = (shared.reclaimCursor + 1) % shared.shardCount
                shard.lock()
                let didFree = shard.reclaim(effort, spare: &shared.spareSegment, now: state.nowSecond, self)
                shard.unlock()
                if didFree {
                    state.fruitlessCount = arena.hasRoomForSegment ? 0 : state.fruitlessCount + 1
                    return true
                }
            }
        }
        return false
    }
}

/// How far a step of reclaiming goes.
enum ReclaimEffort {
    /// Contents waiting to be freed; segments that are mostly dead.
    case cheap
    /// Evict items.
    case evict
    /// Any segment in which something is dead.
    case thorough
}

extension Shard {
    /// Content leaves freed in one slice.
    static let graveyardSliceLeaves = 1024
    /// Segments emptied before the hits of the queues are halved.
    private static let hitsHalvedEvery = 16
    /// Segments walked in a row without freeing one, after which uses protect nothing: a command must not wait longer.
    private static let fruitlessMax = 4
    /// Segments looked at for the emptiest one.
    private static let candidateCountMax = 256

    func reclaim(_ effort: ReclaimEffort, spare: inout UInt32, now: UInt32, _ session: StoreSession) -> Bool {
        switch effort {
        case .cheap:
            if freeBuried(leafCount: Self.graveyardSliceLeaves) { return true }
            guard let segment = emptiest(deadShareMin: 1.0 / 2) else { return false }
            return compact(segment, spare: &spare, now: now, session)
        case .evict:
            return evict(spare: &spare, now: now, session)
        case .thorough:
            guard let segment = emptiest(deadShareMin: 1.0 / 16) else { return false }
            return compact(segment, spare: &spare, now: now, session)
        }
    }

    /// The closed segment with the most dead bytes, if they are at least `deadShareMin` of it. What is free at its end does
    /// not count: the next one may have to leave as much, and moving would go on for ever.
    private func emptiest(deadShareMin: Double) -> UInt32? {
        var best: UInt32?
        var mostDead = UInt32(deadShareMin * Double(arena.segmentSizeBytes))
        for kind in [LogKind.probation, .main, .pieces] {
            var segment = log(kind).oldest
            let youngest = log(kind).youngest
            for _ in 0..<Self.candidateCountMax where segment != 0 && segment != youngest {
                let dead = arena[segment].usedBytes - arena[segment].liveBytes
                if dead >= mostDead {
                    mostDead = dead
                    best = segment
                }
                segment = arena[segment].next
            }
        }
        return best
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

    // MARK: evicting

    /// Whether the probation queue is the one to evict from: it has more than a tenth of the bytes, and main earns more
    /// hits for each byte. Where nothing is read any more, main's past hits protect nothing: it goes first.
    private var isProbationsTurn: Bool {
        let probation = log(.probation).liveBytes + log(.probation).attachedBytes
        let main = log(.main).liveBytes + log(.main).attachedBytes
        guard probation > 0, main > 0 else { return main == 0 }
        guard probation * 10 > probation + main else { return false }
        let (probationHits, mainHits) = (state.hits[0], state.hits[1])
        return Double(mainHits) * Double(probation) > Double(probationHits) * Double(main)
    }

    /// Evicts from the old end of one of the two queues: a segment, or as many records as hold a segment's worth of
    /// contents. False: there is no item left.
    private func evict(spare: inout UInt32, now: UInt32, _ session: StoreSession) -> Bool {
        let kind = isProbationsTurn ? LogKind.probation : .main
        let segment = log(kind).oldest
        guard segment != 0 else { return false }
        state.emptiedCount += 1
        if state.emptiedCount >= Self.hitsHalvedEvery {
            state.emptiedCount = 0
            state.hits[0] /= 2
            state.hits[1] /= 2
        }
        let change = state.ghost.fit(itemCount: state.statistics.itemCount)
        if change != 0 { arena.charge(bytes: change) }
        walk(segment, spare: &spare, session) {
            // What is moved to this segment's own end while it is walked waits for the next time.
            let end = Int(arena[segment].usedBytes)
            let attached = log(kind).attachedBytes
            var offset = log(kind).cursor
            while offset < end, attached - log(kind).attachedBytes < arena.segmentSizeBytes {
                let record = unsafe Record(at: arena.address(ofSegment: segment) + offset)
                let size = record.sizeBytes
                if !record.meta.contains(.dead) {
                    settle(reference(segment: segment, offset: offset), from: kind, now: now, session)
                }
                offset += size
            }
            state.logs[Int(kind.rawValue)].cursor = offset
        }
        return true
    }

    /// Decides about one record at the old end: expire, evict, or keep in main.
    private func settle(_ reference: Reference, from kind: LogKind, now: UInt32, _ session: StoreSession) {
        let record = record(at: reference)
        let hash = hash(of: record)
        if record.exptime.isDue(at: now) { return expire(reference, hash) }
        // A moved record may get a wide cas, so what fitted into one segment may just not fit into another.
        let fits = hasRoom(record.sizeBytes + 16, in: .main) || !session.state.reservedSegments.isEmpty
        if fits, record.uses > 0, session.state.fruitlessCount < Self.fruitlessMax {
            return move(reference, hash, to: .main, uses: kind == .main ? record.uses - 1 : 0, session)
        }
        countEviction(record, session)
        if kind == .probation { state.ghost.insert(hash) }
        remove(reference, hash)
    }

    /// Counts an eviction, and tells of it where somebody watches.
    private func countEviction(_ record: Record, _ session: StoreSession) {
        state.statistics.evictions += 1
        if !record.meta.contains(.fetched) { state.statistics.evictedUnfetched += 1 }
        let notes = unsafe session.shared.evictions.takeUnretainedValue()
        guard notes.isRecording else { return }
        notes.record(
            EvictedItem(
                key: record.key.array, flags: record.flags, exptime: record.exptime,
                lastAccessSecond: record.lastAccessSecond, wasFetched: record.meta.contains(.fetched),
                valueLength: record.valueLength, sizeBytes: itemBytes(record)))
    }

    // MARK: emptying a segment

    /// Moves what lives in a closed segment to the young end of its log, and frees it.
    private func compact(_ segment: UInt32, spare: inout UInt32, now: UInt32, _ session: StoreSession) -> Bool {
        guard spare != 0 else { return false }
        let kind = arena[segment].log
        walk(segment, spare: &spare, session) {
            if kind == .pieces { return movePieces(of: segment, session) }
            visitRecords(of: segment) { reference in
                let record = self.record(at: reference)
                let hash = self.hash(of: record)
                if record.exptime.isDue(at: now) { return self.expire(reference, hash) }
                if self.hasRoom(record.sizeBytes + 16, in: kind) || !session.state.reservedSegments.isEmpty {
                    return self.move(reference, hash, to: kind, uses: record.uses, session)
                }
                self.countEviction(record, session)
                self.remove(reference, hash)
            }
        }
        return true
    }

    /// Runs `body`, which goes through a segment, with the spare segment in reserve for what it moves; then frees the
    /// segment if nothing lives in it any more.
    private func walk(_ segment: UInt32, spare: inout UInt32, _ session: StoreSession, _ body: () -> Void) {
        let held = session.state.reservedSegments.count
        if spare != 0 {
            session.state.reservedSegments.append(spare)
            spare = 0
        }
        state.reclaimingSegment = segment
        body()
        state.reclaimingSegment = 0
        if session.state.reservedSegments.count > held { spare = session.takeReservedSegment() }
        guard arena[segment].liveBytes == 0 else { return }
        unlink(segment)
        if spare == 0 {
            spare = keepAsSpare(segment)
        } else {
            giveBack(segment: segment)
        }
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

    /// Moves a record to the young end of a log; its content goes with it.
    private func move(_ old: Reference, _ hash: UInt64, to kind: LogKind, uses: UInt32, _ session: StoreSession) {
        let record = record(at: old)
        let oldSegment = segment(of: old)
        var fields = record.fields(casBase: casBase(of: old))
        fields.uses = uses
        if let content = fields.content { detach(content, from: oldSegment) }
        let new = append(fields, record.key, record.inlineValue, .empty, to: kind, session)
        state.index.replace(hash, old, by: new)
        // A touch may have left the old version with a field that says never.
        if record.meta.contains(.exptime), fields.exptime == .never { state.statistics.expiringCount -= 1 }
        record.meta.insert(.dead)
        bury(record.sizeBytes, in: oldSegment)
    }

    /// Moves the live pieces of a segment to the young end of the log.
    private func movePieces(of segment: UInt32, _ session: StoreSession) {
        var offset = 0
        while offset < Int(arena[segment].usedBytes) {
            let header = unsafe arena.address(ofSegment: segment) + offset
            let piece = unsafe header.load(as: UInt32.self)
            let size = Self.pieceHeaderSizeBytes + Int(unsafe header.load(fromByteOffset: 4, as: UInt32.self))
            if piece != 0 {
                let (newSegment, newOffset) = append(size, to: .pieces, session)
                unsafe memcpy(arena.address(ofSegment: newSegment) + newOffset, header, size)
                state.pieces[piece].place = reference(segment: newSegment, offset: newOffset)
                unsafe header.storeBytes(of: 0 as UInt32, as: UInt32.self)
                bury(size, in: segment)
            }
            offset += size
        }
    }

    /// Takes an emptied segment out of the shard without giving it back to the arena.
    private func keepAsSpare(_ segment: UInt32) -> UInt32 {
        release(local: arena[segment].local)
        arena[segment] = SegmentState(kind: .log)
        return segment
    }
}
