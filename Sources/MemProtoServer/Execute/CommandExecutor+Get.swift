// get, gets, gat, gats: keys are gathered over commands, prefetched, then answered in order.
import MemNet
import MemStore

extension CommandExecutor {
    /// Gathers the keys of a get's line into the batch, running the batch whenever it is full.
    ///
    /// - Parameters:
    ///   - start, end: where the keys are in `input`.
    ///   - isContinued: keys of this line were answered before.
    ///   - at: where to go on: behind the line (`next`), or at the first key that was not answered.
    mutating func gather(
        _ connection: Client, _ input: Bytes, from start: Int, to end: Int, form: GetForm, isContinued: Bool,
        _ at: inout Int, next: Int
    ) -> TurnStatus? {
        let lineStart = at
        let keys = input[0..<end]
        var place = start
        var isFirst = !isContinued
        var hasKey = false
        while true {
            while place < end, keys[place] == 0x20 { place &+= 1 }
            if place >= end { break }
            let space = keys.index(of: 0x20, from: place)
            let keyEnd = space < 0 ? end : space
            let key = keys[place..<keyEnd]
            if key.count > Limits.cacheKeyLengthMax, !session.isFileKey(key) {
                if let progress = runBatch(connection, input, &at) { return progress }
                // What this command has answered so far was written behind `getOutputStart`.
                if !isFirst { output.truncate(to: getOutputStart, contents) }
                refuse(.badFormat)
                at = next
                return nil
            }
            if batch.isFull {
                if let progress = runBatch(connection, input, &at) { return progress }
                turnKeysLeft &-= NetLimits.batchMax
                // Misses fill no output, and others wait.
                if turnKeysLeft <= 0, !isFirst {
                    return leave(connection, input, keyStart: place, form: form, &at) ?? .yield
                }
            }
            let hash = session.hash(key)
            session.prefetchIndex(hash)
            batch.add(
                GetEntry(
                    hash: hash, keyStart: UInt32(truncatingIfNeeded: place),
                    keyCount: UInt32(truncatingIfNeeded: key.count),
                    lineStart: UInt32(truncatingIfNeeded: lineStart), form: form, isFirst: isFirst, isLast: false))
            isFirst = false
            hasKey = true
            place = keyEnd
        }
        if hasKey {
            batch.markLast()
        } else {
            if let progress = runBatch(connection, input, &at) { return progress }
            refuse(.badFormat)
        }
        at = next
        return nil
    }

    /// Answers the gathered keys. `at` moves only when the output is full: to the first key or line not answered.
    mutating func runBatch(_ connection: Client, _ input: Bytes, _ at: inout Int) -> TurnStatus? {
        let count = batch.count
        if count == 0 { return nil }
        if count > 1 {
            for index in 0..<count { session.prefetchRecord(batch[index].hash) }
        }
        for index in 0..<count {
            let entry = batch[index]
            if output.isFull { return suspend(connection, input, entry, &at) }
            if entry.isFirst { getOutputStart = output.count }
            let key = input[Int(entry.keyStart)..<Int(entry.keyStart) &+ Int(entry.keyCount)]
            if entry.form.touches {
                answerTouching(connection, key, entry)
            } else {
                answer(connection, key, hash: entry.hash, lookup: -1, showsCas: entry.form == .gets)
            }
            if entry.isLast { endGet(connection, entry.form) }
        }
        batch.clear()
        return nil
    }

    /// Ends the answer of a get. A touch that was refused is told in place of the end: clients read up to either.
    @inline(__always) private mutating func endGet(_ connection: Client, _ form: GetForm) {
        if form.touches, connection.value.touchRefusal != .none {
            refuse(connection.value.touchRefusal)
            connection.value.touchRefusal = .none
        } else {
            output.writeEnd()
        }
    }

