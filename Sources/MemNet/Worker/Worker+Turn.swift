// A connection's turn: its door executes input, and what the door returns decides what happens next.
import MemStore

extension Worker {
    /// Executes `input`, the whole of what a connection has to be looked at, and sends the responses.
    ///
    /// - Parameter batchIndex: where `input` is in the batch; -1 = elsewhere.
    mutating func process(_ connection: ConnectionCell, _ input: Bytes, batchIndex: Int = -1) {
        handle.progress.turns &+= 1
        connection.net.awaitsInput = false
        var used = 0
        var beginsTurn = true
        var sentBytes: UInt64 = 0
        while true {
            // What is left of an input begins elsewhere than the input did.
            let result = doors.run(
                connection, input[used..<input.count], batchIndex: used == 0 ? batchIndex : -1, beginsTurn: beginsTurn)
            beginsTurn = false
            used += result.consumed
            let rest = input[used..<input.count]
            switch result.status {
            case .needsInput:
                connection.net.kept.keep(rest)
                if !rest.isEmpty || connection.net.receivesInPlace { noteHeld(input.count) }
                connection.net.awaitsInput = true
                sendLater(connection, &sentBytes)
                return readAgain(connection)
            case .outputFull:
                guard flush(connection, &sentBytes, keeping: rest) else { return }
                if sentBytes >= UInt64(NetLimits.turnOutputMax) { return enqueue(connection, rest) }
            case .yield:
                doors.counters(connection).value.yields &+= 1
                guard flush(connection, &sentBytes, keeping: rest) else { return }
                return enqueue(connection, rest)
            case .parked:
                connection.net.kept.keep(rest)
                sendResponses()
                return park(connection)
            case .close:
                connection.net.kept.free()
                if flush(connection, &sentBytes, keeping: .empty) { return finish(connection) }
                if case .blocked(let since) = connection.net.phase { connection.net.phase = .closing(since: since) }
                return
            }
        }
    }

    /// Goes on with a connection that has kept input, or something to say without input.
    mutating func goOn(_ connection: ConnectionCell) {
        if isReady(connection) { process(connection, connection.net.kept.bytes) }
    }

    /// Whether a connection can have a turn: it is there, and its earlier responses are sent. Its new ones must not pass them.
    @inline(__always) mutating func isReady(_ connection: ConnectionCell) -> Bool {
        if connection.net.hasQueuedResponse { sendResponses() }
        return connection.net.phase.canRun
    }

    // MARK: the queue

    private mutating func enqueue(_ connection: ConnectionCell, _ rest: Bytes) {
        connection.net.kept.keep(rest)
        queue(connection)
    }

    /// Gives a connection that waits for input another turn if there is some.
    mutating func readAgain(_ connection: ConnectionCell) {
        if connection.net.hasUnread, connection.net.awaitsInput, case .idle = connection.net.phase { queue(connection) }
    }

    private mutating func queue(_ connection: ConnectionCell) {
        if connection.net.phase.isQueued { return }
        connection.net.phase = .queued
        queued.append(connection)
    }

    /// Takes a queued connection out of the queue.
    mutating func leaveQueue(_ connection: ConnectionCell) {
        connection.net.phase = .idle
        queued.removeAll { $0 == connection }
    }

    /// Gives each queued connection its turn: to be read, or to go on with what was read.
    mutating func runQueued() {
        let turns = queued
        queued = []
        // One that left the phase meanwhile is closed, or goes on when its output is taken.
        for connection in turns where connection.net.phase.isQueued {
            connection.net.phase = .idle
            if connection.net.awaitsInput { receive(connection) } else { goOn(connection) }
            if batch.isFull { runBatch() }
        }
        runBatch()
    }
}
