// ServerState: what all workers of a server share: its options, the store, figures of the whole.
import CShims
import Glibc
import Logging
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

    private let lock = Lock()
    private let atomics: SharedCounts
    private var workerFaces: [WorkerFace] = []
    private var workersAsCrew: Crew?
    private var listeningSockets: [(descriptor: Int32, address: SocketAddress)] = []
    private var verbosityLevel: Int
    private var userLines: [String]?
    private var stopRequest: (@Sendable (_ isGraceful: Bool) -> Void)?

    init(configuration: ServerConfiguration, store: Store, logger: Logger) {
        self.configuration = configuration
        self.store = store
        self.logger = logger
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
    }

    /// Counts that several threads change, rarely.
    var counts: SharedCounts { atomics }

    /// All workers.
    var faces: [WorkerFace] {
        get { lock.withLock { workerFaces } }
        set { lock.withLock { workerFaces = newValue } }
    }

    /// Who of them serves; nil = always all.
    var crew: Crew? {
        get { lock.withLock { workersAsCrew } }
        set { lock.withLock { workersAsCrew = newValue } }
    }

    /// Lets so many workers serve from now on.
    func serve(workers count: Int) {
        let before = Int(counts[.activeWorkers])
        counts[.activeWorkers] = UInt64(count)
        // Who is to serve knows it before others hand connections to him: who rests would give them back.
        for face in faces.reversed() { face.post(.crewChanged(serving: count, before: before)) }
    }

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

    /// Calls `body` for each worker with its lock held; `own` is the caller's, whose lock it holds and lends meanwhile;
    /// nil for a thread that is no worker.
    func forEachWorker(from own: WorkerFace?, _ body: (WorkerFace) -> Void) {
        // Two workers that ask at the same moment must not wait for each other: no one waits with its lock held.
        own?.lock.unlock()
        defer { own?.lock.lock() }
        for face in faces { face.lock.withLock { body(face) } }
    }

    /// What all connections hold.
    func heldBytes(from own: WorkerFace?) -> HeldBytes {
        var held = HeldBytes()
        forEachWorker(from: own) { face in for connection in face.connections { held.add(connection.value) } }
        return held
    }

    /// The counters of all workers, summed.
    func sumOfCounters(from own: WorkerFace?) -> WorkerCounters {
        var sum = WorkerCounters()
        forEachWorker(from: own) { sum.add($0.counters.value) }
        return sum
    }
}

/// Counts of the whole server, changed with atomic operations.
///
/// SAFETY: owns its memory, freed by `destroy()`; every access is atomic.
@safe struct SharedCounts: @unchecked Sendable {  // atomics
    /// Which count.
    enum Name: Int, CaseIterable {
        case connections, connectionsTotal, activeWorkers, rejected, acceptErrors, listenDisabled,
            listenDisabledMicroseconds
        case watchers, watchStreams, logWritten, logSkipped, logSent, logDropped
        /// 0 or 1: prefixes are counted, the crawler is on.
        case countsPrefixes, isCrawlerEnabled
    }

    private let values: UnsafeMutablePointer<UInt64>

    init() {
        unsafe values = .allocate(capacity: Name.allCases.count)
        unsafe values.initialize(repeating: 0, count: Name.allCases.count)
    }

    func destroy() { unsafe values.deallocate() }

    subscript(name: Name) -> UInt64 {
        get { unsafe cs_load64(values + name.rawValue) }
        nonmutating set { unsafe cs_store64(values + name.rawValue, newValue) }
    }

    /// Adds and returns the new count.
    @discardableResult func add(_ count: UInt64, to name: Name) -> UInt64 {
        unsafe cs_add64(values + name.rawValue, count)
    }

    /// Subtracts and returns the new count.
    @discardableResult func subtract(_ count: UInt64, from name: Name) -> UInt64 {
        unsafe cs_sub64(values + name.rawValue, count)
    }
}
