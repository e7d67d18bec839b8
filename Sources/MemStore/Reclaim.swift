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
            guard let segment = emptiest(liveShareMax: 0.5) else { return false }
            return empty(segment, .compact, spare: &spare, now: now, session)
        case .evict:
            return evict(spare: &spare, now: now, session)
        case .thorough:
            guard let segment = emptiest(liveShareMax: 15.0 / 16) else { return false }
            return empty(segment, .compact, spare: &spare, now: now, session)
        }
    }

    /// The closed segment with the smallest live share, if that is at most `liveShareMax`.
    private func emptiest(liveShareMax: Double) -> UInt32? {
        var best: UInt32?
        var bestLive = UInt32(liveShareMax * Double(arena.segmentSizeBytes))
        for kind in [LogKind.probation, .main, .pieces] {
            var segment = log(kind).oldest
            let youngest = log(kind).youngest
            for _ in 0..<Self.candidateCountMax where segment != 0 && segment != youngest {
                if arena[segment].liveBytes <= bestLive {
                    bestLive = arena[segment].liveBytes
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

    // MARK: emptying a segment

    /// What happens to the live records of a segment.
    private enum Purpose { case compact, evictProbation, evictMain }

    /// Whether the probation queue is the one to evict from: it has more than a tenth of the bytes, and main earns more
    /// hits for each byte. Where nothing is read any more, main's past hits protect nothing: it goes first.
    private var isProbationsTurn: Bool {
        let probation = log(.probation).liveBytes + log(.probation).attachedBytes
        let main = log(.main).liveBytes + log(.main).attachedBytes
        guard log(.probation).oldest != 0 else { return false }
        // Main's open segment is no queue yet.
        guard log(.main).segmentCount > 1 else { return true }
        guard probation * 10 > probation + main else { return false }
        let (probationHits, mainHits) = (state.hits[0], state.hits[1])
        return Double(mainHits) * Double(probation) > Double(probationHits) * Double(main)
    }

    /// Evicts from one of the two queues.
    private func evict(spare: inout UInt32, now: UInt32, _ session: StoreSession) -> Bool {
        let fromProbation = isProbationsTurn
        let segment = fromProbation ? log(.probation).oldest : log(.main).oldest
        state.emptiedCount += 1
        if state.emptiedCount >= Self.hitsHalvedEvery {
            state.emptiedCount = 0
            state.hits[0] /= 2
            state.hits[1] /= 2
        }
        guard segment != 0 else { return false }
        let change = state.ghost.fit(itemCount: state.statistics.itemCount)
        if change != 0 { arena.charge(bytes: change) }
        return empty(segment, fromProbation ? .evictProbation : .evictMain, spare: &spare, now: now, session)
    }

    private func empty(
        _ segment: UInt32, _ purpose: Purpose, spare: inout UInt32, now: UInt32, _ session: StoreSession
    ) -> Bool {
        let kind = arena[segment].log
        let target: LogKind = purpose == .compact ? kind : .main
        // What is kept goes behind the youngest segment, which must be another one.
        let mayMove = spare != 0 && log(target).youngest != segment
        guard mayMove || (purpose != .compact && kind != .pieces) else { return false }
        let held = session.state.reservedSegments.count
        if spare != 0 {
            session.state.reservedSegments.append(spare)
            spare = 0
        }
        state.reclaimingSegment = segment
        if kind == .pieces {
            movePieces(of: segment, session)
        } else {
            visitRecords(of: segment) { reference in
                self.settle(reference, purpose, mayMove: mayMove, now: now, session)
            }
        }
        state.reclaimingSegment = 0
        precondition(arena[segment].liveBytes == 0, "nothing lives in a segment that was emptied")
        unlink(segment)
        if session.state.reservedSegments.count > held { spare = session.takeReservedSegment() }
        if spare == 0 {
            spare = keepAsSpare(segment)
        } else {
            giveBack(segment: segment)
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

    /// Decides about one live record: expire, evict, or keep.
    private func settle(
        _ reference: Reference, _ purpose: Purpose, mayMove: Bool, now: UInt32, _ session: StoreSession
    ) {
        let record = record(at: reference)
        let hash = hash(of: record)
        if record.exptime.isDue(at: now) { return expire(reference, hash) }
        let target = purpose == .compact ? arena[segment(of: reference)].log : .main
        // A moved record may get a wide cas, so what fitted into one segment may just not fit into another.
        let fits = hasRoom(record.sizeBytes + 16, in: target) || !session.state.reservedSegments.isEmpty
        if mayMove, fits, purpose == .compact || (record.uses > 0 && session.state.fruitlessCount < Self.fruitlessMax) {
            let uses = purpose == .compact ? record.uses : purpose == .evictMain ? record.uses - 1 : 0
            return move(reference, hash, to: target, uses: uses, session)
        }
        state.statistics.evictions += 1
        if !record.meta.contains(.fetched) { state.statistics.evictedUnfetched += 1 }
        if purpose == .evictProbation { state.ghost.insert(hash) }
        remove(reference, hash)
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
