// Changing records: adding a version of an item, making a version with other fields, removing one.
import CShims
import Glibc

extension Shard {
    /// Adds a record and makes the index name it, in place of `old` if there is one. The value is `head` and `tail`, or
    /// the content in `fields`, whose holder the record becomes. Nil: a segment has to be reserved first.
    @inline(__always)
    func add(
        _ key: Bytes, _ hash: UInt64, _ fields: RecordFields, _ head: Bytes, _ tail: Bytes, replacing old: Reference?,
        _ reservation: inout Reservation
    ) -> Reference? {
        var fields = fields
        var kind = LogKind.probation
        if let old {
            // A new version stays in its queue and keeps what its uses have earned.
            kind = arena[segment(of: old)].log
            fields.uses = record(at: old).uses
        } else if state.ghost.contains(hash) {
            kind = .main
        }
        let size = Record.sizeBytes(
            fields, keyLength: key.count, valueLength: head.count + tail.count, wideCas: false)
        // Room for a wide cas too: which one it is, only the segment tells.
        guard hasRoom(size + 8, in: kind) || reservation.hasSegment else { return nil }
        let reference = append(fields, key, head, tail, to: kind, &reservation)
        if let old {
            state.index.replace(hash, old, by: reference)
            discard(old)
        } else {
            insert(hash, reference)
        }
        count(record(at: reference), by: 1)
        return reference
    }

    /// Writes a record at the young end of a log.
    @inline(__always)
    func append(
        _ fields: RecordFields, _ key: Bytes, _ head: Bytes, _ tail: Bytes, to kind: LogKind,
        _ reservation: inout Reservation
    ) -> Reference {
        let narrow = Record.sizeBytes(
            fields, keyLength: key.count, valueLength: head.count + tail.count, wideCas: false)
        if !hasRoom(narrow + 8, in: kind) { open(reservation.takeSegment(), in: kind) }
        let casBase = arena[log(kind).youngest].casBase
        let isWide = Record.needsWideCas(fields.cas, base: casBase)
        let (segment, offset) = append(isWide ? narrow + 8 : narrow, to: kind, &reservation)
        let record = unsafe Record(at: arena.address(ofSegment: segment) + offset)
        record.write(fields, key: key, head: head, tail: tail, casBase: casBase)
        if let content = fields.content { attach(content, to: segment) }
        return reference(segment: segment, offset: offset)
    }

    /// Makes a version of a record with other fields and the same value. Nil: a segment is needed first.
    func rewrite(_ old: Reference, _ hash: UInt64, _ fields: RecordFields, _ reservation: inout Reservation)
        -> Reference?
    {
        let record = record(at: old)
        if let content = fields.content { retain(content) }
        // An append may open another segment but moves nothing, so key and value can be read while they are copied.
        let new = add(record.key, hash, fields, record.inlineValue, .empty, replacing: old, &reservation)
        if new == nil, let content = fields.content { release(content) }
        return new
    }

    private func insert(_ hash: UInt64, _ reference: Reference) {
        let sizeBefore = state.index.sizeBytes
        state.index.insert(hash, reference)
        let grown = state.index.sizeBytes - sizeBefore
        if grown != 0 { arena.charge(bytes: grown) }
        resizeIndex(steps: 1)
    }

    /// Moves at most `steps` groups of the index, if it does not fit the number of items.
    @inline(__always) func resizeIndex(steps: Int) {
        guard state.index.wantsToResize else { return }
        let sizeBefore = state.index.sizeBytes
        for _ in 0..<steps where !resizeIndex() { break }
        let change = state.index.sizeBytes - sizeBefore
        if change != 0 { arena.charge(bytes: change) }
    }

    /// Moves one group of the index, as a slice. False: the index fits the number of items.
    func resizeIndex() -> Bool {
        let slice = state.slices.begin()
        guard state.index.resizeOneStep(prefetch, { self.hash(of: self.record(at: $0)) }) else { return false }
        state.slices.end(slice, .index)
        return true
    }

    // MARK: removing

    /// Removes an item: index, record, content.
    func remove(_ reference: Reference, _ hash: UInt64) {
        let sizeBefore = state.index.sizeBytes
        state.index.remove(hash, reference)
        let shrunk = state.index.sizeBytes - sizeBefore
        if shrunk != 0 { arena.charge(bytes: shrunk) }
        discard(reference)
    }

    /// Removes an item whose time has come.
    func expire(_ reference: Reference, _ hash: UInt64) {
        state.statistics.reclaimed += 1
        if !record(at: reference).meta.contains(.fetched) { state.statistics.expiredUnfetched += 1 }
        remove(reference, hash)
    }

    /// Ends a record that the index does not name any more.
    func discard(_ reference: Reference) {
        let record = record(at: reference)
        let segment = segment(of: reference)
        count(record, by: -1)
        record.meta.insert(.dead)
        if let content = record.content {
            detach(content, from: segment)
            release(content)
        }
        bury(record.sizeBytes, in: segment)
    }

    /// Counts an item in or out.
    @inline(__always)
    private func count(_ record: Record, by step: Int) {
        state.statistics.itemCount += step
        state.statistics.itemBytes += step * itemBytes(record)
        if record.meta.contains(.exptime) { state.statistics.expiringCount += step }
    }

    /// An item's size by memcached's formula.
    @inline(__always)
    func itemBytes(_ record: Record) -> Int {
        ItemSize.bytes(
            keyLength: record.keyLength, flags: record.flags, valueLength: record.valueLength, hasCas: state.hasCas)
    }

    // MARK: contents of records

    func attach(_ content: Content, to segment: UInt32) {
        let bytes = Int(allocatedBytes(content))
        arena[segment].attachedBytes += UInt64(bytes)
        state.logs[Int(arena[segment].log.rawValue)].attachedBytes += bytes
        countFiles(bytes: -bytes)
    }

    func detach(_ content: Content, from segment: UInt32) {
        let bytes = Int(allocatedBytes(content))
        arena[segment].attachedBytes -= UInt64(bytes)
        state.logs[Int(arena[segment].log.rawValue)].attachedBytes -= bytes
        countFiles(bytes: bytes)
    }
}