    /// Stops before `entry`, whose answer has no room.
    private mutating func suspend(
        _ connection: Client, _ input: Bytes, _ entry: GetEntry, _ at: inout Int
    ) -> TurnStatus {
        batch.clear()
        if entry.isFirst {
            at = Int(entry.lineStart)
            return .outputFull
        }
        return leave(connection, input, keyStart: Int(entry.keyStart), form: entry.form, &at) ?? .outputFull
    }

    /// Leaves a line before the key at `keyStart`; `runKeys` goes on with it. Not nil: there is no more to do for the line.
    private mutating func leave(
        _ connection: Client, _ input: Bytes, keyStart: Int, form: GetForm, _ at: inout Int
    ) -> TurnStatus? {
        // A line that was left before begins its input: `keysLineCount` is where it ends. It is not looked for again, since
        // it may be long and left many times.
        let isContinued = connection.value.input == .keys
        let lineEnd = isContinued ? connection.value.keysLineCount : input.index(of: 0x0a, from: keyStart)
        precondition(lineEnd >= keyStart, "a get is executed before its line has ended")
        at = keyStart
        // Once a part of the answer is sent it cannot be taken back, so the rest of the line is checked now.
        if !isContinued, hasBadKey(RequestParser.withoutReturn(input[keyStart..<lineEnd])) {
            output.truncate(to: getOutputStart, contents)
            refuse(.badFormat)
            at = lineEnd + 1
            return .outputFull
        }
        connection.value.input = .keys
        connection.value.keysForm = form
        connection.value.keysLineCount = lineEnd - keyStart
        return nil
    }

    /// Whether one of the keys is too long. Looks for spaces from the longest key's end backwards: of a long line of short keys it
    /// sees a small part.
    private func hasBadKey(_ keys: Bytes) -> Bool {
        var place = 0
        while keys.count - place > Limits.cacheKeyLengthMax {
            var space = place + Limits.cacheKeyLengthMax
            while space >= place, keys[space] != 0x20 { space -= 1 }
            if space < place {
                let end = keys.index(of: 0x20, from: place)
                space = end < 0 ? keys.count : end
                if !isKey(keys[place..<space]) { return true }
            }
            place = space + 1
        }
        return false
    }

    /// Goes on with a line whose first keys are answered.
    mutating func runKeys(_ connection: Client, _ input: Bytes, _ at: inout Int) -> TurnStatus? {
        let lineEnd = connection.value.keysLineCount
        precondition(at == 0 && lineEnd < input.count, "a get goes on without its line's end")
        let line = RequestParser.withoutReturn(input[at..<lineEnd])
        if let progress = gather(
            connection, input, from: at, to: at + line.count, form: connection.value.keysForm, isContinued: true, &at,
            next: lineEnd + 1)
        {
            return progress
        }
        if let progress = runBatch(connection, input, &at) { return progress }
        connection.value.input = .command
        return connection.net.awaitedCount > 0 ? .parked : nil
    }

    /// `gat` and `gats`.
    mutating func getAndTouch(
        _ connection: Client, _ fields: Fields, _ line: Bytes, _ input: Bytes, lineStart: Int, form: GetForm,
        _ at: inout Int
    ) -> TurnStatus? {
        guard fields.count >= 3 else {
            refuse(.badFormat)
            return nil
        }
        guard let number = Number.signed32(fields[1]) else {
            refuse(.badExptime)
            return nil
        }
        if line.count > getKeysMax &* 2, RequestParser.wordCount(line) - 2 > getKeysMax {
            refuseKeys()
            return nil
        }
        connection.value.touchRefusal = .none
        connection.value.keysExptime = exptime(Int64(number))
        let next = at
        at = lineStart
        // The keys begin behind the expiry: the third word.
        var keysStart = line.index(of: 0x20, from: 0)
        while line[keysStart] == 0x20 { keysStart += 1 }
        keysStart = line.index(of: 0x20, from: keysStart)
        if let progress = gather(
            connection, input, from: lineStart + keysStart, to: lineStart + line.count, form: form, isContinued: false,
            &at, next: next)
        {
            return progress
        }
        return runBatch(connection, input, &at)
    }

