// set, add, replace, append, prepend, cas: values at hand, values that arrive in pieces, values that nobody wants.
import MemNet
import MemStore

extension CommandExecutor {
    /// A classic storage command, whose value begins at `at`.
    mutating func storage(
        _ connection: Client, _ fields: Fields, _ mode: StoreMode, isCas: Bool = false, _ input: Bytes,
        lineStart: Int, _ at: inout Int
    ) -> TurnStatus? {
        switch RequestParser.storage(fields, mode: mode, isCas: isCas, isKey: hasKey(fields)) {
        case .unreadable(let isNoreply):
            refuse(.badFormat, isQuiet: isNoreply)
            return nil
        case .malformed(let length, let isNoreply):
            return swallow(connection, length: length, isNoreply ? .none : .badFormat)
        case .request(let request):
            if request.length > lengthNeverTooLarge,
                session.isTooLarge(key: request.key, flags: request.flags, length: request.length)
            {
                log(store: request.key, command(of: request), .tooLarge, length: request.length, connection)
                // The old value is looked up only to be taken away.
                if mode == .set, !isCas { log(lookup: request.key, connection, countsAbsence: false) }
                refuseTooLarge(key: request.key, deletes: mode == .set && !isCas)
                return swallow(connection, length: request.length, request.isNoreply ? .none : .tooLarge)
            }
            switch arrival(connection, input, length: request.length, lineStart: lineStart, &at) {
            case .complete(let value):
                store(connection, request, value: value)
            case .broken:
                counters.value.sets &+= 1
                refuse(.badChunk, isQuiet: request.isNoreply)
            case .unfinished:
                return .needsInput
            case .large:
                begin(connection, .classic(request), key: request.key, line: .empty, length: request.length)
            }
            return nil
        }
    }

    /// What is there of a value.
    enum Arrival {
        case complete(Bytes)
        /// No line end follows the value.
        case broken
        /// The line stays in the input until the value is there.
        case unfinished
        /// It is to be received in its place (`begin`).
        case large
    }

    /// Takes a value and its line end from the input, or says how to wait for it.
    mutating func arrival(
        _ connection: Client, _ input: Bytes, length: Int, lineStart: Int, _ at: inout Int
    ) -> Arrival {
        let end = at + length
        if input.count >= end + 2 {
            let value = input[at..<end]
            at = end + 2
            return input[end] == 0x0d && input[end + 1] == 0x0a ? .complete(value) : .broken
        }
        if length <= Limit.valueInLineMax {
            // The line is read again when all of it is there.
            connection.value.neededCount = end + 2 - lineStart
            at = lineStart
            return .unfinished
        }
        return .large
    }

    /// Keeps a command whose value is to arrive.
    ///
    /// - Parameter line: the words that the response repeats.
    func begin(
        _ connection: Client, _ command: ArrivingValue.Command, key: Bytes, line: Bytes, length: Int
    ) {
        connection.value.arriving = Cell(
            ArrivingValue(
                command: command, key: key.array, line: line.array, value: session.beginValue(), remaining: length))
        connection.value.input = .value
        connection.net.receivesInPlace = true
        connection.net.readsShort = true
    }

    /// Goes on with a value that arrives in pieces: takes what the input has, and at its end executes the command.
    mutating func runValue(_ connection: Client, _ input: Bytes, _ at: inout Int) -> TurnStatus? {
        guard let arriving = connection.value.arriving else { preconditionFailure("no value is arriving") }
        let part = min(arriving.value.remaining, input.count - at)
        if part > 0 {
            guard session.append(input[at..<at + part], to: arriving.value.value) else {
                refuseArriving(connection, .noMemory)
                return nil
            }
            arriving.value.remaining -= part
            at += part
        }
        guard arriving.value.remaining == 0, input.count - at >= 2 else { return .needsInput }
        let isComplete = input[at] == 0x0d && input[at + 1] == 0x0a
        at += 2
        connection.value.input = .command
        connection.value.arriving = nil
        connection.net.receivesInPlace = false
        commit(connection, arriving.value, isComplete: isComplete)
        arriving.destroy()
        return connection.net.awaitedCount > 0 ? .parked : output.isFull ? .outputFull : nil
    }

    /// Executes the command whose value is complete, or broken.
    private mutating func commit(_ connection: Client, _ arriving: ArrivingValue, isComplete: Bool) {
        arriving.key.withBytes { key in
            switch arriving.command {
            case .meta(let command, let request):
                arriving.line.withBytes { line in
                    let fields = Fields(line)
                    let line = MetaLine(request: request, key: key, sentKey: fields[1])
                    metaCommit(connection, line, fields, command, arriving.value, isComplete: isComplete)
                }
            case .classic(var request):
                request.key = key
                commit(connection, request, arriving.value, isComplete: isComplete)
            }
        }
    }

