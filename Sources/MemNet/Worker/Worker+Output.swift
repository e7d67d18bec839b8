// The worker's sending side: responses of several connections in one go, and back-pressure: a client that does not take its
// output is not read from.
import CShims
import Glibc
import MemStore

extension Worker {
    /// Sends the output; false when it could not be sent whole, and the connection waits or has gone.
    @inline(never) mutating func flush(_ connection: ConnectionCell, _ sentBytes: inout UInt64, keeping rest: Bytes)
        -> Bool
    {
        if output.value.isEmpty { return true }
        sendResponses()
        let before = sentBytes
        let result = doors.send(output, of: connection, scratch: &scratch, sentBytes: &sentBytes)
        doors.counters(connection).value.bytesWritten &+= sentBytes &- before
        switch result {
        case .done:
            return true
        case .blocked:
            connection.net.kept.keep(rest)
            connection.net.pendingOutput = Cell(output.value.takeRest())
            block(connection)
            return false
        case .failed:
            output.value.discard(doors.door(connection).contents)
            close(connection)
            return false
        }
    }

    /// Sends the output with that of other connections, unless it is large. All input is used up, or kept.
    mutating func sendLater(_ connection: ConnectionCell, _ sentBytes: inout UInt64) {
        if output.value.isEmpty { return }
        if output.value.referenceCount > 0 || output.value.unsent.count > NetLimits.deferredMax || responses.isFull {
            _ = flush(connection, &sentBytes, keeping: connection.net.kept.bytes)
            return
        }
        connection.net.hasQueuedResponse = true
        let part = output.value.setAside()
        responses.add(QueuedResponse(connection: connection.address, start: part.lowerBound, end: part.upperBound))
    }

    /// Sends the responses that were deferred.
    mutating func sendResponses() {
        if responses.count == 0 { return }
        for index in 0..<responses.count {
            let response = responses[index]
            let connection = unsafe ConnectionCell(address: response.connection)
            connection.net.hasQueuedResponse = false
            if !connection.net.phase.isClosed { send(connection, response) }
        }
        responses.clear()
        output.value.endSetAside()
    }

    @inline(__always) private mutating func send(_ connection: ConnectionCell, _ response: QueuedResponse) {
        var start = response.start
        while start < response.end {
            let bytes = output.value.part(start..<response.end)
            let length = unsafe cs_send(connection.net.descriptor, bytes.pointer, bytes.count)
            if length < 0 {
                if errno == EINTR { continue }
                if errno != EAGAIN && errno != EWOULDBLOCK { return close(connection) }
                var rest = OutputBuffer(capacity: bytes.count)
                rest.write(bytes)
                connection.net.pendingOutput = Cell(rest)
                return block(connection)
            }
            doors.counters(connection).value.bytesWritten &+= UInt64(length)
            start += length
        }
    }

    // MARK: back-pressure

    /// Waits for room in the socket and reads nothing meanwhile.
    @inline(never) mutating func block(_ connection: ConnectionCell) {
        noteHeld(connection.net.pendingOutput?.value.unsent.count ?? 0)
        doors.counters(connection).value.outputStalls &+= 1
        if connection.net.phase.isQueued { leaveQueue(connection) }
        connection.net.phase = .blocked(since: nowMilliseconds)
        Epoll.change(
            connection.net.descriptor, of: epoll.rawValue, events: Epoll.input | Epoll.writable,
            token: connection.address)
    }

    /// Sends more of what waits for a connection's socket.
    mutating func sendPending(_ connection: ConnectionCell) -> SendResult {
        guard let pending = connection.net.pendingOutput else {
            preconditionFailure("a connection that waits for its socket has output")
        }
        var sentBytes: UInt64 = 0
        let result = doors.send(pending, of: connection, scratch: &scratch, sentBytes: &sentBytes)
        doors.counters(connection).value.bytesWritten &+= sentBytes
        if case .done = result {
            pending.destroy()
            connection.net.pendingOutput = nil
        }
        return result
    }

    /// Sends more of a blocked connection's output; when all is sent, goes on with its input, or closes it.
    @inline(never) mutating func resumeOutput(_ connection: ConnectionCell) {
        switch sendPending(connection) {
        case .blocked: return
        case .failed: close(connection)
        case .done:
            // Input alone is reported again: a unix socket would tell of room for output after each response that is taken.
            Epoll.change(connection.net.descriptor, of: epoll.rawValue, events: Epoll.input, token: connection.address)
            if case .closing = connection.net.phase { return finish(connection) }
            connection.net.phase = .idle
            goOn(connection)
        }
    }
}
