// The meta commands: mg, md, ma, me. `ms` is in CommandExecutor+MetaSet.
import MemNet
import MemStore

extension CommandExecutor {
    /// A meta command's words, read: the request and the key it names.
    struct MetaLine {
        var request: MetaRequest
        var key: Bytes
        /// The key as it was sent.
        var sentKey: Bytes
    }

    /// Reads key and flags; nil with the reason in `refusal`.
    mutating func metaLine(_ fields: Fields, flagsFrom first: Int, refusal: inout Refusal) -> MetaLine? {
        guard fields.count >= 2, isKey(fields[1]) else {
            refusal = .badFormat
            return nil
        }
        guard let request = MetaRequest(fields, from: first, refusal: &refusal) else { return nil }
        var key = fields[1]
        if request.isBinaryKey {
            guard let decoded = keyScratch.decode(key) else {
                refusal = .metaBadKey
                return nil
            }
            key = decoded
        }
        if request.isOpaqueTooLong {
            refusal = .metaOpaqueTooLong
            return nil
        }
        return MetaLine(request: request, key: key, sentKey: fields[1])
    }

    // MARK: mg

    /// `mg <key> <flag>*`
    mutating func metaGet(_ connection: Client, _ fields: Fields) {
        var refusal = Refusal.none
        guard let line = metaLine(fields, flagsFrom: 2, refusal: &refusal) else { return refuse(refusal) }
        let request = line.request
        let view = session.beginGet(line.key, hash: session.hash(line.key), options: options(of: request, fields))
        connection.net.awaitedCount += view.pendingInvalidations
        guard view.isHit else {
            session.endGet(view)
            counters.value.getMisses &+= 1
            countAbsence(of: line.key, view)
            log(read: line.key, view, connection)
            if let refusal = Self.refusal(for: view.refusal) { return refuse(refusal) }
            if !request.isQuiet { writeShort("EN", line, fields, from: 2) }
            return
        }
        if request.newExptime != nil, !view.isCreated {
            counters.value.touchHits &+= 1
        } else {
            counters.value.getHits &+= 1
        }
        if view.isCreated { countAbsence(view.absence) }
        let showsValue = request.has("v") && request.compareCas != .some(view.cas)
        if showsValue {
            output.write("VA ")
            output.write(number: UInt64(view.size))
        } else {
            output.write("HD")
        }
        writeFlags(ofHit: view, line, fields)
        if view.hadWinner { output.write(" Z") }
        if view.isStale { output.write(" X") }
        if view.wins { output.write(" W") }
        output.write("\r\n")
        if showsValue { writeValue(view) }
        session.endGet(view)
        log(read: line.key, view, connection)
    }

    /// What an mg does beside reading.
    private func options(of request: MetaRequest, _ fields: Fields) -> GetOptions {
        var options = GetOptions()
        options.touch = request.newExptime.map { exptime(Int64($0)) }
        options.vivify = request.vivify.map { exptime(Int64($0)) }
        // On creation the later one of N and T counts.
        if options.vivify != nil, let touch = options.touch, lastWord(of: fields, isFirst: "T", over: "N") {
            options.vivify = touch
        }
        options.recacheBelowSeconds = request.recache.map(Int64.init)
        options.recachesBeforeTouch =
            request.recache != nil && request.newExptime != nil && lastWord(of: fields, isFirst: "T", over: "R")
        options.newCas = request.newCas
        options.countsAccess = !request.has("u")
        options.handlesMarks = true
        options.isBinaryKey = request.isBinaryKey
        return options
    }

    /// Whether the flag `letter` stands behind the flag `other`.
    func lastWord(of fields: Fields, isFirst letter: StaticString, over other: StaticString) -> Bool {
        for index in stride(from: fields.count - 1, through: 2, by: -1) {
            if fields[index][0] == letter.bytes[0] { return true }
            if fields[index][0] == other.bytes[0] { return false }
        }
        return false
    }

