// The executor's main loop: finds the lines in the input, gathers gets, and hands every other command to its function.
import MemNet
import MemStore

extension CommandExecutor {
    /// "get " and "gets" as little-endian words.
    private static var getWord: UInt32 { 0x20_74_65_67 }
    private static var getsWord: UInt32 { 0x73_74_65_67 }
    /// "set "
    private static var setWord: UInt32 { 0x20_74_65_73 }

    /// Executes lines from `at` on. Nil: the connection's state changed.
    mutating func runLines(_ connection: Client, _ input: Bytes, _ at: inout Int) -> TurnStatus? {
        while at < input.count {
            if commandsLeft == 0 { return runGathered(connection, input, &at) ?? .yield }
            let end = input.index(of: 0x0a, from: max(at, connection.value.scannedCount))
            if end < 0 {
                if let progress = runGathered(connection, input, &at) { return progress }
                return unfinishedLine(connection, input[at..<input.count])
            }
            connection.value.scannedCount = 0
            if end &- at > plainLineLengthMax, isRefused(connection, input[at..<end]) {
                return runGathered(connection, input, &at) ?? refuseLine(connection)
            }
            commandsLeft &-= 1
            let line = RequestParser.withoutReturn(input[at..<end])
            if line.count > 4, !isGuarded(connection) {
                let word = line.word32(at: 0)
                if word == Self.setWord {
                    if batch.count > 0, let progress = runBatch(connection, input, &at) { return progress }
                    if gatherSet(line, input, valueStart: end + 1, &at) { continue }
                } else if word == Self.getWord || (word == Self.getsWord && line[4] == 0x20) {
                    if sets.count > 0 { runSets(input) }
                    if at == 0, end &+ 1 == input.count, runLoneGet(connection, line, isGets: word == Self.getsWord) {
                        at = input.count
                        return .needsInput
                    }
                    if hasTooManyKeys(line) {
                        if let progress = runBatch(connection, input, &at) { return progress }
                        refuseKeys()
                        at = end + 1
                        continue
                    }
                    let form = word == Self.getWord ? GetForm.get : .gets
                    if let progress = gather(
                        connection, input, from: at + (form == .get ? 4 : 5), to: at + line.count, form: form,
                        isContinued: false, &at, next: end + 1)
                    {
                        return progress
                    }
                    continue
                }
            }
            if let progress = runGathered(connection, input, &at) { return progress }
            let lineStart = at
            at = end + 1
            if at - lineStart < Limit.guardedLineLengthMin, isGuarded(connection) {
                connection.net.closeReason = .unauthenticated
                return .close
            }
            if at - lineStart < Limit.lineLengthMin {
                refuse(.badFormat)
                continue
            }
            if let progress = execute(connection, line, input, lineStart: lineStart, &at) { return progress }
            if connection.net.awaitedCount > 0 { return .parked }
            if output.isFull { return .outputFull }
            if connection.value.input != .command { return nil }
        }
        return runGathered(connection, input, &at) ?? .needsInput
    }

    /// Answers a get of one key that is all there is of input: there is nothing to gather. False: it is another case.
    @inline(__always) private mutating func runLoneGet(
        _ connection: Client, _ line: Bytes, isGets: Bool
    ) -> Bool {
        let start = isGets ? 5 : KeyHint.start
        guard line.count > start, line.index(of: 0x20, from: start) < 0 else { return false }
        let key = line[start..<line.count]
        guard key.count <= Limits.cacheKeyLengthMax else { return false }
        let isKnown = start == KeyHint.start && key.count == Int(keyHint.count)
        answer(
            connection, key, hash: isKnown ? keyHint.hash : session.hash(key),
            lookup: isKnown ? keyHint.lookup : -1, showsCas: isGets)
        output.writeEnd()
        return true
    }

    /// Carries out what is gathered: gets or sets, never both.
    private mutating func runGathered(
        _ connection: Client, _ input: Bytes, _ at: inout Int
    ) -> TurnStatus? {
        if sets.count > 0 { runSets(input) }
        return batch.count > 0 ? runBatch(connection, input, &at) : nil
    }

    /// Whether a get's line has more keys than allowed. A line that is too short for them is not looked at.
    @inline(__always) private func hasTooManyKeys(_ line: Bytes) -> Bool {
        line.count > getKeysMax &* 2 && RequestParser.wordCount(line) - 1 > getKeysMax
    }

    mutating func refuseKeys() {
        counters.value.getsTooLong &+= 1
        refuse(.tooManyKeys)
    }

    /// The client has to authenticate before anything else.
    private func isGuarded(_ connection: Client) -> Bool {
        shared.configuration.users != nil && !connection.value.isAuthenticated
    }

