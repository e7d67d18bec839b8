// The worker's sending side: turns of a connection, back-pressure when a client does not read, answers held back until
// the filesystem knows of a change.
import CShims
import Glibc
import MemStore

extension Worker {
    /// Executes `input`, the whole of what a connection has to be looked at, and sends the answers.
    mutating func process(_ connection: Cell<Connection>, _ input: Bytes) {
        executor.beginTurn()
        face.progress.turns &+= 1
        connection.value.awaitsInput = false
        var used = 0
        var sentBytes: UInt64 = 0
        while true {
            let step = executor.run(connection, input[used..<input.count])
            used += step.consumed
            // What is left begins elsewhere.
            executor.knownKey = KnownKey()
            let rest = input[used..<input.count]
            switch step.progress {
            case .needsInput:
                connection.value.kept.keep(rest)
                if !rest.isEmpty || connection.value.state == .value { noteHeld(input.count) }
                connection.value.awaitsInput = true
                sendLater(connection, &sentBytes)
                return readAgain(connection)
            case .outputFull:
                guard flush(connection, &sentBytes, keeping: rest) else { return }
                if sentBytes >= UInt64(Limit.turnOutputMax) { return enqueue(connection, rest) }
            case .yield:
                face.counters.value.connectionYields &+= 1
                guard flush(connection, &sentBytes, keeping: rest) else { return }
                return enqueue(connection, rest)
            case .parked:
                connection.value.kept.keep(rest)
                sendAnswers()
                return park(connection)
            case .close:
                connection.value.kept.free()
                connection.value.state = .closing
                if flush(connection, &sentBytes) { finish(connection) }
                return
            }
        }
    }

    /// Goes on with a connection that has kept input or a dump under way.
    mutating func goOn(_ connection: Cell<Connection>) {
        guard isReady(connection) else { return }
        if connection.value.state == .closing { return finish(connection) }
        process(connection, connection.value.kept.bytes)
    }

    private mutating func enqueue(_ connection: Cell<Connection>, _ rest: Bytes) {
        connection.value.kept.keep(rest)
        connection.value.isQueued = true
        queued.append(connection)
    }

    // MARK: sending

    /// Sends the output; false when it could not be sent whole, and the connection waits or has gone.
    private mutating func flush(_ connection: Cell<Connection>, _ sentBytes: inout UInt64, keeping rest: Bytes) -> Bool
    {
        if executor.output.isEmpty { return true }
        sendAnswers()
        let before = sentBytes
        let result = executor.output.send(
            to: connection.value.descriptor, session: session, scratch: &scratch, sentBytes: &sentBytes)
        face.counters.value.bytesWritten &+= sentBytes &- before
        switch result {
        case .done:
            return true
        case .blocked:
            connection.value.kept.keep(rest)
            connection.value.pendingOutput = Cell(executor.output.takeRest())
            block(connection)
            return false
        case .failed:
            executor.output.discard(session: session)
            close(connection)
            return false
        }
    }

    /// The same when the rest of the input is kept already.
    private mutating func flush(_ connection: Cell<Connection>, _ sentBytes: inout UInt64) -> Bool {
        flush(connection, &sentBytes, keeping: connection.value.kept.bytes)
    }

    /// Sends the output with that of other connections, unless it is large.
    private mutating func sendLater(_ connection: Cell<Connection>, _ sentBytes: inout UInt64) {
        if executor.output.isEmpty { return }
        if executor.output.referenceCount > 0 || executor.output.unsent.count > Limit.putOffMax || answers.isFull {
            _ = flush(connection, &sentBytes)
            return
        }
        connection.value.hasQueuedAnswer = true
        let part = executor.output.setAside()
        answers.add(QueuedAnswer(connection: connection.address, start: part.lowerBound, end: part.upperBound))
    }

    /// Whether a connection can be gone on with: it is there, and its earlier answers are sent. Its new ones must not pass them.
    mutating func isReady(_ connection: Cell<Connection>) -> Bool {
        if connection.value.hasQueuedAnswer { sendAnswers() }
        return connection.value.descriptor >= 0 && !connection.value.isBlocked
    }

    /// Sends the answers that were put off.
    mutating func sendAnswers() {
        if answers.count == 0 { return }
        for index in 0..<answers.count {
            let answer = answers[index]
            let connection: Cell<Connection> = unsafe Cell(address: answer.connection)
            connection.value.hasQueuedAnswer = false
            if connection.value.descriptor >= 0 { send(connection, answer) }
        }
        answers.clear()
        executor.output.endSetAside()
    }