    /// Writes what the flags of an mg ask for, in their order. T and N take effect where they stand.
    private mutating func writeFlags(ofHit view: ItemView, _ line: MetaLine, _ fields: Fields) {
        var current = view.isCreated ? Exptime.never : view.exptimeBefore
        for index in 2..<max(2, fields.count) {
            switch fields[index][0] {
            case UInt8(ascii: "T"): current = exptime(Int64(line.request.newExptime ?? 0))
            case UInt8(ascii: "N"): if view.isCreated { current = exptime(Int64(line.request.vivify ?? 0)) }
            case UInt8(ascii: "s"): write(token: "s", number: UInt64(view.size))
            case UInt8(ascii: "c"): write(token: "c", number: view.cas)
            case UInt8(ascii: "f"): write(token: "f", number: UInt64(view.flags))
            case UInt8(ascii: "h"): output.write(view.wasFetched ? " h1" : " h0")
            case UInt8(ascii: "l"): write(token: "l", number: UInt64(session.nowSecond &- view.lastAccessSecond))
            case UInt8(ascii: "t"): write(timeLeft: current)
            case UInt8(ascii: "O"): write(opaque: fields[index])
            case UInt8(ascii: "k"): write(itemKey: line.key, isBinary: view.isBinaryKey)
            default: break
            }
        }
    }

    // MARK: tokens

    /// Writes a code and the tokens that every answer can carry: the key and the opaque, as they were sent.
    mutating func writeShort(_ code: StaticString, _ line: MetaLine, _ fields: Fields, from first: Int) {
        output.write(code)
        for index in first..<max(first, fields.count) {
            if fields[index][0] == UInt8(ascii: "O") { write(opaque: fields[index]) }
            if fields[index][0] == UInt8(ascii: "k") { write(sentKey: line) }
        }
        output.write("\r\n")
    }

    /// Writes ` ` and the opaque with its letter.
    mutating func write(opaque: Bytes) {
        output.write(" ")
        output.write(opaque)
    }

    /// Writes ` k` and the key as the client sent it, with ` b` if that was base64.
    mutating func write(sentKey line: MetaLine) {
        output.write(" k")
        output.write(line.sentKey)
        if line.request.isBinaryKey { output.write(" b") }
    }

    /// Writes ` k` and an item's key in the form that the item remembers.
    private mutating func write(itemKey key: Bytes, isBinary: Bool) {
        output.write(" k")
        guard isBinary else { return output.write(key) }
        output.write(base64: key)
        output.write(" b")
    }

    mutating func write(token: StaticString, number: UInt64) {
        output.write(" ")
        output.write(token)
        output.write(number: number)
    }

    /// Writes ` t` and the seconds left, -1 for never.
    mutating func write(timeLeft exptime: Exptime) {
        output.write(" t")
        output.write(signed: exptime.secondsLeft(at: session.nowSecond))
    }

    // MARK: md

    /// `md <key> <flag>*`
    mutating func metaDelete(_ connection: Client, _ fields: Fields) {
        var refusal = Refusal.none
        guard let line = metaLine(fields, flagsFrom: 2, refusal: &refusal) else { return refuse(refusal) }
        let request = line.request
        var command = DeleteCommand()
        command.compareCas = request.compareCas
        command.marksStale = request.has("I")
        command.clearsValue = request.has("x")
        command.newCas = request.newCas
        command.exptime = request.newExptime.map { exptime(Int64($0)) }
        command.flags = request.flags
        log(lookup: line.key, connection)
        let logLine = command.marksStale ? nil : deletionLine(line.key, by: "md")
        let result = session.delete(line.key, hash: session.hash(line.key), command)
        connection.net.awaitedCount += result.pendingInvalidations
        switch result.outcome {
        case .done:
            if !command.marksStale || command.clearsValue { counters.value.deleteHits &+= 1 }
            if let logLine { shared.watchHub.log(.deletions, logLine) }
            if !request.isQuiet { writeShort("HD", line, fields, from: 2) }
        case .exists:
            counters.value.deleteMisses &+= 1
            writeShort("EX", line, fields, from: 2)
        case .notFound, .notStored:
            counters.value.deleteMisses &+= 1
            countAbsence(result.previous)
            writeShort("NF", line, fields, from: 2)
        case .tooLarge, .noMemory, .nonNumeric, .permissionDenied, .notDirectory, .isDirectory, .invalidPath:
            refuse(Self.refusal(for: result.outcome) ?? .badFormat)
        }
    }

    // MARK: ma

