// Acceptor: one thread that accepts the connections of all listening sockets and hands them to the workers that serve, in turn.
// One place decides, so these get equal shares and the limit on connections is exact.
import CShims
import Glibc
import Logging
import MemStore

/// Accepts until it is stopped.
final class Acceptor: @unchecked Sendable {  // its fields are constant or used by its thread alone
    private let pool: WorkerPool
    private let sockets: [(socket: ListeningSocket, number: Int)]
    private let workers: [WorkerHandle]
    private let epoll: FileDescriptor
    private let stopEvent: FileDescriptor
    private var nextWorker = 0
    private var hasWarnedOfDescriptors = false
    /// Held open so that a connection for which no descriptor is left can be told so; -1 when it could not be had back.
    private var spare: Int32

    private static let stopToken = UInt64.max
    /// How long nothing is accepted when the process has no descriptor left.
    private static let descriptorPauseMilliseconds: Int32 = 10

    /// - Parameter sockets: each with the number of its protocol.
    init(
        _ pool: WorkerPool, _ sockets: [(socket: ListeningSocket, number: Int)], workers: [WorkerHandle]
    ) throws(SystemError) {
        self.pool = pool
        self.sockets = sockets
        self.workers = workers
        epoll = try FileDescriptor.epoll()
        stopEvent = try FileDescriptor.event()
        spare = eventfd(0, Int32(O_CLOEXEC))
        try Epoll.add(stopEvent.rawValue, to: epoll.rawValue, events: Epoll.readable, token: Self.stopToken)
        for (index, entry) in sockets.enumerated() {
            try Epoll.add(
                entry.socket.descriptor.rawValue, to: epoll.rawValue, events: Epoll.readable, token: UInt64(index))
        }
    }

    deinit { if spare >= 0 { close(spare) } }

    /// Makes `run` return. Any thread.
    func stop() { eventfd_write(stopEvent.rawValue, 1) }

    /// Accepts connections until `stop`. Runs on the acceptor's thread.
    func run() {
        var event = unsafe epoll_event()
        while true {
            let count = unsafe epoll_wait(epoll.rawValue, &event, 1, -1)
            precondition(count >= 0 || errno == EINTR, "epoll_wait failed")
            if count < 1 { continue }
            let token = unsafe event.data.u64
            if token == Self.stopToken { return }
            let (socket, number) = sockets[Int(token)]
            accept(on: socket, pool.protocols[number])
        }
    }

    private func accept(on socket: ListeningSocket, _ served: ServedProtocol) {
        while true {
            let descriptor = cs_accept4(
                socket.descriptor.rawValue, nil, nil, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
            if descriptor < 0 {
                if errno == EINTR || errno == ECONNABORTED { continue }
                if errno == EMFILE, rejectWithoutDescriptor(on: socket, served) { continue }
                if errno != EAGAIN { noteFailure(SystemError("accept4", socket.address.statsText)) }
                return
            }
            if pool.counts.add(1, to: .connections) > UInt64(pool.configuration.connectionsMax) {
                pool.counts.subtract(1, from: .connections)
                reject(descriptor, served)
                continue
            }
            served.counts.add(1, to: .connections)
            served.counts.add(1, to: .connectionsTotal)
            socket.prepare(accepted: descriptor)
            nextWorker = (nextWorker + 1) % pool.servingCount
            workers[nextWorker].post(.connection(descriptor, protocol: served.number))
        }
    }

    private func reject(_ descriptor: Int32, _ served: ServedProtocol) {
        served.counts.add(1, to: .rejected)
        let line = served.rejection
        if !line.isEmpty { _ = unsafe cs_send(descriptor, line.pointer, line.count) }
        close(descriptor)
    }

    /// The process has no descriptor left: uses the spare one to tell a client so. False: there is none either.
    private func rejectWithoutDescriptor(on socket: ListeningSocket, _ served: ServedProtocol) -> Bool {
        guard spare >= 0 else { return false }
        close(spare)
        let descriptor = cs_accept4(socket.descriptor.rawValue, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
        let isAccepted = descriptor >= 0
        if isAccepted { reject(descriptor, served) }
        spare = eventfd(0, Int32(O_CLOEXEC))
        return isAccepted
    }

    /// No descriptor is left: the listening socket stays readable, so wait a little instead of asking again at once.
    private func noteFailure(_ error: SystemError) {
        pool.counts.add(1, to: .acceptErrors)
        if !hasWarnedOfDescriptors {
            hasWarnedOfDescriptors = true
            pool.logger.warning("connections cannot be accepted", metadata: ["error": "\(error)"])
        }
        var stop = pollfd(fd: stopEvent.rawValue, events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&stop, 1, Self.descriptorPauseMilliseconds)
    }
}
