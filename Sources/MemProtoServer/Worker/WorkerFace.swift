// WorkerFace: the side of a worker that other threads see: its mailbox, its counters, its list of connections.
import CShims
import Glibc
import MemStore

/// What others tell a worker.
enum WorkerMessage: Sendable {
    /// A new connection.
    case connection(Int32)
    /// A connection that another worker had.
    case handedOver(Cell<Connection>)
    /// Another number of workers serves.
    case crewChanged(serving: Int, before: Int)
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
    /// What the crew looks at, without the lock.
    let progress = WorkerProgress()
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
        progress.destroy()
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

    /// Closes the connections that nobody takes over any more. The worker has ended.
    func closeMail(_ counts: SharedCounts) {
        for message in takeMail() {
            let descriptor: Int32
            switch message {
            case .connection(let new):
                descriptor = new
            case .handedOver(let moved):
                descriptor = moved.value.descriptor
                moved.destroy()
            default:
                continue
            }
            close(descriptor)
            counts.subtract(1, from: .connections)
        }
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

/// How far a worker has come, written by it alone and read by others at any time.
///
/// SAFETY: owns its memory, freed by `destroy()`; every access is atomic.
@safe struct WorkerProgress: @unchecked Sendable {  // atomics
    private let values: UnsafeMutablePointer<UInt64> = unsafe CacheLine.allocate(2)

    init() { unsafe values.initialize(repeating: 0, count: 2) }

    func destroy() { unsafe values.deallocate() }

    /// Turns that its connections got.
    var turns: UInt64 {
        get { unsafe cs_load64(values) }
        nonmutating set { unsafe cs_store64(values, newValue) }
    }

    /// The kernel's number of its thread; 0 before it runs.
    var threadID: Int32 {
        get { Int32(truncatingIfNeeded: unsafe cs_load64(values + 1)) }
        nonmutating set { unsafe cs_store64(values + 1, UInt64(newValue)) }
    }
}