    private mutating func send(_ connection: Cell<Connection>, _ answer: QueuedAnswer) {
        var start = answer.start
        while start < answer.end {
            let bytes = executor.output.part(start..<answer.end)
            let length = unsafe cs_send(connection.value.descriptor, bytes.pointer, bytes.count)
            if length < 0 {
                if errno == EINTR { continue }
                if errno != EAGAIN && errno != EWOULDBLOCK { return close(connection) }
                var rest = OutputBuffer(capacity: bytes.count)
                rest.write(bytes)
                connection.value.pendingOutput = Cell(rest)
                return block(connection)
            }
            face.counters.value.bytesWritten &+= UInt64(length)
            start += length
        }
    }

    /// Waits for room in the socket and reads nothing meanwhile.
    private mutating func block(_ connection: Cell<Connection>) {
        noteHeld(connection.value.pendingOutput?.value.unsent.count ?? 0)
        face.counters.value.outputStalls &+= 1
        connection.value.isBlocked = true
        connection.value.blockedSince = nowMilliseconds
        Epoll.change(
            connection.value.descriptor, of: epoll.rawValue, events: Epoll.input | Epoll.writable,
            token: connection.address)
    }

    /// Closes the connections that have waited longest for their clients to read, while contents that nobody but readers
    /// holds take more memory than they may. A few at a time: which worker has the guilty ones, only the memory tells.
    mutating func closeSlowestReaders() {
        guard session.readersHoldTooMuch else { return }
        let blocked = face.connections.filter { $0.value.isBlocked && $0.value.pendingOutput != nil }
            .sorted { $0.value.blockedSince < $1.value.blockedSince }
        for slowest in blocked.prefix(Self.readersClosedMax) where session.readersHoldTooMuch {
            face.counters.value.slowReadersClosed &+= 1
            close(slowest, .slowReader)
        }
    }

    /// Slow readers closed in one turn of the loop.
    private static let readersClosedMax = 16

    /// Sends more of a blocked connection's output; when all is sent, goes on with its input.
    mutating func resumeOutput(_ connection: Cell<Connection>) {
        guard let pending = connection.value.pendingOutput else {
            preconditionFailure("a blocked connection has no output")
        }
        var sentBytes: UInt64 = 0
        let result = pending.value.send(
            to: connection.value.descriptor, session: session, scratch: &scratch, sentBytes: &sentBytes)
        face.counters.value.bytesWritten &+= sentBytes
        switch result {
        case .blocked:
            return
        case .failed:
            close(connection)
        case .done:
            pending.destroy()
            connection.value.pendingOutput = nil
            connection.value.isBlocked = false
            listen(connection)
            goOn(connection)
        }
    }

    /// Reports input alone again: a unix socket would tell of room for output after each answer that is taken.
    private mutating func listen(_ connection: Cell<Connection>) {
        Epoll.change(connection.value.descriptor, of: epoll.rawValue, events: Epoll.input, token: connection.address)
    }

    // MARK: waiting for the filesystem

    /// Holds the output back until the changes of the connection are carried out.
    private mutating func park(_ connection: Cell<Connection>) {
        face.counters.value.coherenceWaits &+= 1
        connection.value.isParked = true
        connection.value.parkedUntil = nowMilliseconds + Int64(shared.configuration.coherenceTimeoutMilliseconds)
        connection.value.pendingOutput = Cell(executor.output.takeRest())
        parked.append(connection)
    }

    /// One change of `ticket` was carried out.
    mutating func changeCompleted(_ ticket: UInt64) {
        guard let connection = parked.first(where: { $0.value.ticket == ticket }) else { return }
        connection.value.pendingChanges -= 1
        if connection.value.pendingChanges <= 0 { unpark(connection) }
    }

    /// Lets connections go on whose waiting time is over.
    mutating func endParking() {
        if parked.isEmpty { return }
        for connection in parked where connection.value.parkedUntil <= nowMilliseconds {
            face.counters.value.coherenceTimeouts &+= 1
            unpark(connection)
        }
    }

    private mutating func unpark(_ connection: Cell<Connection>) {
        parked.removeAll { $0 == connection }
        connection.value.isParked = false
        connection.value.pendingChanges = 0
        connection.value.isBlocked = true
        // From now on it is the client that is waited for.
        connection.value.blockedSince = nowMilliseconds
        resumeOutput(connection)
        if connection.value.descriptor >= 0, connection.value.isBlocked {
            Epoll.change(
                connection.value.descriptor, of: epoll.rawValue, events: Epoll.input | Epoll.writable,
                token: connection.address)
        }
    }
}
