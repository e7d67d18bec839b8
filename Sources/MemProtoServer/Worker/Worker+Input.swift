// The worker's receiving side: reads what has arrived, for several connections before any of it is executed, and large
// values straight to their place.
import CShims
import Glibc
import MemStore

extension Worker {
    /// Reads what has arrived. It is executed at once, or with the group (`runGroup`).
    mutating func receive(_ connection: Cell<Connection>) {
        guard isReady(connection) else { return }
        if connection.value.state == .value, connection.value.kept.isEmpty, receiveInPlace(connection) {
            return readAgain(connection)
        }
        let kept = connection.value.kept.count
        if kept == 0 {
            let room = connection.value.expectsValue ? Limit.lineReadBytes : Limit.readBufferBytes
            let length = unsafe cs_receive(connection.value.descriptor, group.nextPlace, room)
            guard arrived(connection, length, of: room) else { return }
            if connection.value.state == .command { connection.value.expectsValue = false }
            group.add(connection, length: length)
        } else if kept <= Limit.keptInputJoinMax {
            unsafe connection.value.kept.bytes.copy(to: readBuffer.baseAddress.unsafelyUnwrapped)
            let place = unsafe readBuffer.baseAddress.unsafelyUnwrapped + kept
            let length = unsafe cs_receive(connection.value.descriptor, place, Limit.readBufferBytes)
            guard arrived(connection, length, of: Limit.readBufferBytes) else { return }
            connection.value.kept.free()
            process(connection, unsafe Bytes(readBuffer.baseAddress, count: kept + length))
        } else {
            let room = unsafe connection.value.kept.room(Limit.readBufferBytes)
            let length = unsafe cs_receive(connection.value.descriptor, room.baseAddress.unsafelyUnwrapped, room.count)
            guard arrived(connection, length, of: room.count) else { return }
            connection.value.kept.grow(by: length)
            process(connection, connection.value.kept.bytes)
        }
    }

    /// Executes what was read into the group, then sends the answers.
    mutating func runGroup() {
        let count = group.count
        if count == 0 { return sendAnswers() }
        if count > 1 { group.prefetch(session, &executor.lookups) }
        for index in 0..<count {
            let connection = group.connection(at: index)
            guard isReady(connection) else {
                // This input comes after the answer that was not taken.
                if connection.value.descriptor >= 0 {
                    connection.value.kept.keep(group.input(at: index))
                    connection.value.awaitsInput = false
                }
                continue
            }
            executor.knownKey = group.firstKey(at: index)
            process(connection, group.input(at: index))
            executor.knownKey = KnownKey()
            receiveBegunValue(connection)
        }
        group.clear()
        sendAnswers()
    }

    /// Reads a large value whose line has just come: most of it lies in the socket. Read in turn with those of other
    /// connections, many values would be under way, and each would find the memory cold that the one before it replaced.
    private mutating func receiveBegunValue(_ connection: Cell<Connection>) {
        guard connection.value.state == .value, connection.value.kept.isEmpty, isReady(connection),
            connection.value.isQueued, queued.last == connection
        else { return }
        queued.removeLast()
        connection.value.isQueued = false
        _ = receiveInPlace(connection)
        readAgain(connection)
    }

    /// Reads the bytes of a large value straight to where they will stay, and what follows it to the buffer.
    /// False: there is nothing more of the value, its line end is awaited.
    private mutating func receiveInPlace(_ connection: Cell<Connection>) -> Bool {
        guard let arriving = connection.value.arriving, arriving.value.remaining > 0 else { return false }
        // One place more than the store fills: for what follows the value.
        let (runs, part, takesMore, length) = unsafe withUnsafeTemporaryAllocation(
            of: iovec.self, capacity: Limit.valueRunMax + 1
        ) { pieces in
            let runs = unsafe session.nextSpaces(
                arriving.value.value, remaining: arriving.value.remaining,
                into: UnsafeMutableBufferPointer(rebasing: pieces[..<Limit.valueRunMax]))
            if runs == 0 { return (0, 0, false, 0) }
            let part = unsafe pieces[..<runs].reduce(0) { unsafe $0 + $1.iov_len }
            // Bytes behind the value can be taken along only when all of the value has its place.
            let takesMore = part == arriving.value.remaining
            unsafe pieces[runs] = iovec(iov_base: readBuffer.baseAddress, iov_len: Limit.lineReadBytes)
            let length = unsafe readv(
                connection.value.descriptor, pieces.baseAddress, Int32(takesMore ? runs + 1 : runs))
            return (runs, part, takesMore, length)
        }
        guard runs > 0 else {
            executor.refuseArriving(connection, .noMemory)
            return false
        }
        guard arrived(connection, length, of: part + (takesMore ? Limit.lineReadBytes : 0)) else {
            if connection.value.descriptor >= 0 { session.trim(arriving.value.value) }
            return true
        }
        let placed = min(length, part)
        session.advance(arriving.value.value, by: placed)
        noteHeld(placed)
        arriving.value.remaining -= placed
        if placed < part { session.trim(arriving.value.value) }
        if length > placed { process(connection, unsafe Bytes(readBuffer.baseAddress, count: length - placed)) }
        return true
    }

    /// Judges a read that asked for `room` bytes; false when there is nothing to execute.
    private mutating func arrived(_ connection: Cell<Connection>, _ length: Int, of room: Int) -> Bool {
        if length > 0 {
            // A socket that gave less has no more, and epoll will tell when it has; but its end is told only once.
            if length < room, !connection.value.isEnding { connection.value.hasUnread = false }
            face.counters.value.bytesRead &+= UInt64(length)
            connection.value.lastCommandSecond = session.nowSecond
            connection.value.lastInputMilliseconds = nowMilliseconds
            return true
        }
        if length < 0, errno == EAGAIN || errno == EINTR {
            if errno == EAGAIN { connection.value.hasUnread = false } else { readAgain(connection) }
            return false
        }
        close(connection)
        return false
    }

    /// Gives a connection that waits for input another turn if there is some.
    mutating func readAgain(_ connection: Cell<Connection>) {
        guard connection.value.hasUnread, connection.value.awaitsInput, connection.value.descriptor >= 0,
            !connection.value.isQueued, !connection.value.isBlocked, !connection.value.isParked
        else { return }
        connection.value.isQueued = true
        queued.append(connection)
    }
}
