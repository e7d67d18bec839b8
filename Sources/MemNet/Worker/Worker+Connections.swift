// The worker's connections: how they come to it and how they go.
import Glibc
import MemStore

extension Worker {
    /// Takes over an accepted connection of a protocol.
    mutating func open(_ descriptor: Int32, of served: ServedProtocol) {
        let cell = ConnectionCell(
            Connection(descriptor: descriptor, door: served.number), stateBytes: served.stateBytes)
        served.open(cell)
        cell.net.lastInputSecond = doors.nowSecond(cell)
        pool.logOpening(cell)
        if adopt(cell) {
            doors.door(cell).opened(cell)
        } else {
            served.end(cell)
            cell.free()
        }
    }

    /// Makes a connection one of this worker's. False: it could not be, and its descriptor is closed.
    ///
    /// Its memory was allocated by this thread, from memory that no other worker allocates from, so nobody else writes to its
    /// lines.
    mutating func adopt(_ connection: ConnectionCell) -> Bool {
        let descriptor = connection.net.descriptor
        do throws(SystemError) {
            try Epoll.add(descriptor, to: epoll.rawValue, events: Epoll.input, token: connection.address)
        } catch {
            pool.logger.error("a connection is refused", metadata: ["error": "\(error)"])
            Glibc.close(descriptor)
            pool.countClosed(doors.served(connection))
            return false
        }
        connection.net.slot = Int32(handle.connections.count)
        handle.connections.append(connection)
        return true
    }

    /// Takes a connection out of this worker's, its descriptor and what it has under way aside. Its memory goes at the end of
    /// the round.
    mutating func release(_ connection: ConnectionCell) {
        let slot = Int(connection.net.slot)
        let last = handle.connections.removeLast()
        if last != connection {
            handle.connections[slot] = last
            last.net.slot = Int32(slot)
        }
        connection.net.phase = .closed
        closed.append(connection)
    }

    /// Closes a connection whose output is sent. The client of one that was refused is listened to for a while first: a TCP
    /// connection that is closed with input unread is reset, and a reset can take the refusal away before it is read.
    @inline(never) mutating func finish(_ connection: ConnectionCell) {
        guard connection.net.drainsAtEnd else { return close(connection) }
        if connection.net.phase.isQueued { leaveQueue(connection) }
        connection.net.phase = .draining(until: nowMilliseconds + NetLimits.drainMilliseconds)
        draining.append(connection)
        shutdown(connection.net.descriptor, Int32(SHUT_WR))
    }

    /// Closes a connection for a reason of the event loop's, unless it has one already.
    mutating func close(_ connection: ConnectionCell, _ reason: CloseReason) {
        if connection.net.closeReason == .normal { connection.net.closeReason = reason }
        close(connection)
    }

    /// Closes a connection and ends all it has under way.
    mutating func close(_ connection: ConnectionCell) {
        let door = doors.door(connection)
        let served = doors.served(connection)
        pool.logClosing(connection, served)
        door.closing(connection)
        if let pending = connection.net.pendingOutput {
            pending.value.discard(door.contents)
            pending.destroy()
            connection.net.pendingOutput = nil
        }
        connection.net.kept.free()
        switch connection.net.phase {
        case .queued: queued.removeAll { $0 == connection }
        case .parked: parked.removeAll { $0 == connection }
        case .draining: draining.removeAll { $0 == connection }
        case .idle, .blocked, .closing, .closed: break
        }
        served.end(connection)
        release(connection)
        Glibc.close(connection.net.descriptor)
        pool.countClosed(served)
    }

    /// Closes connections that are silent for longer than their protocol allows; looks once a second.
    mutating func closeIdle() {
        if doors.someSecond == idleCheckedSecond { return }
        idleCheckedSecond = doors.someSecond
        // Closing puts the last connection into the place of the closed one: go from the end.
        for connection in handle.connections.reversed() {
            let most = doors.door(connection).idleSecondsMax(connection)
            if most > 0, doors.nowSecond(connection) &- connection.net.lastInputSecond > most {
                doors.counters(connection).value.idleKicks &+= 1
                close(connection, .idle)
            }
        }
    }
}
