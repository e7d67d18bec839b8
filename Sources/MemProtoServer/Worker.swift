// Worker: one thread with its own epoll. It reads, lets the executor work, and sends; a connection is its own for life.
import CShims
import Glibc
import MemStore

/// One worker's state, used by its thread alone; what others may see is in `WorkerFace`.
///
/// SAFETY: owns the read buffer. It lives at a fixed address (see `Server`), where its thread runs it.
@safe struct Worker: ~Copyable {
    let face: WorkerFace
    let shared: ServerState
    let session: StoreSession
    let epoll: FileDescriptor
    var executor: CommandExecutor
    var scratch = SendScratch()
    private let readBuffer: UnsafeMutableRawBufferPointer
    /// Connections whose turn comes again without an event, and parked ones.
    var queued: [Cell<Connection>] = []
    var parked: [Cell<Connection>] = []
    /// Closed connections: their memory is freed when no event of the same round can name them any more.
    private var closed: [Cell<Connection>] = []
    /// The monotonic clock in milliseconds, as of this round.
    var nowMilliseconds: Int64 = 0
    private var idleCheckedSecond: UInt32 = 0
    /// Bytes that connections may have come to hold since `enforceBounds` looked, and when that was.
    var heldSinceLook = 0
    var boundsCheckedSecond: UInt32 = 0
    /// What this worker's connections may hold.
    let heldShare: HeldBytes
    /// Set when the worker is to end: no later than this moment.
    private var stopDeadline: Int64?

    /// The token of the mailbox's eventfd in epoll events; connections have their address.
    private static var mailToken: UInt64 { 0 }

    /// A worker at the fixed address that its thread needs.
    /// - Throws: when the epoll cannot be made.
    static func make(face: WorkerFace, shared: ServerState) throws(SystemError) -> Cell<Worker> {
        let epoll = try FileDescriptor.epoll()
        try Epoll.add(face.wakeup.rawValue, to: epoll.rawValue, events: Epoll.readable, token: Self.mailToken)
        return Cell(alone: Worker(face: face, shared: shared, epoll: epoll))
    }

    private init(face: WorkerFace, shared: ServerState, epoll: consuming FileDescriptor) {
        self.face = face
        self.shared = shared
        session = shared.store.makeSession()
        self.epoll = epoll
        executor = CommandExecutor(session: session, shared: shared, face: face)
        heldShare = shared.configuration.heldShare(memoryLimitBytes: shared.store.configuration.memoryLimitBytes)
        unsafe readBuffer = .allocate(byteCount: Limit.readBufferBytes + Limit.keptInputJoinMax, alignment: 4096)
    }

    deinit {
        unsafe readBuffer.deallocate()
        scratch.destroy()
    }

    // MARK: the loop

