// A number that is an item's value: reading it, and writing the one that follows.
import Glibc

extension StoreSession {
    /// A larger item is no number, whatever its value begins with: memcached holds it in several pieces.
    /// Source: observed answers of memcached 1.6.18 around its slab_chunk_max.
    private static let numberItemBytesMax = 1 << 19

    /// incr, decr, `ma` on an item that is there, under the shard's lock. Returns the memory that is needed first; nil when it
    /// is done or refused.
    func change(
        _ key: Bytes, _ hash: UInt64, _ reference: Reference, in shard: Shard, _ command: ArithmeticCommand,
        _ result: inout ArithmeticResult
    ) -> MemoryNeed? {
        let record = shard.record(at: reference)
        let casBase = shard.casBase(of: reference)
        result.isBinaryKey = record.meta.contains(.binaryKey)
        result.exptimeBefore = record.exptime
        // The order of the checks: empty or oversized values, then the cas (0 = not given), then non-digits.
        // Source: observed answers of memcached 1.6.18.
        if record.valueLength == 0 || shard.itemBytes(record) > Self.numberItemBytesMax {
            result.outcome = .nonNumeric
            return nil
        }
        if let token = command.compareCas, token != 0, token != record.cas(base: casBase) {
            result.outcome = .exists
            return nil
        }
        guard let content = record.content else {
            return count(record, record.inlineValue, key, hash, reference, in: shard, command, &result)
        }
        let whole = UnsafeMutableRawBufferPointer.allocate(byteCount: record.valueLength, alignment: 8)
        defer { unsafe whole.deallocate() }
        let length = unsafe shard.read(content, at: 0, into: whole)
        precondition(length == record.valueLength, "an item's content is as long as the item says")
        return count(
            record, unsafe Bytes(UnsafeRawPointer(whole.baseAddress), count: length), key, hash, reference, in: shard,
            command, &result)
    }

    /// Counts on the value of an item.
    private func count(
        _ record: Record, _ value: Bytes, _ key: Bytes, _ hash: UInt64, _ reference: Reference, in shard: Shard,
        _ command: ArithmeticCommand, _ result: inout ArithmeticResult
    ) -> MemoryNeed? {
        guard let number = Numeral.parse(value) else {
            result.outcome = .nonNumeric
            return nil
        }
        result.number = Numeral.apply(command, to: number)
        let casBase = shard.casBase(of: reference)
        var fields = record.fields(casBase: casBase)
        fields.exptime = command.touch ?? fields.exptime
        fields.cas = command.newCas ?? shard.nextCas()
        result.exptime = fields.exptime
        result.cas = fields.cas
        let need: MemoryNeed? = unsafe withUnsafeTemporaryAllocation(
            of: UInt8.self, capacity: max(value.count, Numeral.digitCountMax)
        ) { text in
            let start = unsafe text.baseAddress.unsafelyUnwrapped
            let digitCount = unsafe Numeral.write(result.number, to: start)
            // A shorter number keeps the value's length. Source: memcached's protocol.txt, "incr/decr".
            let length = max(digitCount, value.count)
            unsafe memset(start + digitCount, 0x20, length - digitCount)
            if record.content == nil, length == value.count, record.setExptime(fields.exptime),
                record.setCas(fields.cas, base: casBase)
            {
                unsafe memcpy(record.inlineValueStart, start, length)
                return nil
            }
            // A longer number is a new item, which nobody has fetched.
            if length > value.count { fields.marks.formIntersection(.binaryKey) }
            return replace(
                reference, by: unsafe Bytes(UnsafeRawPointer(start), count: length), key, hash, fields, in: shard)
        }
        if need != nil, command.newCas == nil { shard.takeBack(cas: fields.cas) }
        return need
    }

    /// Makes a version of an item with another value. Returns the memory that is needed first.
    private func replace(
        _ reference: Reference, by value: Bytes, _ key: Bytes, _ hash: UInt64, _ fields: RecordFields, in shard: Shard
    ) -> MemoryNeed? {
        var fields = fields
        if value.count <= shared.inlineValueLengthMax {
            fields.content = nil
            let isDone = shard.add(key, hash, fields, value, .empty, replacing: reference, &state.reservation) != nil
            return isDone ? nil : MemoryNeed(segments: 1)
        }
        var need = shard.need(forMaking: .bytes(value))
        need.segments += 1
        guard holds(need) else { return need }
        fields.content = shard.makeContent(.bytes(value), &state.reservation)
        guard shard.add(key, hash, fields, .empty, .empty, replacing: reference, &state.reservation) != nil else {
            preconditionFailure("a segment for the record was reserved")
        }
        return nil
    }
}
