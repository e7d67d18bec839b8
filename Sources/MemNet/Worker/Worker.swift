// Worker: one thread with its own epoll, which serves connections of all protocols of its pool; each connection is used by its
// worker alone. A round of the loop:
//
//     epoll_wait ──► mail, events ──► read into the batch ──► doors execute ──► responses are sent ──► what else is due
//          ▲              (several connections at a time, each stage with its code in the processor's cache)    │
//          └────────────────────────────────────────────────────────────────────────────────────────────────────┘
//
// Worker+Input reads, +Turn lets a door execute and obeys its `TurnStatus`, +Output sends, +Parking holds output back until other
// threads are done, +Bounds limits what all connections hold, +Connections opens and closes, +Handover gives connections to other
// workers. A connection's `Phase` says which of them has it next.
import CShims
import Glibc
import MemStore

/// One worker's state, used by its thread alone; what others may see is in `WorkerHandle`.
///
/// SAFETY: owns the read buffer. It lives at a fixed address (see `WorkerPool`), where its thread runs it.
@safe struct Worker: ~Copyable {
    let handle: WorkerHandle
    let pool: WorkerPool
    let doors: DoorTable
    let epoll: FileDescriptor
    let output: Cell<OutputBuffer>
    var scratch = SendScratch()
    let readBuffer: UnsafeMutableRawBufferPointer
    /// What was read and is not executed yet, and responses that are written and not sent yet.
    var batch = ReadBatch()
    var responses = ResponseQueue()
    /// The connections in these phases.
    var queued: [ConnectionCell] = []
    var parked: [ConnectionCell] = []
    var draining: [ConnectionCell] = []
    /// Closed connections: their memory is freed when no event of the same round can name them any more.
    var closed: [ConnectionCell] = []
    /// The monotonic clock in milliseconds, as of this round.
    var nowMilliseconds: Int64 = 0
    var idleCheckedSecond: UInt32 = 0
    /// Bytes that connections may have come to hold since `enforceBounds` looked, and when that was.
    var heldSinceLook = 0
    var boundsCheckedSecond: UInt32 = 0
    /// When a door wants another round at the latest; -1 = none does.
    private var doorsWait: Int64 = -1
    /// Who decides how many workers serve, and when it is asked again; what this worker has to give away, and when it last tried.
    private let sampler: LoadSampler?
    private var nextSample: Int64 = 0
    var handover = Handover()
    var handedOverAt: Int64 = 0
    /// Set when the worker is to end: no later than this moment.
    private var stopDeadline: Int64?

    /// The token of the mailbox's eventfd in epoll events; connections have their address.
    private static var mailToken: UInt64 { 0 }

    /// A worker at the fixed address that its thread needs.
    /// - Throws: when the epoll cannot be made.
    static func make(_ handle: WorkerHandle, _ pool: WorkerPool) throws(SystemError) -> Cell<Worker> {
        let epoll = try FileDescriptor.epoll()
        try Epoll.add(handle.wakeup.rawValue, to: epoll.rawValue, events: Epoll.readable, token: Self.mailToken)
        return Cell(alone: Worker(handle, pool, epoll: epoll))
    }

    private init(_ handle: WorkerHandle, _ pool: WorkerPool, epoll: consuming FileDescriptor) {
        self.handle = handle
        self.pool = pool
        self.epoll = epoll
        sampler = pool.sampler
        output = Cell(alone: OutputBuffer(capacity: NetLimits.outputBufferBytes))
        doors = DoorTable(pool.protocols, handle, output: output)
        unsafe readBuffer = .allocate(
            byteCount: NetLimits.readBufferBytes + NetLimits.keptInputJoinMax, alignment: 4096)
    }

    deinit {
        unsafe readBuffer.deallocate()
        scratch.destroy()
        doors.destroy()
        output.destroy()
    }

    // MARK: the loop

    /// Serves until it is told to stop. Runs on the worker's thread.
    mutating func run() {
        handle.progress.threadID = cs_thread_number()
        let events = EventList()
        defer { events.deallocate() }
        while round(events, milliseconds: waitMilliseconds()) {}
        handle.lock.withLock { closeAll() }
        doors.end()
    }

    /// Waits for events for so long, -1 = without an end, and serves them. False: the worker is to end.
    mutating func round(_ events: EventList, milliseconds: Int32) -> Bool {
        let count = events.wait(epoll.rawValue, milliseconds: milliseconds)
        handle.lock.lock()
        defer { handle.lock.unlock() }
        serve(events, count)
        // No event that is in hand names them any more.
        if !closed.isEmpty {
            for connection in closed { connection.free() }
            closed.removeAll(keepingCapacity: true)
        }
        return stopDeadline == nil || !isFinished()
    }

