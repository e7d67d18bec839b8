// incr, decr and delete on cache items.
import Glibc

extension StoreSession {
    /// incr, decr, `ma`.
    public func arithmetic(_ key: Bytes, hash: UInt64, _ command: ArithmeticCommand) -> ArithmeticResult {
        if shared.prefixes.matches(key) { return fileArithmetic(key, command) }
        let shard = shard(ofHash: hash)
        // The first lookup consumes the reason of an absence: it is kept for the attempts that follow.
        var previous = Presence.missing
        var result = ArithmeticResult(outcome: .done)
        do throws(StoreError) {
            try withMemory { () throws(StoreError) -> Attempt<Void> in
                result = ArithmeticResult(outcome: .done)
                shard.lock()
                defer { shard.unlock() }
                let found = shard.find(key, hash, now: state.nowSecond, &previous)
                result.previous = previous
                if let reference = found {
                    let need = change(key, hash, reference, in: shard, command, &result)
                    return need.map { .needs($0) } ?? .done(())
                }
                guard let exptime = command.vivifyExptime else {
                    result.outcome = .notFound
                    return .done(())
                }
                let isDone = create(key, hash, exptime, in: shard, command, &result)
                return isDone ? .done(()) : .needs(MemoryNeed(segments: 1))
            }
        } catch {
            result.outcome = .noMemory
        }
        return result
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
            return shard.add(key, hash, fields, head, .empty, replacing: nil, &state.reservation) != nil
        }
        if isDone { shard.state.statistics.itemsStoredTotal += 1 }
        return isDone
    }

    /// delete, `md`.
    public func delete(_ key: Bytes, hash: UInt64, _ command: DeleteCommand) -> StoreResult {
        if shared.prefixes.matches(key) { return fileDelete(key, command) }
        let shard = shard(ofHash: hash)
        var result = StoreResult(outcome: .done)
        do throws(StoreError) {
            try withMemory { () throws(StoreError) -> Attempt<Void> in
                result = StoreResult(outcome: .done)
                shard.lock()
                defer { shard.unlock() }
                guard let reference = shard.find(key, hash, now: state.nowSecond, &result.previous) else {
                    result.outcome = .notFound
                    return .done(())
                }
                let cas = shard.record(at: reference).cas(base: shard.casBase(of: reference))
                if let token = command.compareCas, token != cas || token == 0 {
                    result.outcome = .exists
                    return .done(())
                }
                if command.marksStale || command.clearsValue {
                    let isDone = mark(reference, hash, in: shard, command, &result)
                    return isDone ? .done(()) : .needs(MemoryNeed(segments: 1))
                }
                shard.remove(reference, hash)
                shard.resizeIndex(steps: 1)
                return .done(())
            }
        } catch {
            result.outcome = .noMemory
        }
        return result
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
        if !command.clearsValue { return shard.rewrite(reference, hash, fields, &state.reservation) != nil }
        fields.cas = command.newCas ?? fields.cas
        fields.exptime = command.exptime ?? .never
        fields.flags = command.flags ?? 0
        fields.content = nil
        result.cas = fields.cas
        return shard.add(record.key, hash, fields, .empty, .empty, replacing: reference, &state.reservation) != nil
    }
}
