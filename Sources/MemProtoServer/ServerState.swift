// ServerState: what all workers of a server share: its options, the store, figures of the whole.
import Logging
import MemNet
import MemStore

/// The shared part of a server. Nothing of it is touched on the way of a plain get or set.
final class ServerState: @unchecked Sendable {  // constants, and variables behind `lock` or atomics
    let configuration: ServerConfiguration
    let store: Store
    let logger: Logger
    let watchHub: WatchHub
    let prefixCounts: PrefixCounts
    let foreignClients = ForeignClients()
    let classFigures = ClassFigures()
    /// The store's second when the server was made.
    let startSecond: UInt32

    /// Counters by the workers' numbers.
    let counters: [DoorCounters]
    let connectionCounts = SharedCounts<ServedProtocol.CountName>()
    /// The pool that serves it. Its owner keeps it.
    unowned let pool: WorkerPool

    private let lock = Lock()
    private let atomics: SharedCounts<CountName>
    private var listeningSockets: [(descriptor: Int32, address: SocketAddress)] = []
    private var verbosityLevel: Int
    private var userLines: [String]?
    private var stopRequest: (@Sendable (_ isGraceful: Bool) -> Void)?
    private var otherMetrics: (@Sendable () -> [MetricSample])?

    init(configuration: ServerConfiguration, store: Store, logger: Logger, pool: WorkerPool) {
        self.configuration = configuration
        self.store = store
        self.logger = logger
        self.pool = pool
        counters = (0..<pool.configuration.workerCount).map { _ in DoorCounters() }
        startSecond = store.clock.nowSeconds
        verbosityLevel = configuration.verbosity
        userLines = configuration.users
        atomics = SharedCounts()
        watchHub = WatchHub(
            counts: atomics, evictions: store.evictions, watcherCountMax: configuration.watcherCountMax)
        prefixCounts = PrefixCounts(
            delimiter: configuration.prefixDelimiter, countMax: configuration.prefixCountMax)
        countsPrefixes = configuration.countsPrefixes
        isCrawlerEnabled = configuration.setting("lru_crawler", else: "yes") == "yes"
    }

    deinit {
        lock.destroy()
        atomics.destroy()
        for worker in counters { worker.destroy() }
    }

    /// Counts that several threads change, rarely.
    var counts: SharedCounts<CountName> { atomics }

    /// The listening sockets, for `stats conns`.
    var listeners: [(descriptor: Int32, address: SocketAddress)] {
        get { lock.withLock { listeningSockets } }
        set { lock.withLock { listeningSockets = newValue } }
    }

    /// How much is logged, 0 ... 2.
    var verbosity: Int {
        get { lock.withLock { verbosityLevel } }
        set { lock.withLock { verbosityLevel = newValue } }
    }

    /// Who may authenticate, `user:password` each; nil = nobody has to.
    var users: [String]? {
        get { lock.withLock { userLines } }
        set { lock.withLock { userLines = newValue } }
    }

    /// `stats detail on`.
    var countsPrefixes: Bool {
        get { atomics[.countsPrefixes] != 0 }
        set { atomics[.countsPrefixes] = newValue ? 1 : 0 }
    }

    /// `lru_crawler enable`.
    var isCrawlerEnabled: Bool {
        get { atomics[.isCrawlerEnabled] != 0 }
        set { atomics[.isCrawlerEnabled] = newValue ? 1 : 0 }
    }

    /// Called by the command `shutdown`; set by the daemon.
    var onShutdown: (@Sendable (_ isGraceful: Bool) -> Void)? {
        get { lock.withLock { stopRequest } }
        set { lock.withLock { stopRequest = newValue } }
    }

    /// Figures of other parts of the program.
    var moreMetrics: (@Sendable () -> [MetricSample])? {
        get { lock.withLock { otherMetrics } }
        set { lock.withLock { otherMetrics = newValue } }
    }

    /// The figures of `stats memfis`. `worker`: whose thread asks; nil = none.
    func ownMetrics(asking worker: WorkerHandle?) -> [MetricSample] {
        var snapshot = PortSnapshot(self)
        snapshot.held = pool.heldMemory(from: worker)
        return snapshot.samples(PortMetrics.own) + (moreMetrics?() ?? [])
    }

    /// The counters of all workers, summed. Any thread; no worker waits.
    func sumOfCounters() -> CounterSums {
        var sum = CounterSums()
        for worker in counters { sum.add(worker) }
        return sum
    }
}

extension ServerState {
    /// Counts that several threads change.
    enum CountName: Int, CaseIterable {
        case watchers, watchStreams, logWritten, logSkipped, logSent, logDropped
        /// 0 or 1: prefixes are counted, the crawler is on.
        case countsPrefixes, isCrawlerEnabled
    }
}
