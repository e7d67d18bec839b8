// incr, decr and delete on cache items.
import Glibc

extension StoreSession {
    /// incr, decr, `ma`.
    public func arithmetic(_ key: Bytes, hash: UInt64, _ command: ArithmeticCommand) -> ArithmeticResult {
        if shared.prefixes.matches(key) { return fileArithmetic(key, command) }
        let shard = shard(ofHash: hash)
        // The store tells why an item is not there once.
        var previous = Presence.missing
        while true {
            var result = ArithmeticResult(outcome: .done)
            shard.lock()
            let need: MemoryNeed?
            let found = shard.find(key, hash, now: state.nowSecond, &previous)
            result.previous = previous
            if let reference = found {
                need = change(key, hash, reference, in: shard, command, &result)
            } else if let exptime = command.vivifyExptime {
                need = create(key, hash, exptime, in: shard, command, &result) ? nil : MemoryNeed(segments: 1)
            } else {
                result.outcome = .notFound
                need = nil
            }
            shard.unlock()
            guard let need else { return result }
            do throws(StoreError) { try reserve(need) } catch {
                result.outcome = .noMemory
                return result
            }
        }
    }

    /// Creates a number. False: a segment is needed first.
    private func create(
        _ key: Bytes, _ hash: UInt64, _ exptime: Exptime, in shard: Shard, _ command: ArithmeticCommand,
        _ result: inout ArithmeticResult
    ) -> Bool {
        var fields = RecordFields(exptime: exptime, cas: command.newCas ?? shard.nextCas())
        if command.isBinaryKey { fields.marks.insert(.binaryKey) }
        fields.lastAccessSecond = state.nowSecond
        result.number = command.initial
        result.cas = fields.cas
        result.exptime = exptime
        result.exptimeBefore = exptime
        result.isCreated = true
        let isDone = unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Numeral.digitCountMax) { digits in
            let start = unsafe digits.baseAddress.unsafelyUnwrapped
            let head = unsafe Bytes(start, count: Numeral.write(command.initial, to: start))
            return shard.add(key, hash, fields, head, .empty, replacing: nil, self) != nil
        }
        if isDone { shard.state.statistics.itemsStoredTotal += 1 }
        return isDone
    }

    /// delete, `md`.
    public func delete(_ key: Bytes, hash: UInt64, _ command: DeleteCommand) -> StoreResult {
        if shared.prefixes.matches(key) { return fileDelete(key, command) }
        let shard = shard(ofHash: hash)
        while true {
            var result = StoreResult(outcome: .done)
            shard.lock()
            guard let reference = shard.find(key, hash, now: state.nowSecond, &result.previous) else {
                shard.unlock()
                result.outcome = .notFound
                return result
            }
            let cas = shard.record(at: reference).cas(base: shard.casBase(of: reference))
            if let token = command.compareCas, token != cas || token == 0 {
                shard.unlock()
                result.outcome = .exists
                return result
            }
            var isDone = true
            if command.marksStale || command.clearsValue {
                isDone = mark(reference, hash, in: shard, command, &result)
            } else {
                shard.remove(reference, hash)
                shard.resizeIndex(steps: 1)
            }
            shard.unlock()
            if isDone { return result }
            do throws(StoreError) { try reserve(MemoryNeed(segments: 1)) } catch {
                result.outcome = .noMemory
                return result
            }
        }
    }

    /// Marks an item stale or empties it (meta `md` with I, x). False: a segment is needed first.
    private func mark(
        _ reference: Reference, _ hash: UInt64, in shard: Shard, _ command: DeleteCommand, _ result: inout StoreResult
    ) -> Bool {
        let record = shard.record(at: reference)
        var fields = record.fields(casBase: shard.casBase(of: reference))
        if command.marksStale {
            fields.marks.insert(.stale)
            fields.marks.remove(.won)
            fields.cas = command.newCas ?? shard.nextCas()
            fields.exptime = command.exptime ?? fields.exptime
        }
        result.cas = fields.cas
        if !command.clearsValue { return shard.rewrite(reference, hash, fields, self) != nil }
        fields.cas = command.newCas ?? fields.cas
        fields.exptime = command.exptime ?? .never
        fields.flags = command.flags ?? 0
        fields.content = nil
        result.cas = fields.cas
        return shard.add(record.key, hash, fields, .empty, .empty, replacing: reference, self) != nil
    }
}
