// The storage commands on cache items.
import Glibc

extension StoreSession {
    /// A storage command whose whole value is at hand.
    public func store(_ key: Bytes, hash: UInt64, value: Bytes, _ command: StoreCommand) -> StoreResult {
        store(key, hash: hash, .bytes(value), command)
    }

    /// Stores a complete value and ends the `PendingValue`.
    public func commit(_ value: PendingValue, key: Bytes, hash: UInt64, _ command: StoreCommand) -> StoreResult {
        guard value.state.count > arena.blockSizeBytes, value.state.count <= shared.inlineValueLengthMax else {
            return store(key, hash: hash, .pending(value), command)
        }
        // It will be inside of a record, for which it has to lie together.
        return unsafe withUnsafeTemporaryAllocation(byteCount: value.state.count, alignment: 8) { buffer in
            let whole = unsafe Bytes(UnsafeRawBufferPointer(buffer))
            unsafe copy(value, from: 0, to: buffer)
            abandon(value)
            return store(key, hash: hash, .bytes(whole), command)
        }
    }

    /// Copies bytes of a pending value.
    @unsafe private func copy(_ value: PendingValue, from offset: Int, to buffer: UnsafeMutableRawBufferPointer) {
        guard let blocks = unsafe value.state.blocks, let start = buffer.baseAddress else { return }
        let blockSize = arena.blockSizeBytes
        var done = 0
        while done < buffer.count {
            let (index, within) = (offset + done).quotientAndRemainder(dividingBy: blockSize)
            let count = min(blockSize - within, buffer.count - done)
            unsafe memcpy(start + done, arena.address(ofBlock: blocks[index]) + within, count)
            done += count
        }
    }

    /// Whether a value of `length` bytes under `key` passes the largest item size (file keys: never).
    public func isTooLarge(key: Bytes, flags: UInt32, length: Int) -> Bool {
        isTooLarge(keyLength: key.count, flags: flags, length: length) && !shared.prefixes.matches(key)
    }

    private func isTooLarge(keyLength: Int, flags: UInt32, length: Int) -> Bool {
        // The length alone first: a file's size can be near the largest number, and the sum beyond it.
        length > shared.itemSizeMaxBytes
            || ItemSize.bytes(keyLength: keyLength, flags: flags, valueLength: length, hasCas: shared.hasCas)
                > shared.itemSizeMaxBytes
    }

    private func store(_ key: Bytes, hash: UInt64, _ source: ValueSource, _ command: StoreCommand) -> StoreResult {
        if shared.prefixes.matches(key) { return fileStore(key, source, command) }
        var result = StoreResult(outcome: .done)
        result.size = source.count
        let shard = shard(ofHash: hash)
        do throws(StoreError) {
            result.outcome = try withMemory { () throws(StoreError) -> Attempt<Outcome> in
                shard.lock()
                defer { shard.unlock() }
                let existing = shard.find(key, hash, now: state.nowSecond, &result.previous)
                let existingCas = existing.map { shard.record(at: $0).cas(base: shard.casBase(of: $0)) }
                let plan = StorePlan.decide(command, existingCas: existingCas)
                if case .refuse(let outcome) = plan { return .done(outcome) }
                if isOversized(plan, existing, in: shard, source) { return .done(.notStored) }
                let need = need(of: plan, existing, in: shard, source)
                guard holds(need), let written = write(key, hash, plan, existing, in: shard, source, command) else {
                    return .needs(MemoryNeed(blocks: need.blocks, segments: max(1, need.segments)))
                }
                result.cas = written.cas
                result.size = written.size
                shard.state.statistics.itemsStoredTotal += 1
                return .done(.done)
            }
            if result.outcome != .done { end(source) }
        } catch {
            end(source)
            // A stale value must not outlive a set that the client saw fail.
            if command.mode == .set, command.compareCas == nil { _ = delete(key, hash: hash, DeleteCommand()) }
            result.outcome = .noMemory
        }
        return result
    }

    /// Ends a value that was not stored.
    func end(_ source: ValueSource) {
        if case .pending(let value) = source { abandon(value) }
    }

    /// append and prepend: whether the joined value passes the largest item size.
    private func isOversized(_ plan: StorePlan, _ existing: Reference?, in shard: Shard, _ source: ValueSource) -> Bool
    {
        guard plan == .append || plan == .prepend, let existing else { return false }
        let record = shard.record(at: existing)
        return isTooLarge(
            keyLength: record.keyLength, flags: record.flags, length: record.valueLength + source.count)
    }

    /// The memory that a plan needs beside room in the log: none for an inline value.
    private func need(of plan: StorePlan, _ existing: Reference?, in shard: Shard, _ source: ValueSource) -> MemoryNeed
    {
        var need = MemoryNeed()
        switch plan {
        case .append, .prepend:
            let total = (existing.map { shard.record(at: $0).valueLength } ?? 0) + source.count
            guard total > shared.inlineValueLengthMax else { return need }
            need = Shard.need(blocks: total >> shard.blockShift + 2, arena: arena)
        default:
            guard source.count > shared.inlineValueLengthMax else { return need }
            need = shard.need(forMaking: source)
        }
        need.segments += 1
        return need
    }

