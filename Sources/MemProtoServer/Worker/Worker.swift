// Worker: one thread with its own epoll. It reads, lets the executor work, and sends; a connection is used by its worker alone.
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
    let readBuffer: UnsafeMutableRawBufferPointer
    /// What was read and is not executed yet, and answers that are written and not sent yet: several connections are read,
    /// then executed, then answered, each while the code for it is in the processor's cache.
    var group = InputGroup()
    var answers = AnswerQueue()
    /// Connections whose turn comes again without an event, and parked ones.
    var queued: [Cell<Connection>] = []
    var parked: [Cell<Connection>] = []
    /// Connections in `State.draining`.
    var draining: [Cell<Connection>] = []
    /// Closed connections: their memory is freed when no event of the same round can name them any more.
    var closed: [Cell<Connection>] = []
    /// The monotonic clock in milliseconds, as of this round.
    var nowMilliseconds: Int64 = 0
    var idleCheckedSecond: UInt32 = 0
    /// Bytes that connections may have come to hold since `enforceBounds` looked, and when that was.
    var heldSinceLook = 0
    var boundsCheckedSecond: UInt32 = 0
    /// The crew, and when it is looked at again; what this worker has to give away, and when it last tried.
    private let crew: Crew?
    private var nextCrewLook: Int64 = 0
    var handover = Handover()
    var handedOverAt: Int64 = 0
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
        crew = shared.crew
        session = shared.store.makeSession()
        self.epoll = epoll
        executor = CommandExecutor(session: session, shared: shared, face: face)
        unsafe readBuffer = .allocate(byteCount: Limit.readBufferBytes + Limit.keptInputJoinMax, alignment: 4096)
    }

    deinit {
        unsafe readBuffer.deallocate()
        scratch.destroy()
    }

    // MARK: the loop

    /// Serves until it is told to stop. Runs on the worker's thread.
    mutating func run() {
        face.progress.threadID = cs_thread_number()
        let events = EventList()
        defer { events.deallocate() }
        while round(events, milliseconds: waitMilliseconds()) {}
        face.lock.withLock { closeAll() }
        session.end()
    }

    /// Waits for events for so long, -1 = without an end, and serves them. False: the worker is to end.
    mutating func round(_ events: EventList, milliseconds: Int32) -> Bool {
        let count = events.wait(epoll.rawValue, milliseconds: milliseconds)
        face.lock.lock()
        defer { face.lock.unlock() }
        serve(events, count)
        // No event that is in hand names them any more.
        if !closed.isEmpty {
            for connection in closed { connection.destroy() }
            closed.removeAll(keepingCapacity: true)
        }
        return !isFinished()
    }

    /// Handles events, and what else is due. The worker's lock is held.
    private mutating func serve(_ events: EventList, _ count: Int) {
        nowMilliseconds = Self.monotonicMilliseconds()
        session.refreshClock()
        for index in 0..<count {
            let event = unsafe events[index]
            if unsafe event.data.u64 == Self.mailToken {
                readMail()
            } else {
                handle(unsafe Cell(address: event.data.u64), events: unsafe event.events)
            }
            if group.isFull { runGroup() }
        }
        runGroup()
        if !queued.isEmpty { runQueued() }
        if shared.watchHub.streams.contains(.evictions) { executor.logEvictions() }
        closeSlowestReaders()
        if heldSinceLook > 0 { enforceBounds() }
        if !parked.isEmpty {
            endParking()
            // Those that go on may have put answers off.
            sendAnswers()
        }
        if !draining.isEmpty { endDraining() }
        closeIdle()
        if handover.count > 0 { handOver() }
        if let crew, nowMilliseconds >= nextCrewLook {
            nextCrewLook = nowMilliseconds + Crew.windowMilliseconds
            crew.look()
        }
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
        for connection in draining { shorten(to: connection.value.drainUntil) }
        // What other threads evict wakes nobody.
        if shared.watchHub.streams.contains(.evictions) {
            shorten(to: nowMilliseconds + Limit.evictionPollMilliseconds)
        }
        if let stopDeadline { shorten(to: min(stopDeadline, nowMilliseconds + 20)) }
        return Int32(clamping: wait)
    }

    /// One event of a connection. Epoll tells of a change once: what is not done about it now is remembered.
    private mutating func handle(_ connection: Cell<Connection>, events: UInt32) {
        guard connection.value.descriptor >= 0 else { return }
        if events & (Epoll.broken | Epoll.ended) != 0 {
            connection.value.isEnding = true
            connection.value.hasUnread = true
        } else if events & Epoll.readable != 0 {
            connection.value.hasUnread = true
        }
        if connection.value.isBlocked {
            // A broken socket shows itself in the send.
            if events & (Epoll.writable | Epoll.broken) != 0 { resumeOutput(connection) }
        } else if connection.value.isParked || connection.value.isQueued || connection.value.pendingOutput != nil {
            if events & Epoll.broken != 0 { close(connection) }
        } else if connection.value.hasUnread {
            receive(connection)
        }
    }

    /// Gives each queued connection its turn: to be read, or to go on with what was read.
    private mutating func runQueued() {
        let turns = queued
        queued = []
        for connection in turns where connection.value.descriptor >= 0 {
            connection.value.isQueued = false
            // It goes on when its output is taken.
            if connection.value.isBlocked { continue }
            if connection.value.awaitsInput { receive(connection) } else { goOn(connection) }
            if group.isFull { runGroup() }
        }
        runGroup()
    }

    // MARK: mail

    private mutating func readMail() {
        for message in face.takeMail() {
            switch message {
            case .connection(let descriptor): open(descriptor)
            case .handedOver(let moved): takeOver(moved)
            case .crewChanged(let serving, let before):
                if stopDeadline != nil { continue }
                handover = Handover(
                    worker: face.number, serving: serving, before: before, connections: face.connections.count)
            case .changeCompleted(let ticket): changeCompleted(ticket)
            case .watched(let watcher): sendWatched(watcher)
            case .stop(let graceMilliseconds): beginStop(graceMilliseconds: graceMilliseconds)
            }
        }
    }

    /// Sends the lines of a watcher, behind earlier ones that still wait for the socket.
    private mutating func sendWatched(_ watcher: Watcher) {
        watcher.noteLook()
        guard let connection = watcher.connection else { return }
        if connection.value.isBlocked { resumeOutput(connection) } else { goOn(connection) }
    }

    // MARK: ending

    private mutating func beginStop(graceMilliseconds: Int64) {
        stopDeadline = nowMilliseconds + graceMilliseconds
        handover = Handover()
    }

    /// Whether the worker may end: it was told to, and its answers are sent or their time is over.
    private mutating func isFinished() -> Bool {
        guard let stopDeadline else { return false }
        for connection in face.connections.reversed() where !connection.value.isAnswering { close(connection, .stop) }
        return face.connections.isEmpty || nowMilliseconds >= stopDeadline
    }

    mutating func closeAll() {
        for connection in face.connections.reversed() { close(connection, .stop) }
        for connection in closed { connection.destroy() }
        closed = []
        face.closeMail(shared.counts)
    }
}
