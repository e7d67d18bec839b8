// Parked connections: their output is held back until other threads have done what it depends on, or too much time is over.
import MemStore

extension Worker {
    /// Holds the output back until all that the connection waits for has come.
    @inline(never) mutating func park(_ connection: ConnectionCell) {
        doors.counters(connection).value.parkings &+= 1
        connection.net.phase = .parked(until: nowMilliseconds + doors.door(connection).parkedMillisecondsMax)
        connection.net.pendingOutput = Cell(output.value.takeRest())
        parked.append(connection)
    }

    /// One thing has come that the connection with this ticket waits for.
    mutating func completed(_ ticket: UInt64) {
        guard let connection = parked.first(where: { $0.net.ticket == ticket }) else { return }
        connection.net.awaitedCount -= 1
        if connection.net.awaitedCount <= 0 { unpark(connection) }
    }

    /// Lets connections go on whose waiting time is over.
    mutating func endParking() {
        for connection in parked {
            guard case .parked(let until) = connection.net.phase, until <= nowMilliseconds else { continue }
            doors.counters(connection).value.parkingTimeouts &+= 1
            unpark(connection)
        }
    }

    private mutating func unpark(_ connection: ConnectionCell) {
        parked.removeAll { $0 == connection }
        connection.net.phase = .idle
        connection.net.awaitedCount = 0
        switch sendPending(connection) {
        case .done: goOn(connection)
        // From now on it is the client that is waited for.
        case .blocked: block(connection)
        case .failed: close(connection)
        }
    }
}
