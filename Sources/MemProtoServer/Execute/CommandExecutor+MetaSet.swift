// ms: the meta command that stores.
import MemNet
import MemStore

extension CommandExecutor {
    /// `ms <key> <datalen> <flag>*` and a value that begins at `at`.
    mutating func metaSet(
        _ connection: Client, _ fields: Fields, _ input: Bytes, lineStart: Int, _ at: inout Int
    ) -> TurnStatus? {
        guard fields.count >= 3, let length = RequestParser.valueLength(fields[2]) else {
            refuse(.badFormat)
            return nil
        }
        var refusal = Refusal.none
        guard let line = metaLine(fields, flagsFrom: 3, refusal: &refusal) else {
            return swallow(connection, length: length, refusal)
        }
        guard let command = command(of: line.request) else {
            return swallow(connection, length: length, .metaStoreMode)
        }
        if length > lengthNeverTooLarge, session.isTooLarge(key: line.key, flags: command.flags, length: length) {
            log(store: line.key, command, .tooLarge, length: length, connection)
            log(lookup: line.key, connection, countsAbsence: false)
            refuseTooLarge(key: line.key, deletes: true)
            return swallow(connection, length: length, .tooLarge)
        }
        switch arrival(connection, input, length: length, lineStart: lineStart, &at) {
        case .complete(let value):
            counters.value.sets &+= 1
            log(lookup: line.key, connection, countsAbsence: false)
            let result = session.store(line.key, hash: session.hash(line.key), value: value, command)
            log(store: line.key, command, result.outcome, length: result.size, connection)
            answer(connection, line, fields, result)
        case .broken:
            counters.value.sets &+= 1
            refuse(.badChunk)
        case .unfinished:
            return .needsInput
        case .large:
            begin(
                connection, .meta(command, line.request), key: line.key,
                line: RequestParser.withoutReturn(input[lineStart..<at - 1]), length: length)
        }
        return nil
    }

    /// Executes an ms whose value arrived in pieces.
    mutating func metaCommit(
        _ connection: Client, _ line: MetaLine, _ fields: Fields, _ command: StoreCommand, _ value: PendingValue,
        isComplete: Bool
    ) {
        counters.value.sets &+= 1
        guard isComplete else {
            session.abandon(value)
            return refuse(.badChunk)
        }
        log(lookup: line.key, connection, countsAbsence: false)
        let result = session.commit(value, key: line.key, hash: session.hash(line.key), command)
        log(store: line.key, command, result.outcome, length: result.size, connection)
        answer(connection, line, fields, result)
    }

    /// The storage command of an ms; nil for an unknown mode.
    private func command(of request: MetaRequest) -> StoreCommand? {
        var command: StoreCommand
        switch request.mode {
        case nil, UInt8(ascii: "S"), UInt8(ascii: "s"): command = StoreCommand(mode: .set)
        case UInt8(ascii: "E"), UInt8(ascii: "e"): command = StoreCommand(mode: .add)
        case UInt8(ascii: "A"), UInt8(ascii: "a"): command = StoreCommand(mode: .append)
        case UInt8(ascii: "P"), UInt8(ascii: "p"): command = StoreCommand(mode: .prepend)
        case UInt8(ascii: "R"), UInt8(ascii: "r"): command = StoreCommand(mode: .replace)
        default: return nil
        }
        command.flags = request.flags ?? 0
        command.exptime = exptime(Int64(request.newExptime ?? 0))
        command.compareCas = request.compareCas
        command.newCas = request.newCas
        command.storesStale = request.has("I") && request.compareCas != nil
        command.isBinaryKey = request.isBinaryKey
        if command.mode == .append || command.mode == .prepend {
            command.vivifyExptime = request.vivify.map { exptime(Int64($0)) }
            command.tellsSize = request.has("s")
        }
        return command
    }

    /// Counts and answers an ms.
    private mutating func answer(
        _ connection: Client, _ line: MetaLine, _ fields: Fields, _ result: StoreResult
    ) {
        connection.net.awaitedCount += result.pendingInvalidations
        let hasCas = line.request.compareCas != nil
        switch result.outcome {
        case .done:
            if hasCas { counters.value.casHits &+= 1 }
            if !line.request.isQuiet { write("HD", line, fields, result) }
        case .notStored:
            write("NS", line, fields, result)
        case .exists:
            if hasCas { counters.value.casBadValues &+= 1 }
            write("EX", line, fields, result)
        case .notFound:
            if hasCas { counters.value.casMisses &+= 1 }
            write("NF", line, fields, result)
        case .tooLarge:
            refuseTooLarge(key: line.key, deletes: true)
            refuse(.tooLarge)
        case .noMemory:
            counters.value.sets &-= 1
            refuseNoMemory(key: line.key, deletes: true)
            refuse(.noMemory)
        case .nonNumeric, .permissionDenied, .notDirectory, .isDirectory, .invalidPath:
            refuse(Self.refusal(for: result.outcome) ?? .badFormat)
        }
    }

    /// Writes a code and what the flags of an ms ask for.
    private mutating func write(_ code: StaticString, _ line: MetaLine, _ fields: Fields, _ result: StoreResult) {
        output.write(code)
        for index in 3..<max(3, fields.count) {
            switch fields[index][0] {
            case UInt8(ascii: "O"): write(opaque: fields[index])
            case UInt8(ascii: "k"): write(sentKey: line)
            case UInt8(ascii: "c"): write(token: "c", number: result.outcome == .done ? result.cas : 0)
            case UInt8(ascii: "s"): write(token: "s", number: UInt64(result.size))
            default: break
            }
        }
        output.write("\r\n")
    }
}