    /// Carries a plan out under the shard's lock. Nil: a segment is needed first.
    private func write(
        _ key: Bytes, _ hash: UInt64, _ plan: StorePlan, _ existing: Reference?, in shard: Shard,
        _ source: ValueSource, _ command: StoreCommand
    ) -> (cas: UInt64, size: Int)? {
        var fields = RecordFields(flags: command.flags, exptime: command.exptime)
        if command.isBinaryKey { fields.marks.insert(.binaryKey) }
        if let existing {
            let old = shard.record(at: existing)
            if plan == .putStale {
                fields.exptime = old.exptime
                fields.marks.formUnion(old.meta.intersection(.won))
                fields.marks.insert(.stale)
            } else if plan == .append || plan == .prepend {
                fields.flags = old.flags
                fields.exptime = old.exptime
                fields.marks.formUnion(old.meta.intersection(.binaryKey))
            }
        }
        if case .create(let exptime) = plan { fields.exptime = exptime }
        fields.lastAccessSecond = state.nowSecond
        fields.cas = command.newCas ?? shard.nextCas()

        let inline = inlineBytes(of: source)
        let new: Reference?
        var size = source.count
        if plan == .append || plan == .prepend, let existing {
            let old = shard.record(at: existing)
            size += old.valueLength
            if size > shared.inlineValueLengthMax {
                fields.content = join(old, source, isAppend: plan == .append, in: shard)
                new = shard.add(key, hash, fields, .empty, .empty, replacing: existing, &state.reservation)
            } else if plan == .append {
                new = shard.add(key, hash, fields, old.inlineValue, inline, replacing: existing, &state.reservation)
            } else {
                new = shard.add(key, hash, fields, inline, old.inlineValue, replacing: existing, &state.reservation)
            }
        } else if size > shared.inlineValueLengthMax {
            fields.content = shard.makeContent(source, &state.reservation)
            guard shard.add(key, hash, fields, .empty, .empty, replacing: existing, &state.reservation) != nil else {
                preconditionFailure("a segment for the record was reserved")
            }
            return (fields.cas, size)
        } else {
            new = shard.add(key, hash, fields, inline, .empty, replacing: existing, &state.reservation)
        }
        guard new != nil else {
            if command.newCas == nil { shard.takeBack(cas: fields.cas) }
            return nil
        }
        end(source)
        return (fields.cas, size)
    }

    /// The bytes of a value that lies together.
    private func inlineBytes(of source: ValueSource) -> Bytes {
        switch source {
        case .bytes(let bytes): return bytes
        case .pending(let value): return firstBlock(of: value)
        }
    }

    /// A content of an item's value and a new one, in either order. Each block is put together first and written once: one
    /// that is written in parts is a piece at first, which takes more memory than was reserved.
    private func join(_ old: Record, _ source: ValueSource, isAppend: Bool, in shard: Shard) -> Content {
        let oldLength = old.valueLength
        let frontLength = isAppend ? oldLength : source.count
        let total = oldLength + source.count
        var joined = Content.empty
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: arena.blockSizeBytes, alignment: 8)
        defer { unsafe block.deallocate() }
        for offset in stride(from: 0, to: total, by: block.count) {
            let count = min(block.count, total - offset)
            let front = max(0, min(count, frontLength - offset))
            let head = unsafe UnsafeMutableRawBufferPointer(rebasing: block[..<front])
            let tail = unsafe UnsafeMutableRawBufferPointer(rebasing: block[front..<count])
            let tailOffset = offset + front - frontLength
            unsafe copy(old, from: isAppend ? offset : tailOffset, to: isAppend ? head : tail, in: shard)
            unsafe copy(source, from: isAppend ? tailOffset : offset, to: isAppend ? tail : head)
            shard.write(&joined, at: UInt64(offset), unsafe Bytes(block.baseAddress, count: count), &state.reservation)
        }
        return joined
    }

    /// Copies bytes of an item's value; the buffer may be empty.
    @unsafe private func copy(
        _ old: Record, from offset: Int, to buffer: UnsafeMutableRawBufferPointer, in shard: Shard
    ) {
        guard let start = buffer.baseAddress, buffer.count > 0 else { return }
        if let content = old.content {
            _ = unsafe shard.read(content, at: UInt64(offset), into: buffer)
        } else {
            unsafe old.inlineValue[offset..<offset + buffer.count].copy(to: start)
        }
    }

    /// Copies bytes of a new value; the buffer may be empty.
    @unsafe private func copy(_ source: ValueSource, from offset: Int, to buffer: UnsafeMutableRawBufferPointer) {
        guard let start = buffer.baseAddress, buffer.count > 0 else { return }
        switch source {
        case .bytes(let bytes): unsafe bytes[offset..<offset + buffer.count].copy(to: start)
        case .pending(let value): unsafe copy(value, from: offset, to: buffer)
        }
    }
}
