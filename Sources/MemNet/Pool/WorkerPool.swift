// WorkerPool: the workers that serve the connections of one or several protocols, as their owner sees them: protocols are
// added, their listening sockets are given, the pool is started and stopped.
//
//     listening sockets ──► Acceptor ──► a worker that serves ──► its door of the socket's protocol
//      (one protocol each)  (a thread)     (a thread each)          (ConnectionDoor)
//
// Which of the workers serve, `LoadSampler` decides; the others have no connections and sleep.
import Glibc
import Logging
import MemStore

/// Workers, their acceptor, and counts of the whole.
///
/// `init`, `add`, `listen`, `start()`, `stop(graceMilliseconds:)`, in this order, by one thread at a time; reading is open to all.
public final class WorkerPool: @unchecked Sendable {  // constants after `start`, and variables behind `lock` or atomics
    /// Counts over all protocols.
    public enum CountName: Int, CaseIterable { case connections, servingWorkers, acceptErrors }

    public let configuration: PoolConfiguration
    let logger: Logger
    public let counts = SharedCounts<CountName>()
    /// By their numbers; constant once the pool has started.
    private(set) var protocols: [ServedProtocol] = []

    private let lock = Lock()
    private var workerHandles: [WorkerHandle] = []
    private(set) var sampler: LoadSampler?
    private var sockets: [(socket: ListeningSocket, number: Int)] = []
    private var acceptor: Acceptor?
    private var acceptorThread: Thread?
    private var threads: [Thread] = []

    public init(_ configuration: PoolConfiguration, logger: Logger) {
        precondition(configuration.workerCount >= 1, "a pool needs a worker")
        self.configuration = configuration
        self.logger = logger
    }

    deinit {
        precondition(threads.isEmpty, "a pool ends while it runs")
        lock.destroy()
        counts.destroy()
    }

    /// All workers; none while the pool does not run.
    public internal(set) var handles: [WorkerHandle] {
        get { lock.withLock { workerHandles } }
        set { lock.withLock { workerHandles = newValue } }
    }

    /// How many of them serve.
    public var servingCount: Int { Int(counts[.servingWorkers]) }

    // MARK: before the start

    /// Adds a protocol, which gets its number.
    public func add(_ served: ServedProtocol) {
        precondition(threads.isEmpty, "a protocol is added to a pool that runs")
        precondition(protocols.count < NetLimits.protocolMax, "too many protocols")
        served.number = protocols.count
        protocols.append(served)
    }

    /// Serves a protocol of this pool on more sockets.
    public func listen(_ more: [ListeningSocket], for served: ServedProtocol) {
        precondition(threads.isEmpty, "a socket is added to a pool that runs")
        for socket in more { sockets.append((socket, served.number)) }
    }

    // MARK: running

    /// Starts the workers and accepts connections.
    /// - Throws: when a thread or an epoll cannot be made.
    public func start() throws(SystemError) {
        precondition(threads.isEmpty, "a pool is started twice")
        var made: [WorkerHandle] = []
        for number in 0..<configuration.workerCount { made.append(try WorkerHandle(number: number)) }
        handles = made
        counts[.servingWorkers] = UInt64(made.count)
        if made.count > 1, !configuration.usesAllWorkers, RunTimes.areCounted {
            sampler = LoadSampler(self, made)
        }
        for served in protocols { served.poolStarts(made) }
        for handle in made {
            let worker = try Worker.make(handle, self)
            threads.append(
                try Thread.start(name: "worker \(handle.number)") {
                    worker.value.run()
                    worker.destroy()
                })
        }
        let acceptor = try Acceptor(self, sockets, workers: made)
        self.acceptor = acceptor
        acceptorThread = try Thread.start(name: "acceptor") { acceptor.run() }
    }

    /// Stops accepting, lets responses under way be sent for at most so long, and ends all threads.
    public func stop(graceMilliseconds: Int64) {
        acceptor?.stop()
        acceptorThread?.join()
        acceptorThread = nil
        acceptor = nil
        sockets = []
        for handle in handles { handle.post(.stop(graceMilliseconds: graceMilliseconds)) }
        for thread in threads { thread.join() }
        for handle in handles { handle.closeMail(protocols, counts) }
        threads = []
        handles = []
        sampler = nil
    }

    /// Lets so many workers serve from now on.
    func serve(workers count: Int) {
        let before = servingCount
        counts[.servingWorkers] = UInt64(count)
        // Workers that begin to serve are told first: one that still thinks that it rests would hand connections straight back.
        for handle in handles.reversed() { handle.post(.servingCountChanged(serving: count, before: before)) }
    }

    /// A connection of a protocol is gone.
    func countClosed(_ served: ServedProtocol) {
        counts.subtract(1, from: .connections)
        served.counts.subtract(1, from: .connections)
    }
}
