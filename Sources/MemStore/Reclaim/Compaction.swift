// Compaction: emptying a segment that is partly dead, in slices. What lives in it goes to the log's target, a segment that
// nobody else writes to and that stands where the emptied one stood: compaction makes nothing younger.
import Glibc

/// The compaction of a shard that is under way.
struct Compaction {
    /// The segment that is being emptied; 0 = none is.
    var segment: UInt32 = 0
    /// Where in it the next slice goes on.
    var offset = 0
}

/// What a slice of reclaiming came to.
enum SliceOutcome {
    /// There was nothing to do.
    case nothing
    /// Something is done, and this shard should go on with it.
    case unfinished
    case finished
}

extension Shard {
    /// Records or pieces that one slice looks at.
    static let recordsPerSlice = 400

    /// Goes on emptying a segment, or begins with the deadest one if `shareMin` sixteenths of it are dead. One that is begun
    /// with a spare segment leaves one behind; what another takes meanwhile, that one leaves behind, and this one waits.
    func compact(shareMin: Int, spare: inout UInt32, now: UInt32) -> SliceOutcome {
        if state.compaction.segment == 0 {
            guard spare != 0, let segment = deadest(shareMin: shareMin) else { return .nothing }
            state.compaction = Compaction(segment: segment)
        }
        let segment = state.compaction.segment
        let end = Int(arena[segment].usedBytes)
        state.reclaimingSegment = segment
        let begin = state.compaction.offset
        var left = Self.recordsPerSlice
        var budget = SliceBudget()
        while state.compaction.offset < end, left > 0 {
            let offset = state.compaction.offset
            let size =
                arena[segment].log == .pieces
                ? compactPiece(of: segment, at: offset, &spare)
                : compactRecord(of: segment, at: offset, now, &spare)
            guard let size else { break }
            state.compaction.offset += size
            left = budget.goesOn() ? left - 1 : 0
        }
        state.reclaimingSegment = 0
        guard state.compaction.offset >= end else { return state.compaction.offset == begin ? .nothing : .unfinished }
        precondition(arena[segment].liveBytes == 0, "a compacted segment is empty")
        unlink(segment)
        if spare == 0 { spare = keepAsSpare(segment) } else { giveBack(segment: segment) }
        return .finished
    }

    /// Makes the spare segment the target of a log, behind the segment that is being emptied. False: there is no spare.
    private func openTarget(for source: UInt32, _ spare: inout UInt32) -> Bool {
        guard spare != 0 else { return false }
        let kind = arena[source].log
        adopt(segment: spare, log: kind)
        arena[spare].casBase = arena[source].casBase
        link(spare, behind: source)
        state.logs[Int(kind.rawValue)].target = spare
        spare = 0
        return true
    }

    private func targetHasRoom(_ size: Int, _ kind: LogKind) -> Bool {
        let target = log(kind).target
        return target != 0 && Int(arena[target].usedBytes) + size <= arena.segmentSizeBytes
    }

    /// Moves one piece to the target if it lives. Returns its size; nil when it has no room and there is no spare segment.
    private func compactPiece(of segment: UInt32, at offset: Int, _ spare: inout UInt32) -> Int? {
        let header = unsafe arena.address(ofSegment: segment) + offset
        let piece = unsafe header.load(as: UInt32.self)
        let size = Self.pieceHeaderSizeBytes + Int(unsafe header.load(fromByteOffset: 4, as: UInt32.self))
        guard piece != 0 else { return size }
        guard targetHasRoom(size, .pieces) || openTarget(for: segment, &spare) else { return nil }
        let target = log(.pieces).target
        let newOffset = claim(size, in: target)
        unsafe memcpy(arena.address(ofSegment: target) + newOffset, header, size)
        state.pieces[piece].place = reference(segment: target, offset: newOffset)
        unsafe header.storeBytes(of: 0 as UInt32, as: UInt32.self)
        bury(size, in: segment)
        return size
    }

    /// Moves one record to the target if it lives and is not due. Returns its size; nil when it has no room and there is no
    /// spare segment.
    private func compactRecord(
        of segment: UInt32, at offset: Int, _ now: UInt32, _ spare: inout UInt32
    ) -> Int? {
        let record = unsafe Record(at: arena.address(ofSegment: segment) + offset)
        let size = record.sizeBytes
        guard !record.meta.contains(.dead) else { return size }
        let old = reference(segment: segment, offset: offset)
        let hash = hash(of: record)
        if record.exptime.isDue(at: now) {
            expire(old, hash)
            return size
        }
        let kind = arena[segment].log
        let fields = record.fields(casBase: arena[segment].casBase)
        // The target inherits the source's cas base, so no record grows when it is moved and the rest is sure to fit.
        guard targetHasRoom(sizeInTarget(of: record, fields, kind), kind) || openTarget(for: segment, &spare) else {
            return nil
        }
        let target = log(kind).target
        let newOffset = claim(sizeInTarget(of: record, fields, kind), in: target)
        let new = reference(segment: target, offset: newOffset)
        self.record(at: new).write(
            fields, key: record.key, head: record.inlineValue, tail: .empty, casBase: arena[target].casBase)
        if let content = fields.content {
            detach(content, from: segment)
            attach(content, to: target)
        }
        state.index.replace(hash, old, by: new)
        endMoved(record, fields, of: segment)
        return size
    }

    /// Bytes that a record takes beside the target's base of casses.
    private func sizeInTarget(of record: Record, _ fields: RecordFields, _ kind: LogKind) -> Int {
        Record.sizeBytes(
            fields, keyLength: record.keyLength, valueLength: record.inlineValue.count,
            wideCas: Record.needsWideCas(fields.cas, base: arena[log(kind).target].casBase))
    }

    /// Ends the old place of a record that was moved.
    func endMoved(_ record: Record, _ fields: RecordFields, of segment: UInt32) {
        // A touch may have left the old version with a field that says never.
        if record.meta.contains(.exptime), fields.exptime == .never { state.statistics.expiringCount -= 1 }
        record.meta.insert(.dead)
        bury(record.sizeBytes, in: segment)
    }

    /// Takes an emptied segment out of the shard without giving it back to the arena.
    func keepAsSpare(_ segment: UInt32) -> UInt32 {
        release(local: arena[segment].local)
        arena[segment] = SegmentState(kind: .log)
        return segment
    }
}
