// WorkerHandle: the side of a worker that other threads see: its mailbox, its connections, how far it has come.
import CShims
import Glibc
import MemStore

/// What others tell a worker.
enum WorkerMessage: Sendable {
    /// A new connection of the protocol with this number.
    case connection(Int32, protocol: Int)
    /// A connection that another worker had.
    case handedOver(ConnectionCell)
    /// Another number of workers serves.
    case servingCountChanged(serving: Int, before: Int)
    /// One thing that the parked connection with this ticket waits for has come.
    case completed(ticket: UInt64)
    /// A connection is to have a turn.
    case wake(ConnectionWaker)
    /// Finish the responses under way, for so many milliseconds at most, and end.
    case stop(graceMilliseconds: Int64)
}

/// What a worker shares.
///
/// Lock order: no two workers' locks at once. The worker holds its own while it works and not while it waits.
public final class WorkerHandle: @unchecked Sendable {  // guarded by `lock` and `mailLock`
    public let number: Int
    /// Guards `connections`.
    let lock = Lock()
    /// What the load sampler looks at, without the lock.
    let progress = WorkerProgress()
    public internal(set) var connections: [ConnectionCell] = []

    private let mailLock = Lock()
    private var mail: [WorkerMessage] = []
    /// Readable when there is mail.
    let wakeup: FileDescriptor

    public init(number: Int) throws(SystemError) {
        self.number = number
        wakeup = try FileDescriptor.event()
    }

    deinit {
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

    /// Says that one thing has come that the parked connection with this ticket waits for. Any thread.
    public func complete(ticket: UInt64) { post(.completed(ticket: ticket)) }

    /// Gives a connection of this worker a turn. Any thread.
    public func wake(_ waker: ConnectionWaker) { post(.wake(waker)) }

    /// The first ticket of a door on this worker, never 0; the following ones are its own, too. They are unique in a pool.
    public func firstTicket(door: Int) -> UInt64 { UInt64(number + 1) << 48 | UInt64(door) << 40 }

    /// The number of the worker whose ticket it is; -1 = nobody's.
    public static func number(ofTicket ticket: UInt64) -> Int { Int(ticket >> 48) - 1 }

    /// Closes the connections that nobody takes over any more. The worker has ended.
    func closeMail(_ protocols: [ServedProtocol], _ counts: SharedCounts<WorkerPool.CountName>) {
        for message in takeMail() {
            let descriptor: Int32
            let number: Int
            switch message {
            case .connection(let new, protocol: let door):
                descriptor = new
                number = door
            case .handedOver(let moved):
                descriptor = moved.net.descriptor
                number = Int(moved.net.door)
                moved.free()
            default:
                continue
            }
            close(descriptor)
            counts.subtract(1, from: .connections)
            protocols[number].counts.subtract(1, from: .connections)
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