    private mutating func commit(
        _ connection: Client, _ request: StorageRequest, _ value: PendingValue, isComplete: Bool
    ) {
        counters.value.sets &+= 1
        guard isComplete else {
            session.abandon(value)
            return refuse(.badChunk, isQuiet: request.isNoreply)
        }
        if isObserved { observe(connection, before: request) }
        let result = session.commit(
            value, key: request.key, hash: session.hash(request.key), command(of: request))
        answer(connection, request, result)
    }

    /// Gives up a value that arrives and has no place: the rest of it is swallowed.
    mutating func refuseArriving(_ connection: Client, _ refusal: Refusal) {
        guard let arriving = connection.value.arriving else { preconditionFailure("no value is arriving") }
        session.abandon(arriving.value.value)
        connection.value.arriving = nil
        connection.net.receivesInPlace = false
        let (deletes, isQuiet) =
            switch arriving.value.command {
            case .meta: (true, false)
            case .classic(let request): (request.mode == .set && request.compareCas == nil, request.isNoreply)
            }
        arriving.value.key.withBytes { refuseNoMemory(key: $0, deletes: deletes) }
        _ = swallow(connection, length: arriving.value.remaining, isQuiet ? .none : refusal)
        arriving.destroy()
    }

    // MARK: values that nobody wants

    /// The next `length` bytes and a line end are not looked at; then `refusal` is said.
    mutating func swallow(_ connection: Client, length: Int, _ refusal: Refusal) -> TurnStatus? {
        connection.value.input = .swallow
        connection.value.swallowCount = length + 2
        connection.value.swallowRefusal = refusal
        return nil
    }

    /// Goes on swallowing.
    mutating func runSwallow(_ connection: Client, _ input: Bytes, _ at: inout Int) -> TurnStatus? {
        let part = min(connection.value.swallowCount, input.count - at)
        at += part
        connection.value.swallowCount -= part
        if connection.value.swallowCount > 0 { return .needsInput }
        connection.value.input = .command
        refuse(connection.value.swallowRefusal)
        return nil
    }

    /// Counts a value that is too large and takes the old one away, so that a stale value cannot survive a set.
    /// A file keeps its content: nothing that is stored is harmed.
    mutating func refuseTooLarge(key: Bytes, deletes: Bool) {
        counters.value.storesTooLarge &+= 1
        if deletes { deleteStale(key) }
    }

    /// The same for a value that found no memory.
    mutating func refuseNoMemory(key: Bytes, deletes: Bool) {
        counters.value.storesWithoutMemory &+= 1
        if deletes { deleteStale(key) }
    }

    private func deleteStale(_ key: Bytes) {
        if !session.isFileKey(key) { _ = session.delete(key, hash: session.hash(key), DeleteCommand()) }
    }

    // MARK: storing

    /// Stores a value that is at hand.
    @inline(__always) private mutating func store(
        _ connection: Client, _ request: StorageRequest, value: Bytes
    ) {
        counters.value.sets &+= 1
        if isObserved { observe(connection, before: request) }
        let result = session.store(request.key, hash: session.hash(request.key), value: value, command(of: request))
        answer(connection, request, result)
    }

    /// Counts and logs a storage command before it is carried out.
    @inline(never) private func observe(_ connection: Client, before request: StorageRequest) {
        if countsPrefixes { shared.prefixCounts.count(.set, request.key) }
        log(lookup: request.key, connection, countsAbsence: false)
    }

    @inline(__always) private func command(of request: StorageRequest) -> StoreCommand {
        StoreCommand(
            mode: request.mode, flags: request.flags, exptime: exptime(request.exptimeNumber),
            compareCas: request.compareCas)
    }

    /// Counts and answers a storage command's result.
    @inline(__always) private mutating func answer(
        _ connection: Client, _ request: StorageRequest, _ result: StoreResult
    ) {
        connection.net.awaitedCount += result.pendingInvalidations
        if isObserved {
            log(store: request.key, command(of: request), result.outcome, length: result.size, connection)
        }
        if result.outcome == .done, request.compareCas == nil {
            if !request.isNoreply { output.write("STORED\r\n") }
            return
        }
        answerRarely(request, result)
    }

    private mutating func answerRarely(_ request: StorageRequest, _ result: StoreResult) {
        let isCas = request.compareCas != nil
        var line: StaticString = ""
        switch result.outcome {
        case .done:
            counters.value.casHits &+= 1
            line = "STORED\r\n"
        case .notStored:
            line = "NOT_STORED\r\n"
        case .exists:
            if isCas { counters.value.casBadValues &+= 1 }
            line = "EXISTS\r\n"
        case .notFound:
            if isCas { counters.value.casMisses &+= 1 }
            line = "NOT_FOUND\r\n"
        case .tooLarge:
            refuseTooLarge(key: request.key, deletes: request.mode == .set && !isCas)
        case .noMemory:
            counters.value.sets &-= 1
            refuseNoMemory(key: request.key, deletes: request.mode == .set && !isCas)
        case .nonNumeric, .permissionDenied, .notDirectory, .isDirectory, .invalidPath:
            break
        }
        if request.isNoreply { return }
        if let refusal = Self.refusal(for: result.outcome) { refuse(refusal) } else { output.write(line) }
    }
}
