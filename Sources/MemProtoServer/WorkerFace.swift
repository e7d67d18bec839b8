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
/// Lock order: no two workers' locks at once. The worker holds its own while it works and not while it waits.
final class WorkerFace: @unchecked Sendable {  // guarded by `lock` and `mailLock`
    let number: Int
    /// Guards `counters` and `connections`.
    let lock = Lock()
    let counters = Cell(alone: WorkerCounters())
    var connections: [Cell<Connection>] = []

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
        lock.destroy()
        mailLock.destroy()
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