    /// `ma <key> <flag>*`
    mutating func metaArithmetic(_ connection: Client, _ fields: Fields) {
        var refusal = Refusal.none
        guard let line = metaLine(fields, flagsFrom: 2, refusal: &refusal) else {
            let isOwnText = refusal == .metaOpaqueTooLong || refusal == .metaTooManyFields || fields.count < 2
            return refuse(isOwnText ? refusal : .metaArithmeticFlag)
        }
        guard let command = arithmeticCommand(line.request, fields) else { return refuse(.metaArithmeticMode) }
        log(lookup: line.key, connection)
        let result = session.arithmetic(line.key, hash: session.hash(line.key), command)
        connection.net.awaitedCount += result.pendingInvalidations
        count(result, isIncrement: command.isIncrement)
        if result.isCreated, isObserved { log(creation: line.key, command, connection) }
        switch result.outcome {
        case .done:
            if !line.request.isQuiet { writeNumber(result, line, fields) }
        case .exists:
            writeShort("EX", line, fields, from: 2)
        case .notFound:
            writeShort("NF", line, fields, from: 2)
        case .notStored:
            writeShort("NS", line, fields, from: 2)
        case .tooLarge, .noMemory, .nonNumeric, .permissionDenied, .notDirectory, .isDirectory, .invalidPath:
            refuse(Self.refusal(for: result.outcome) ?? .badFormat)
        }
    }

    /// The command of an ma; nil for an unknown mode.
    private func arithmeticCommand(_ request: MetaRequest, _ fields: Fields) -> ArithmeticCommand? {
        var command = ArithmeticCommand()
        switch request.mode {
        case nil, UInt8(ascii: "I"), UInt8(ascii: "i"), UInt8(ascii: "+"): command.isIncrement = true
        case UInt8(ascii: "D"), UInt8(ascii: "d"), UInt8(ascii: "-"): command.isIncrement = false
        default: return nil
        }
        command.delta = request.delta ?? 1
        command.initial = request.initial ?? 0
        command.touch = request.newExptime.map { exptime(Int64($0)) }
        command.vivifyExptime = request.vivify.map { exptime(Int64($0)) }
        if command.vivifyExptime != nil, let touch = command.touch, lastWord(of: fields, isFirst: "T", over: "N") {
            command.vivifyExptime = touch
        }
        command.compareCas = request.compareCas
        command.newCas = request.newCas
        command.isBinaryKey = request.isBinaryKey
        return command
    }

    /// Writes the answer to an ma that worked.
    private mutating func writeNumber(_ result: ArithmeticResult, _ line: MetaLine, _ fields: Fields) {
        let showsValue = line.request.has("v")
        if showsValue {
            output.write("VA ")
            output.write(number: UInt64(String(result.number).utf8.count))
        } else {
            output.write("HD")
        }
        var current = result.isCreated ? Exptime.never : result.exptimeBefore
        for index in 2..<max(2, fields.count) {
            switch fields[index][0] {
            case UInt8(ascii: "T"): current = exptime(Int64(line.request.newExptime ?? 0))
            case UInt8(ascii: "N"): if result.isCreated { current = exptime(Int64(line.request.vivify ?? 0)) }
            case UInt8(ascii: "t"): write(timeLeft: current)
            case UInt8(ascii: "c"): write(token: "c", number: result.cas)
            case UInt8(ascii: "O"): write(opaque: fields[index])
            case UInt8(ascii: "k"): write(sentKey: line)
            default: break
            }
        }
        output.write("\r\n")
        guard showsValue else { return }
        output.write(number: result.number)
        output.write("\r\n")
    }

    // MARK: me

    /// `me <key> [b]`: what is known of an item, for people.
    mutating func metaDebug(_ connection: Client, _ fields: Fields) {
        counters.value.metaCommands &+= 1
        guard fields.count >= 2, isKey(fields[1]) else { return refuse(.badFormat) }
        var key = fields[1]
        let isBinaryKey = fields.count >= 3 && fields[2].isEqual(to: "b")
        if isBinaryKey {
            guard let decoded = keyScratch.decode(key) else { return refuse(.metaBadKey) }
            key = decoded
        }
        var options = GetOptions()
        options.countsAccess = false
        let view = session.beginGet(key, hash: session.hash(key), options: options)
        session.endGet(view)
        log(read: key, view, connection)
        countAbsence(of: key, view)
        guard view.isHit else { return output.write("EN\r\n") }
        output.write("ME ")
        output.write(fields[1])
        output.write(" exp=")
        output.write(signed: view.exptime.secondsLeft(at: session.nowSecond))
        output.write(" la=")
        output.write(number: UInt64(session.nowSecond &- view.lastAccessSecond))
        output.write(" cas=")
        output.write(number: view.cas)
        output.write(view.wasFetched ? " fetch=yes cls=" : " fetch=no cls=")
        let total = ItemSize.bytes(
            keyLength: key.count, flags: view.flags, valueLength: view.size, hasCas: shared.store.configuration.hasCas)
        output.write(number: UInt64(SlabClass.number(ofTotal: total)))
        output.write(" size=")
        output.write(number: UInt64(total))
        output.write("\r\n")
    }
}
