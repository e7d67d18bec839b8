// delete, incr, decr, touch: the classic commands that bring no value.
import MemNet
import MemStore

extension CommandExecutor {
    /// `delete <key> [anything] [noreply]`
    mutating func delete(_ connection: Client, _ fields: Fields) {
        guard fields.count >= 2, isKey(fields[1]) else { return refuse(.badFormat, isQuiet: fields.endsWithNoreply) }
        // Words behind the key are let pass, old clients send a time; but so many are a mistake, as memccapable has it.
        if fields.count - (fields.endsWithNoreply ? 1 : 0) > Limit.deleteFieldCountMax {
            return refuse(.deleteUsage, isQuiet: fields.endsWithNoreply)
        }
        let key = fields[1]
        log(lookup: key, connection)
        if countsPrefixes { shared.prefixCounts.count(.delete, key) }
        let line = deletionLine(key, by: "delete")
        let result = session.delete(key, hash: session.hash(key), DeleteCommand())
        connection.net.awaitedCount += result.pendingInvalidations
        if result.outcome == .done {
            counters.value.deleteHits &+= 1
            if let line { shared.watchHub.log(.deletions, line) }
        } else {
            counters.value.deleteMisses &+= 1
            countAbsence(result.previous)
        }
        if fields.endsWithNoreply { return }
        if let refusal = Self.refusal(for: result.outcome) { return refuse(refusal) }
        output.write(result.outcome == .done ? "DELETED\r\n" : "NOT_FOUND\r\n")
    }

    /// `incr|decr <key> <delta> [noreply]`
    mutating func arithmetic(_ connection: Client, _ fields: Fields, isIncrement: Bool) {
        let isQuiet = fields.endsWithNoreply
        guard fields.count >= 3, isKey(fields[1]) else { return refuse(.badFormat, isQuiet: isQuiet) }
        guard let delta = Number.unsigned64(fields[2]) else { return refuse(.badDelta, isQuiet: isQuiet) }
        var command = ArithmeticCommand()
        command.isIncrement = isIncrement
        command.delta = delta
        let key = fields[1]
        log(lookup: key, connection)
        let result = session.arithmetic(key, hash: session.hash(key), command)
        connection.net.awaitedCount += result.pendingInvalidations
        count(result, isIncrement: isIncrement)
        if isQuiet { return }
        if let refusal = Self.refusal(for: result.outcome) { return refuse(refusal) }
        guard result.outcome == .done else { return output.write("NOT_FOUND\r\n") }
        output.write(number: result.number)
        output.write("\r\n")
    }

    /// Counts the result of incr, decr and ma.
    mutating func count(_ result: ArithmeticResult, isIncrement: Bool) {
        switch result.outcome {
        case .done where !result.isCreated:
            if isIncrement { counters.value.incrHits &+= 1 } else { counters.value.decrHits &+= 1 }
        case .notFound:
            if isIncrement { counters.value.incrMisses &+= 1 } else { counters.value.decrMisses &+= 1 }
        case .noMemory:
            counters.value.storesWithoutMemory &+= 1
        case .done, .notStored, .exists, .tooLarge, .nonNumeric, .permissionDenied, .notDirectory, .isDirectory,
            .invalidPath:
            break
        }
        countAbsence(result.previous)
    }

    /// `touch <key> <exptime> [noreply]`
    mutating func touch(_ connection: Client, _ fields: Fields) {
        let isQuiet = fields.endsWithNoreply
        guard fields.count >= 3, isKey(fields[1]) else { return refuse(.badFormat, isQuiet: isQuiet) }
        guard let number = Number.signed32(fields[2]) else { return refuse(.badExptime, isQuiet: isQuiet) }
        var options = GetOptions()
        options.touch = exptime(Int64(number))
        let key = fields[1]
        let view = session.beginGet(key, hash: session.hash(key), options: options)
        session.endGet(view)
        log(read: key, view, connection)
        connection.net.awaitedCount += view.pendingInvalidations
        if view.isHit {
            counters.value.touchHits &+= 1
        } else {
            counters.value.touchMisses &+= 1
            countAbsence(view.presence)
        }
        if isQuiet { return }
        if let refusal = Self.refusal(for: view.refusal) { return refuse(refusal) }
        output.write(view.isHit ? "TOUCHED\r\n" : "NOT_FOUND\r\n")
    }
}
