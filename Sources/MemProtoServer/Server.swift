// Server: the protocol door as its owner sees it: made, bound, started, stopped.
import Logging
import MemNet
import MemStore

/// Serves a store over memcached's text protocol.
///
/// `init`, `bind()`, `start()`, `stop(gracefulSeconds:)`, in this order, by one thread at a time.
public final class Server: @unchecked Sendable {  // its owner's calls do not overlap
    let shared: ServerState
    let pool: WorkerPool
    private let served: MemcachedProtocol
    private var sockets: [ListeningSocket] = []
    private let ownsPool: Bool

    /// A server that does nothing yet.
    ///
    /// - Parameter pool: serves the connections beside those of other protocols, and is started and stopped by its owner after
    ///   `bind()`; nil: a pool of the server's own.
    public init(store: Store, configuration: ServerConfiguration, logger: Logger, pool: WorkerPool? = nil) {
        ownsPool = pool == nil
        let memoryLimitBytes = store.configuration.memoryLimitBytes
        self.pool = pool ?? WorkerPool(configuration.pool(memoryLimitBytes: memoryLimitBytes), logger: logger)
        shared = ServerState(configuration: configuration, store: store, logger: logger, pool: self.pool)
        served = MemcachedProtocol(shared)
        self.pool.add(served)
    }

    /// Called when a client's `shutdown` command is allowed, from a worker's thread. Set it before `start()`.
    public var onShutdown: (@Sendable (_ isGraceful: Bool) -> Void)? {
        get { shared.onShutdown }
        set { shared.onShutdown = newValue }
    }

    /// Clients of `watch` at the moment.
    var watcherCount: Int { Int(shared.counts[.watchers]) }

    /// Replaces the users and passwords (`ServerConfiguration.users`), for a reload. Authentication itself cannot be
    /// turned on or off while the server runs.
    public func replaceUsers(_ users: [String]) {
        precondition(shared.configuration.users != nil, "users for a server without authentication")
        shared.users = users
    }

    /// Makes the listening sockets. Do it before rights are given up: ports below 1024, the unix socket's group.
    /// - Throws: when an address cannot be resolved or bound; nothing listens then.
    public func bind() throws(SystemError) {
        sockets = try shared.configuration.listening.bind()
        pool.listen(sockets, for: served)
        shared.listeners = sockets.map { ($0.descriptor.rawValue, $0.address) }
    }

    /// Where the server listens: `127.0.0.1:11211`, `[::1]:11211`, `/run/memfisd.sock`.
    public var boundAddresses: [BoundAddress] {
        sockets.map { BoundAddress(host: $0.address.host, port: $0.address.port, family: $0.address.family) }
    }

    /// Starts the workers and accepts connections.
    /// - Throws: when a thread or an epoll cannot be made.
    public func start() throws(SystemError) {
        precondition(ownsPool, "a pool that is shared is started by its owner")
        try pool.start()
    }

    /// Stops accepting, lets answers under way be sent for at most so many seconds, and ends all threads.
    public func stop(gracefulSeconds: Double) {
        precondition(ownsPool, "a pool that is shared is stopped by its owner")
        pool.stop(graceMilliseconds: Int64(gracefulSeconds * 1000))
        sockets = []
    }
}

/// An address that the server listens on.
public struct BoundAddress: Sendable, Equatable, CustomStringConvertible {
    /// The host, or the path of a unix socket.
    public let host: String
    /// The port; 0 for a unix socket.
    public let port: UInt16
    public let isUnix: Bool
    public let isIPv6: Bool

    init(host: String, port: UInt16, family: SocketAddress.Family) {
        self.host = host
        self.port = port
        isUnix = family == .unix
        isIPv6 = family == .ipv6
    }

    public var description: String { isUnix ? host : isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
