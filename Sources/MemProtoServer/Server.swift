// Server: the protocol door as its owner sees it: made, bound, started, stopped.
import Glibc
import Logging
import MemStore

/// Serves a store over memcached's text protocol.
///
/// `init`, `bind()`, `start()`, `stop(gracefulSeconds:)`, in this order, by one thread at a time.
public final class Server: @unchecked Sendable {  // its owner's calls do not overlap
    let shared: ServerState
    private var sockets: [ListeningSocket] = []
    private var acceptor: Acceptor?
    private var threads: [Thread] = []
    private var acceptorThread: Thread?
    private var faces: [WorkerFace] = []

    /// A server that does nothing yet.
    public init(store: Store, configuration: ServerConfiguration, logger: Logger) {
        precondition(configuration.workerCount >= 1, "a server needs a worker")
        shared = ServerState(configuration: configuration, store: store, logger: logger)
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
        let configuration = shared.configuration
        var bound: [ListeningSocket] = []
        for descriptor in configuration.inheritedSockets { bound.append(ListeningSocket(owning: descriptor)) }
        if let path = configuration.unixPath {
            bound.append(
                try ListeningSocket.unix(
                    path: path, mode: configuration.unixMode, group: configuration.unixGroup,
                    backlog: configuration.backlog))
        }
        if let port = configuration.tcpPort {
            for address in try ListenAddress.all(configuration.listenHosts, port: port) {
                try bindTCP(address, port, &bound)
            }
        }
        sockets = bound
        shared.listeners = bound.map { ($0.descriptor.rawValue, $0.address) }
    }

    /// Binds one address. With "any free port", all addresses get the port that the first one got.
    private func bindTCP(_ wanted: ListenAddress, _ port: UInt16, _ bound: inout [ListeningSocket]) throws(SystemError)
    {
        var address = wanted.address
        if address.port == 0, let first = bound.first(where: { $0.address.port != 0 }) {
            address = address.with(port: first.address.port)
        }
        do throws(SystemError) {
            bound.append(try ListeningSocket.tcp(address, backlog: shared.configuration.backlog))
        } catch {
            // A machine without IPv6 has no ::1; what the operator named must work.
            guard wanted.isOptional, error.errno == EADDRNOTAVAIL || error.errno == EAFNOSUPPORT else { throw error }
        }
    }

    /// Where the server listens: `127.0.0.1:11211`, `[::1]:11211`, `/run/memfisd.sock`.
    public var boundAddresses: [BoundAddress] {
        sockets.map { BoundAddress(host: $0.address.host, port: $0.address.port, family: $0.address.family) }
    }

    /// Starts the workers and accepts connections.
    /// - Throws: when a thread or an epoll cannot be made.
    public func start() throws(SystemError) {
        precondition(threads.isEmpty, "a server is started twice")
        for number in 0..<shared.configuration.workerCount { faces.append(try WorkerFace(number: number)) }
        shared.faces = faces
        shared.counts[.activeWorkers] = UInt64(faces.count)
        if faces.count > 1, !shared.configuration.usesAllWorkers, RunTimes.areCounted {
            shared.crew = Crew(shared: shared, faces: faces)
        }
        let mailboxes = faces
        shared.store.changes.onCompleted = { token in
            let number = Int(token >> 48) - 1
            if mailboxes.indices.contains(number) { mailboxes[number].post(.changeCompleted(token)) }
        }
        for face in faces {
            let worker = try Worker.make(face: face, shared: shared)
            threads.append(
                try Thread.start(name: "worker \(face.number)") {
                    worker.value.run()
                    worker.destroy()
                })
        }
        let acceptor = try Acceptor(shared: shared, sockets: sockets, workers: faces)
        self.acceptor = acceptor
        acceptorThread = try Thread.start(name: "acceptor") { acceptor.run() }
    }

    /// Stops accepting, lets answers under way be sent for at most so many seconds, and ends all threads.
    public func stop(gracefulSeconds: Double) {
        acceptor?.stop()
        acceptorThread?.join()
        acceptorThread = nil
        acceptor = nil
        sockets = []
        for face in faces { face.post(.stop(graceMilliseconds: Int64(gracefulSeconds * 1000))) }
        for thread in threads { thread.join() }
        for face in faces { face.closeMail(shared.counts) }
        threads = []
        faces = []
        shared.faces = []
        shared.crew = nil
    }

    deinit { precondition(threads.isEmpty, "a server ends while it runs") }
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
