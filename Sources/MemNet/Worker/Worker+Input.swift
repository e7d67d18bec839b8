// The worker's receiving side: reads what has arrived, for several connections before any of it is executed, and large
// values straight to their place.
import CShims
import Glibc
import MemStore

extension Worker {
    /// Reads what has arrived. It is executed at once, or with the batch (`runBatch`).
    mutating func receive(_ connection: ConnectionCell) {
        guard isReady(connection) else { return }
        if connection.net.receivesInPlace, connection.net.kept.isEmpty, receiveInPlace(connection) {
            return readAgain(connection)
        }
        let kept = connection.net.kept.count
        if kept == 0 {
            let room = connection.net.readsShort ? NetLimits.shortReadBytes : NetLimits.readBufferBytes
            let length = unsafe cs_receive(connection.net.descriptor, batch.nextPlace, room)
            guard arrived(connection, length, of: room) else { return }
            if !connection.net.receivesInPlace { connection.net.readsShort = false }
            batch.add(connection, length: length)
        } else if kept <= NetLimits.keptInputJoinMax {
            unsafe connection.net.kept.bytes.copy(to: readBuffer.baseAddress.unsafelyUnwrapped)
            let place = unsafe readBuffer.baseAddress.unsafelyUnwrapped + kept
            let length = unsafe cs_receive(connection.net.descriptor, place, NetLimits.readBufferBytes)
            guard arrived(connection, length, of: NetLimits.readBufferBytes) else { return }
            connection.net.kept.free()
            process(connection, unsafe Bytes(readBuffer.baseAddress, count: kept + length))
        } else {
            let room = unsafe connection.net.kept.room(NetLimits.readBufferBytes)
            let length = unsafe cs_receive(connection.net.descriptor, room.baseAddress.unsafelyUnwrapped, room.count)
            guard arrived(connection, length, of: room.count) else { return }
            connection.net.kept.grow(by: length)
            process(connection, connection.net.kept.bytes)
        }
    }

    /// Executes what was read into the batch, then sends the responses.
    mutating func runBatch() {
        let count = batch.count
        if count == 0 { return sendResponses() }
        if count > 1 { doors.prepare(batch) }
        for index in 0..<count {
            let connection = batch.connection(at: index)
            guard isReady(connection) else {
                // This input comes after the response that was not taken.
                if !connection.net.phase.isClosed {
                    connection.net.kept.keep(batch.input(at: index))
                    connection.net.awaitsInput = false
                }
                continue
            }
            process(connection, batch.input(at: index), batchIndex: count > 1 ? index : -1)
            if connection.net.receivesInPlace { receiveBegunValue(connection) }
        }
        batch.clear()
        sendResponses()
    }

    /// Reads a large value whose line has just come: most of it lies in the socket. Finishing one value before the next is
    /// read keeps its destination in the processor's cache.
    private mutating func receiveBegunValue(_ connection: ConnectionCell) {
        guard connection.net.kept.isEmpty, isReady(connection), connection.net.phase.isQueued, queued.last == connection
        else { return }
        queued.removeLast()
        connection.net.phase = .idle
        _ = receiveInPlace(connection)
        readAgain(connection)
    }

    /// Reads the bytes of a large value straight to where they will stay, and what follows it to the buffer.
    /// False: nothing more goes to a place, the input is read as any other.
    private mutating func receiveInPlace(_ connection: ConnectionCell) -> Bool {
        // One place more than the door fills: for what follows the value.
        let (part, takesMore, length) = unsafe withUnsafeTemporaryAllocation(
            of: iovec.self, capacity: NetLimits.placeRunMax + 1
        ) { pieces in
            let (runs, isWhole) = unsafe doors.nextPlaces(
                connection, UnsafeMutableBufferPointer(rebasing: pieces[..<NetLimits.placeRunMax]))
            if runs == 0 { return (0, false, 0) }
            let part = unsafe pieces[..<runs].reduce(0) { unsafe $0 + $1.iov_len }
            unsafe pieces[runs] = iovec(iov_base: readBuffer.baseAddress, iov_len: NetLimits.shortReadBytes)
            let length = unsafe readv(
                connection.net.descriptor, pieces.baseAddress, Int32(isWhole ? runs + 1 : runs))
            return (part, isWhole, length)
        }
        guard part > 0 else { return false }
        guard arrived(connection, length, of: part + (takesMore ? NetLimits.shortReadBytes : 0)) else {
            if !connection.net.phase.isClosed { doors.arrived(connection, count: 0, isFull: false) }
            return true
        }
        let placed = min(length, part)
        noteHeld(placed)
        doors.arrived(connection, count: placed, isFull: placed == part)
        if length > placed { process(connection, unsafe Bytes(readBuffer.baseAddress, count: length - placed)) }
        return true
    }

    /// Judges a read that asked for `room` bytes; false when there is nothing to execute.
    private mutating func arrived(_ connection: ConnectionCell, _ length: Int, of room: Int) -> Bool {
        if length > 0 {
            // A socket that gave less has no more, and epoll will tell when it has; but its end is told only once.
            if length < room, !connection.net.isEnding { connection.net.hasUnread = false }
            doors.noteInput(connection, count: length)
            connection.net.lastInputMilliseconds = nowMilliseconds
            return true
        }
        if length < 0, errno == EAGAIN || errno == EINTR {
            if errno == EAGAIN { connection.net.hasUnread = false } else { readAgain(connection) }
            return false
        }
        close(connection)
        return false
    }

    // MARK: clients that were refused

    /// Reads on from clients that were refused, once each, and closes those that take too long or send too much.
    mutating func drain() {
        for connection in draining {
            guard case .draining(let until) = connection.net.phase else { continue }
            if until <= nowMilliseconds {
                close(connection)
            } else if connection.net.hasUnread {
                let place = unsafe readBuffer.baseAddress.unsafelyUnwrapped
                let length = unsafe cs_receive(connection.net.descriptor, place, NetLimits.readBufferBytes)
                guard arrived(connection, length, of: NetLimits.readBufferBytes) else { continue }
                connection.net.drainedCount &+= UInt32(length)
                if connection.net.drainedCount > NetLimits.drainBytesMax { close(connection) }
            }
        }
    }
}
