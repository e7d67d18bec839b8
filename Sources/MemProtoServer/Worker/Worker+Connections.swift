// The worker's connections: how they come to it and how they go.
import Glibc

extension Worker {
    /// Takes over an accepted connection.
    mutating func open(_ descriptor: Int32) {
        var connection = Connection(descriptor: descriptor)
        connection.lastCommandSecond = session.nowSecond
        shared.logOpening(&connection)
        if adopt(connection) { shared.watchHub.log(connection: connection, isNew: true) }
    }

    /// Makes a connection one of this worker's. False: it could not be, and is closed.
    @discardableResult mutating func adopt(_ connection: Connection) -> Bool {
        let descriptor = connection.descriptor
        // This thread allocates from memory that no other worker allocates from, so nobody else writes to its lines.
        let cell = Cell(connection)
        do throws(SystemError) {
            try Epoll.add(descriptor, to: epoll.rawValue, events: Epoll.input, token: cell.address)
        } catch {
            shared.logger.error("a connection is refused", metadata: ["error": "\(error)"])
            cell.destroy()
            Glibc.close(descriptor)
            shared.counts.subtract(1, from: .connections)
            return false
        }
        cell.value.slot = Int32(face.connections.count)
        face.connections.append(cell)
        return true
    }

    /// Takes a connection out of this worker's, its descriptor and what it has under way aside. Its memory goes at the end of
    /// the round.
    mutating func release(_ connection: Cell<Connection>) {
        let slot = Int(connection.value.slot)
        let last = face.connections.removeLast()
        if last != connection {
            face.connections[slot] = last
            last.value.slot = Int32(slot)
        }
        closed.append(connection)
    }

    /// Closes a connection whose output is sent. The client of one that was refused is listened to for a while first: a TCP
    /// connection that is closed with input unread is reset, and a reset can take the refusal away before it is read.
    mutating func finish(_ connection: Cell<Connection>) {
        guard connection.value.isRefused else { return close(connection) }
        connection.value.isRefused = false
        connection.value.state = .draining
        connection.value.isFresh = false
        connection.value.neededCount = 0
        connection.value.awaitsInput = true
        connection.value.drainUntil = nowMilliseconds + Limit.drainMilliseconds
        draining.append(connection)
        shutdown(connection.value.descriptor, Int32(SHUT_WR))
        readAgain(connection)
    }

    /// Closes connections that have been listened to for long enough.
    mutating func endDraining() {
        for connection in draining where connection.value.drainUntil <= nowMilliseconds { close(connection) }
    }

    /// Closes a connection for a reason of the server's, unless it has one of its own already.
    mutating func close(_ connection: Cell<Connection>, _ reason: Connection.CloseReason) {
        if connection.value.closeReason == .normal { connection.value.closeReason = reason }
        close(connection)
    }

    /// Closes a connection and ends all it has under way.
    mutating func close(_ connection: Cell<Connection>) {
        shared.watchHub.log(connection: connection.value, isNew: false)
        shared.logClosing(connection.value)
        executor.abandon(connection)
        if let pending = connection.value.pendingOutput {
            pending.value.discard(session: session)
            pending.destroy()
        }
        connection.value.kept.free()
        if connection.value.isQueued { queued.removeAll { $0 == connection } }
        if connection.value.isParked { parked.removeAll { $0 == connection } }
        if connection.value.state == .draining { draining.removeAll { $0 == connection } }
        release(connection)
        Glibc.close(connection.value.descriptor)
        connection.value.descriptor = -1
        shared.counts.subtract(1, from: .connections)
    }

    /// Closes connections without a command for longer than the idle timeout; looks once a second.
    mutating func closeIdle() {
        let timeout = shared.configuration.idleTimeoutSeconds
        if timeout == 0 || session.nowSecond == idleCheckedSecond { return }
        idleCheckedSecond = session.nowSecond
        // Closing puts the last connection into the place of the closed one: go from the end.
        for connection in face.connections.reversed() {
            // A watcher has nothing to say.
            if connection.value.state == .watching { continue }
            if session.nowSecond &- connection.value.lastCommandSecond > timeout {
                face.counters.value.idleKicks &+= 1
                close(connection, .idle)
            }
        }
    }
}
