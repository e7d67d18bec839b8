// WorkerFace: the side of a worker that other threads see: its mailbox, its counters, its list of connections.
import CShims
import Glibc
import MemStore

/// What others tell a worker.
enum WorkerMessage: Sendable {
    /// A new connection.
    case connection(Int32)
    /// The filesystem's reader carried out one change of this ticket.
    case changeCompleted(UInt64)
    /// Log lines wait for a watcher of this worker.
    case watched(Watcher)
    /// Finish the answers under way, for so many milliseconds at most, and end.
    case stop(graceMilliseconds: Int64)
}

/// What a worker shares.
///
/// Lock order: no two workers' locks at once. Whoever serves the worker's events, its own thread or one that stands in, is in
/// a round and holds the lock, but for moments in which it asks the other workers.
final class WorkerFace: @unchecked Sendable {  // guarded by `lock` and `mailLock`
    let number: Int
    /// Guards `counters`, `connections`, `worker` and changes of `inRound`.
    let lock = Lock()
    let counters = Cell(alone: WorkerCounters())
    var connections: [Cell<Connection>] = []
    /// The worker while it lives.
    var worker: Cell<Worker>?
    /// Some thread serves the worker, whether it holds the lock at the moment or not.
    private let inRound = Cell(alone: UInt32(0))
    /// The worker's epoll, for those who may stand in; -1 = it has none yet.
    var epoll: Int32 = -1

    private let mailLock = Lock()
    private var mail: [WorkerMessage] = []
    /// Readable when there is mail.
    let wakeup: FileDescriptor

    init(number: Int) throws(SystemError) {
        self.number = number
        wakeup = try FileDescriptor.event()
    }

    deinit {
        counters.destroy()
        inRound.destroy()
        lock.destroy()
        mailLock.destroy()
    }

    /// Whether somebody is in a round. Good for a decision only with the lock held; without it, a hint that costs no write.
    var isInRound: Bool { unsafe cs_load32(&inRound.value) != 0 }

    private func note(isInRound: Bool) { unsafe cs_store32(&inRound.value, isInRound ? 1 : 0) }

    /// Takes the lock and begins a round, when nobody else is in one.
    func beginRound() {
        lock.lock()
        while isInRound {
            lock.unlock()
            sched_yield()
            lock.lock()
        }
        note(isInRound: true)
    }

    /// The same, unless that would mean waiting.
    func tryBeginRound() -> Bool {
        guard lock.tryLock() else { return false }
        if isInRound {
            lock.unlock()
            return false
        }
        note(isInRound: true)
        return true
    }

    /// Ends the round and gives the lock back.
    func endRound() {
        note(isInRound: false)
        lock.unlock()
    }

    /// Puts a message into the mailbox and wakes the worker. Any thread.
    func post(_ message: WorkerMessage) {
        let isFirst = mailLock.withLock {
            mail.append(message)
            return mail.count == 1
        }
        if isFirst { eventfd_write(wakeup.rawValue, 1) }
    }

    /// Takes all messages.
    func takeMail() -> [WorkerMessage] {
        mailLock.withLock {
            var count: eventfd_t = 0
            unsafe eventfd_read(wakeup.rawValue, &count)
            defer { mail = [] }
            return mail
        }
    }
}