    /// Writes the answer to one key of a plain get; nothing for a miss.
    ///
    /// - Parameters:
    ///   - hash: of the key; of a file's it does not matter.
    ///   - lookup: which of the lookups is that of the key, or -1.
    @inline(__always) mutating func answer(
        _ connection: Client, _ key: Bytes, hash: UInt64, lookup: Int32, showsCas: Bool
    ) {
        if isObserved {
            let view = answerGenerally(key, session.beginGet(key, hash: hash), showsCas: showsCas)
            return observe(connection, get: key, view)
        }
        let quick =
            lookup >= 0
            ? session.beginQuickGet(hints.lookups.found(Int(lookup)), withCas: showsCas)
            : session.beginQuickGet(key, hash: hash, withCas: showsCas)
        if quick.isHit {
            counters.value.getHits &+= 1
            let value = quick.value
            output.writeHit(key, flags: quick.flags, cas: showsCas ? quick.cas : nil, size: value.count, tail: value)
            // Without a value there is no tail, but a line end.
            if value.isEmpty { output.write("\r\n") }
            session.endGet(quick)
        } else if quick.isMiss {
            counters.value.getMisses &+= 1
            countAbsence(quick.presence)
        } else {
            answerGenerally(key, session.beginGet(key, hash: hash, after: quick), showsCas: showsCas)
        }
    }

    /// The same for what the short way does not show, and where somebody watches. Ends the view's loan and returns it.
    @inline(never) @discardableResult
    private mutating func answerGenerally(_ key: Bytes, _ view: ItemView, showsCas: Bool) -> ItemView {
        if view.isHit {
            counters.value.getHits &+= 1
            write(key, view, showsCas: showsCas)
        } else {
            counters.value.getMisses &+= 1
            countAbsence(of: key, view)
        }
        session.endGet(view)
        return view
    }

    /// Log lines or prefix counts are wanted.
    @inline(__always) var isObserved: Bool { countsPrefixes || watched.rawValue != 0 }

    /// Counts and logs a read. Not part of the hot path, and kept out of it.
    @inline(never) private func observe(_ connection: Client, get key: Bytes, _ view: ItemView) {
        if countsPrefixes {
            shared.prefixCounts.count(.get, key)
            if view.isHit { shared.prefixCounts.count(.hit, key) }
        }
        log(read: key, view, connection)
    }

    /// The same with a new expiry.
    private mutating func answerTouching(_ connection: Client, _ key: Bytes, _ entry: GetEntry) {
        var options = GetOptions()
        options.touch = connection.value.keysExptime
        let view = session.beginGet(key, hash: entry.hash, options: options)
        connection.net.awaitedCount += view.pendingInvalidations
        if view.isHit {
            counters.value.touchHits &+= 1
            write(key, view, showsCas: entry.form == .gats)
        } else {
            counters.value.touchMisses &+= 1
            countAbsence(of: key, view)
            if let refusal = Self.refusal(for: view.refusal) { connection.value.touchRefusal = refusal }
        }
        session.endGet(view)
        if isObserved { observe(connection, get: key, view) }
    }

    /// Writes a hit. The view's loan is still open: nothing here waits.
    @inline(__always) private mutating func write(_ key: Bytes, _ view: ItemView, showsCas: Bool) {
        let cas = showsCas ? view.cas : nil
        if view.headLength == 0, !view.tail.isEmpty {
            output.writeHit(key, flags: view.flags, cas: cas, size: view.size, tail: view.tail)
            return
        }
        output.writeHit(key, flags: view.flags, cas: cas, size: view.size, tail: .empty)
        writeValue(view)
    }

    /// Writes a value and its line end: the head by reference, the rest copied.
    mutating func writeValue(_ view: ItemView) {
        if view.headLength > 0 { output.write(reference: session.lease(view)) }
        output.write(view.tail)
        output.write("\r\n")
    }
}