    /// Handles events, and what else is due. The worker's lock is held.
    private mutating func serve(_ events: EventList, _ count: Int) {
        nowMilliseconds = Monotonic.coarseMilliseconds
        doors.beginRound()
        for index in 0..<count {
            let event = unsafe events[index]
            if unsafe event.data.u64 == Self.mailToken {
                readMail()
            } else {
                handle(unsafe ConnectionCell(address: event.data.u64), events: unsafe event.events)
            }
            if batch.isFull { runBatch() }
        }
        runBatch()
        if !queued.isEmpty { runQueued() }
        let end = doors.endRound()
        doorsWait = end.nextMilliseconds
        if end.readersHoldTooMuch { closeSlowestReaders() }
        if heldSinceLook > 0 { enforceBounds() }
        if !parked.isEmpty {
            endParking()
            // Those that go on may have deferred responses.
            sendResponses()
        }
        if !draining.isEmpty { drain() }
        if doors.haveIdleTimes { closeIdle() }
        if handover.count > 0 { handOver() }
        if let sampler, nowMilliseconds >= nextSample {
            nextSample = nowMilliseconds + LoadSampler.windowMilliseconds
            sampler.sample()
        }
    }

    /// How long epoll may wait: until the next thing that time brings; -1 = for ever.
    @inline(__always) private func waitMilliseconds() -> Int32 {
        if !queued.isEmpty { return 0 }
        let looksAgain = heldSinceLook > 0 || doors.haveIdleTimes && !handle.connections.isEmpty
        if !looksAgain, doorsWait < 0, parked.isEmpty, draining.isEmpty, stopDeadline == nil { return -1 }
        return waitMilliseconds(looksAgain: looksAgain)
    }

    private func waitMilliseconds(looksAgain: Bool) -> Int32 {
        var wait: Int64 = looksAgain ? 1000 : -1
        func shorten(to moment: Int64) {
            let left = max(0, moment - nowMilliseconds)
            wait = wait < 0 ? left : min(wait, left)
        }
        for connection in parked {
            if case .parked(let until) = connection.net.phase { shorten(to: until) }
        }
        for connection in draining {
            if connection.net.hasUnread { return 0 }
            if case .draining(let until) = connection.net.phase { shorten(to: until) }
        }
        if doorsWait >= 0 { shorten(to: nowMilliseconds + doorsWait) }
        if let stopDeadline { shorten(to: min(stopDeadline, nowMilliseconds + 20)) }
        return Int32(clamping: wait)
    }

    /// One event of a connection. Epoll tells of a change once: what is not done about it now is remembered.
    private mutating func handle(_ connection: ConnectionCell, events: UInt32) {
        if connection.net.phase.isClosed { return }
        if events & (Epoll.broken | Epoll.ended) != 0 {
            connection.net.isEnding = true
            connection.net.hasUnread = true
        } else if events & Epoll.readable != 0 {
            connection.net.hasUnread = true
        }
        switch connection.net.phase {
        case .idle:
            if connection.net.hasUnread { receive(connection) }
        case .blocked, .closing:
            // A broken socket shows itself in the send.
            if events & (Epoll.writable | Epoll.broken) != 0 { resumeOutput(connection) }
        case .queued, .parked:
            if events & Epoll.broken != 0 { close(connection) }
        case .draining, .closed:
            break
        }
    }

    // MARK: mail

    private mutating func readMail() {
        for message in handle.takeMail() {
            switch message {
            case .connection(let descriptor, protocol: let number): open(descriptor, of: pool.protocols[number])
            case .handedOver(let moved): takeOver(moved)
            case .servingCountChanged(let serving, let before):
                if stopDeadline != nil { continue }
                handover = Handover(
                    worker: handle.number, serving: serving, before: before, connections: handle.connections.count)
            case .completed(let ticket): completed(ticket)
            case .wake(let waker): wake(waker)
            case .stop(let graceMilliseconds): beginStop(graceMilliseconds: graceMilliseconds)
            }
        }
    }

    /// Gives a connection a turn; output that still waits for the socket is sent before.
    @inline(never) private mutating func wake(_ waker: ConnectionWaker) {
        waker.willRun()
        guard let connection = waker.connection else { return }
        switch connection.net.phase {
        case .idle: goOn(connection)
        case .queued:
            leaveQueue(connection)
            goOn(connection)
        case .blocked, .closing: resumeOutput(connection)
        case .parked, .draining, .closed: break
        }
    }

    // MARK: ending

    private mutating func beginStop(graceMilliseconds: Int64) {
        stopDeadline = nowMilliseconds + graceMilliseconds
        handover = Handover()
    }

    /// Whether the worker may end: it was told to, and its responses are sent or their time is over.
    @inline(never) private mutating func isFinished() -> Bool {
        guard let stopDeadline else { return false }
        for connection in handle.connections.reversed() where !connection.net.phase.isResponding {
            close(connection, .stop)
        }
        return handle.connections.isEmpty || nowMilliseconds >= stopDeadline
    }

    mutating func closeAll() {
        for connection in handle.connections.reversed() { close(connection, .stop) }
        for connection in closed { connection.free() }
        closed = []
        handle.closeMail(pool.protocols, pool.counts)
    }
}