    /// A line that has not ended: wait, or close a connection whose line is too long.
    private mutating func unfinishedLine(_ connection: Client, _ line: Bytes) -> TurnStatus {
        // The kept input will begin with this line.
        connection.value.scannedCount = line.count
        return isTooLong(connection, line) ? refuseLine(connection) : .needsInput
    }

    /// Whether a line, or as much of it as is there, passes its bound. Its first bytes alone decide what the bound is, never how
    /// much of it one read brought: the same bytes get the same answer, however they are cut on their way.
    private func isTooLong(_ connection: Client, _ line: Bytes) -> Bool {
        let configuration = shared.configuration
        guard line.count > configuration.lineLengthMax else { return false }
        if isGuarded(connection) { return true }
        let head = line[0..<configuration.lineLengthMax + 1]
        if RequestParser.isOpenEndedGet(head) { return line.count > configuration.getLineLengthMax }
        guard let key = RequestParser.key(ofBeginning: head), session.isFileKey(key) else { return true }
        return line.count > configuration.fileLineLengthMax
    }

    /// What a long line, and with `-vvv` each line, needs beside being executed. True: it is not to be.
    @inline(never) private func isRefused(_ connection: Client, _ line: Bytes) -> Bool {
        if isTraced { trace(connection, line) }
        return isTooLong(connection, line)
    }

    /// Ends a connection whose line is too long: where its next command begins is not known.
    private mutating func refuseLine(_ connection: Client) -> TurnStatus {
        counters.value.linesTooLong &+= 1
        connection.net.closeReason = .lineTooLong
        connection.net.drainsAtEnd = true
        refuse(.lineTooLong)
        return .close
    }

    /// Executes one command that is no plain get. `at` is behind its line and may move on.
    private mutating func execute(
        _ connection: Client, _ line: Bytes, _ input: Bytes, lineStart: Int, _ at: inout Int
    ) -> TurnStatus? {
        let fields = Fields(line)
        guard fields.count > 0, line[0] != 0x20 else {
            refuse(.unknownCommand)
            return nil
        }
        if isGuarded(connection) { return authenticate(connection, fields, input, lineStart: lineStart, &at) }
        switch Keyword(fields[0]) {
        case .get?, .gets?: refuse(.badFormat)
        case .gat?: return getAndTouch(connection, fields, line, input, lineStart: lineStart, form: .gat, &at)
        case .gats?: return getAndTouch(connection, fields, line, input, lineStart: lineStart, form: .gats, &at)
        case .set?: return storage(connection, fields, .set, input, lineStart: lineStart, &at)
        case .add?: return storage(connection, fields, .add, input, lineStart: lineStart, &at)
        case .replace?: return storage(connection, fields, .replace, input, lineStart: lineStart, &at)
        case .append?: return storage(connection, fields, .append, input, lineStart: lineStart, &at)
        case .prepend?: return storage(connection, fields, .prepend, input, lineStart: lineStart, &at)
        case .cas?: return storage(connection, fields, .set, isCas: true, input, lineStart: lineStart, &at)
        case .incr?: arithmetic(connection, fields, isIncrement: true)
        case .decr?: arithmetic(connection, fields, isIncrement: false)
        case .delete?: delete(connection, fields)
        case .touch?: touch(connection, fields)
        case .mn?:
            output.write("MN\r\n")
            return .outputFull
        case .mg?: metaGet(connection, fields)
        case .ms?: return metaSet(connection, fields, input, lineStart: lineStart, &at)
        case .md?: metaDelete(connection, fields)
        case .ma?: metaArithmetic(connection, fields)
        case .me?: metaDebug(connection, fields)
        case .stats?: stats(connection, fields)
        case .version?: version()
        case .quit?: return .close
        case .watch?: watch(connection, fields)
        case .lru?: lru(fields)
        case .slabs?: slabs(fields)
        case .shutdown?: return shutdown(connection, fields)
        case nil: return executeLong(connection, fields)
        }
        return nil
    }

    /// The commands with long names, and everything that is no command.
    private mutating func executeLong(_ connection: Client, _ fields: Fields) -> TurnStatus? {
        switch LongKeyword(fields[0]) {
        case .verbosity?: verbosity(fields)
        case .flushAll?: flushAll(fields)
        case .lruCrawler?: lruCrawler(connection, fields)
        case .cacheMemlimit?: cacheMemlimit(fields)
        case .refreshCerts?: refuse(.unknownCommand)
        case .debugtime? where shared.configuration.hasDebugCommands: debugTime(fields)
        case .debugtime?, nil:
            if fields.count > 1, fields[fields.count - 1].starts(with: "HTTP/") {
                counters.value.browsersClosed &+= 1
                connection.net.closeReason = .browser
                shared.foreignClients.tell(of: .http, connection, session.nowSecond, shared.logger)
                return .close
            }
            refuse(.unknownCommand, isQuiet: fields.endsWithNoreply)
        }
        return nil
    }
}