    /// Serves until it is told to stop. Runs on the worker's thread.
    mutating func run() {
        let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: Limit.eventMax)
        defer { unsafe events.deallocate() }
        face.lock.lock()
        while true {
            let timeout = waitMilliseconds()
            face.lock.unlock()
            let count = unsafe epoll_wait(epoll.rawValue, events, Int32(Limit.eventMax), timeout)
            face.lock.lock()
            precondition(count >= 0 || errno == EINTR, "epoll_wait failed")
            nowMilliseconds = Self.monotonicMilliseconds()
            session.refreshClock()
            for index in 0..<max(0, Int(count)) {
                let event = unsafe events[index]
                if unsafe event.data.u64 == Self.mailToken {
                    readMail()
                } else {
                    handle(unsafe Cell(address: event.data.u64), events: unsafe event.events)
                }
            }
            runQueued()
            if shared.watchHub.streams.contains(.evictions) { executor.logEvictions() }
            closeSlowestReaders()
            enforceBounds()
            endParking()
            closeIdle()
            for connection in closed { connection.destroy() }
            closed.removeAll(keepingCapacity: true)
            if isFinished() { break }
        }
        closeAll()
        face.lock.unlock()
        session.end()
    }

    static func monotonicMilliseconds() -> Int64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC_COARSE, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }

    /// How long epoll may wait: until the next thing that time brings; -1 = for ever.
    private func waitMilliseconds() -> Int32 {
        if !queued.isEmpty { return 0 }
        let looksAgain = heldSinceLook > 0 || shared.configuration.idleTimeoutSeconds > 0 && !face.connections.isEmpty
        var wait: Int64 = looksAgain ? 1000 : -1
        func shorten(to moment: Int64) {
            let left = max(0, moment - nowMilliseconds)
            wait = wait < 0 ? left : min(wait, left)
        }
        for connection in parked { shorten(to: connection.value.parkedUntil) }
        // What other threads evict wakes nobody.
        if shared.watchHub.streams.contains(.evictions) {
            shorten(to: nowMilliseconds + Limit.evictionPollMilliseconds)
        }
        if let stopDeadline { shorten(to: min(stopDeadline, nowMilliseconds + 20)) }
        return Int32(clamping: wait)
    }

    /// One event of a connection.
    private mutating func handle(_ connection: Cell<Connection>, events: UInt32) {
        guard connection.value.descriptor >= 0 else { return }
        if connection.value.isBlocked {
            // A broken socket shows itself in the send.
            resumeOutput(connection)
        } else if connection.value.isParked || connection.value.isQueued || connection.value.pendingOutput != nil {
            if events & Epoll.broken != 0 { close(connection) }
        } else if events & (Epoll.readable | Epoll.broken) != 0 {
            receive(connection)
        }
    }

    /// Gives each queued connection its turn.
    private mutating func runQueued() {
        if queued.isEmpty { return }
        let turns = queued
        queued = []
        for connection in turns where connection.value.descriptor >= 0 {
            connection.value.isQueued = false
            goOn(connection)
        }
    }

    // MARK: mail

    private mutating func readMail() {
        for message in face.takeMail() {
            switch message {
            case .connection(let descriptor): open(descriptor)
            case .changeCompleted(let ticket): changeCompleted(ticket)
            case .watched(let watcher): sendWatched(watcher)
            case .stop(let graceMilliseconds): beginStop(graceMilliseconds: graceMilliseconds)
            }
        }
    }

    /// Takes over an accepted connection.
    private mutating func open(_ descriptor: Int32) {
        var connection = Connection(descriptor: descriptor)
        connection.lastCommandSecond = session.nowSecond
        connection.slot = Int32(face.connections.count)
        let cell = Cell(connection)
        do throws(SystemError) {
            try Epoll.add(descriptor, to: epoll.rawValue, events: Epoll.readable, token: cell.address)
        } catch {
            shared.logger.error("a connection is refused", metadata: ["error": "\(error)"])
            cell.destroy()
            Glibc.close(descriptor)
            shared.counts.subtract(1, from: .connections)
            return
        }
        face.connections.append(cell)
        shared.watchHub.log(connection: connection, isNew: true)
    }

    /// Sends the lines of a watcher, unless earlier ones still wait for the socket: then they follow those.
    private mutating func sendWatched(_ watcher: Watcher) {
        guard let connection = watcher.connection, !connection.value.isBlocked else { return }
        goOn(connection)
    }

    /// Closes a connection and ends all it has under way.
    mutating func close(_ connection: Cell<Connection>) {
        shared.watchHub.log(connection: connection.value, isNew: false)
        executor.abandon(connection)
        if let pending = connection.value.pendingOutput {
            pending.value.discard(session: session)
            pending.destroy()
        }
        connection.value.kept.free()
        if connection.value.isQueued { queued.removeAll { $0 == connection } }
        if connection.value.isParked { parked.removeAll { $0 == connection } }
        let slot = Int(connection.value.slot)
        let last = face.connections.removeLast()
        if last != connection {
            face.connections[slot] = last
            last.value.slot = Int32(slot)
        }
        Glibc.close(connection.value.descriptor)
        connection.value.descriptor = -1
        closed.append(connection)
        shared.counts.subtract(1, from: .connections)
    }

    // MARK: reading

    /// Reads what has arrived and executes it.
    private mutating func receive(_ connection: Cell<Connection>) {
        if connection.value.state == .value, connection.value.kept.isEmpty, receiveInPlace(connection) { return }
        let kept = connection.value.kept.count
        if kept <= Limit.keptInputJoinMax {
            unsafe connection.value.kept.bytes.copy(to: readBuffer.baseAddress.unsafelyUnwrapped)
            let place = unsafe readBuffer.baseAddress.unsafelyUnwrapped + kept
            let length = unsafe cs_receive(connection.value.descriptor, place, Limit.readBufferBytes)
            guard arrived(connection, length) else { return }
            connection.value.kept.free()
            process(connection, unsafe Bytes(readBuffer.baseAddress, count: kept + length))
        } else {
            let room = unsafe connection.value.kept.room(Limit.readBufferBytes)
            let length = unsafe cs_receive(connection.value.descriptor, room.baseAddress.unsafelyUnwrapped, room.count)
            guard arrived(connection, length) else { return }
            connection.value.kept.grow(by: length)
            process(connection, connection.value.kept.bytes)
        }
    }

    /// Reads the bytes of a large value straight to where they will stay, and what follows it to the buffer.
    /// False: there is nothing more of the value, its line end is awaited.
    private mutating func receiveInPlace(_ connection: Cell<Connection>) -> Bool {
        guard let arriving = connection.value.arriving, arriving.value.remaining > 0 else { return false }
        // One place more than the store fills: for what follows the value.
        var pieces = unsafe [iovec](repeating: iovec(), count: Limit.valueRunMax + 1)
        let runs = unsafe pieces.withUnsafeMutableBufferPointer { buffer in
            unsafe session.nextSpaces(
                arriving.value.value, remaining: arriving.value.remaining,
                into: UnsafeMutableBufferPointer(rebasing: buffer[..<Limit.valueRunMax]))
        }
        guard runs > 0 else {
            executor.refuseArriving(connection, .noMemory)
            return false
        }
        let part = unsafe pieces[..<runs].reduce(0) { unsafe $0 + $1.iov_len }
        // Bytes behind the value can be taken along only when all of the value has its place.
        let takesMore = part == arriving.value.remaining
        if takesMore {
            unsafe pieces[runs] = iovec(iov_base: readBuffer.baseAddress, iov_len: Limit.readBufferBytes)
        }
        let length = unsafe readv(connection.value.descriptor, pieces, Int32(takesMore ? runs + 1 : runs))
        guard arrived(connection, length) else { return true }
        let placed = min(length, part)
        session.advance(arriving.value.value, by: placed)
        noteHeld(placed)
        arriving.value.remaining -= placed
        if placed < part { session.trim(arriving.value.value) }
        if length > placed { process(connection, unsafe Bytes(readBuffer.baseAddress, count: length - placed)) }
        return true
    }

    /// Judges a read's result; false when there is nothing to execute.
    private mutating func arrived(_ connection: Cell<Connection>, _ length: Int) -> Bool {
        if length > 0 {
            face.counters.value.bytesRead &+= UInt64(length)
            connection.value.lastCommandSecond = session.nowSecond
            return true
        }
        if length < 0, errno == EAGAIN || errno == EINTR { return false }
        close(connection)
        return false
    }

    // MARK: ending

    /// Closes connections without a command for longer than the idle timeout; looks once a second.
    private mutating func closeIdle() {
        let timeout = shared.configuration.idleTimeoutSeconds
        if timeout == 0 || session.nowSecond == idleCheckedSecond { return }
        idleCheckedSecond = session.nowSecond
        // Closing puts the last connection into the place of the closed one: go from the end.
        for connection in face.connections.reversed() {
            // A watcher has nothing to say.
            if connection.value.state == .watching { continue }
            if session.nowSecond &- connection.value.lastCommandSecond > timeout {
                face.counters.value.idleKicks &+= 1
                connection.value.closeReason = .idle
                close(connection)
            }
        }
    }

    private mutating func beginStop(graceMilliseconds: Int64) {
        stopDeadline = nowMilliseconds + graceMilliseconds
    }

    /// Whether the worker may end: it was told to, and its answers are sent or their time is over.
    private mutating func isFinished() -> Bool {
        guard let stopDeadline else { return false }
        for connection in face.connections.reversed() where !connection.value.isAnswering { close(connection) }
        return face.connections.isEmpty || nowMilliseconds >= stopDeadline
    }

    private mutating func closeAll() {
        for connection in face.connections.reversed() { close(connection) }
        for connection in closed { connection.destroy() }
        closed = []
        for case .connection(let descriptor) in face.takeMail() {
            Glibc.close(descriptor)
            shared.counts.subtract(1, from: .connections)
        }
    }
}
