// Acceptor: one thread that accepts the connections of all listening sockets and hands them to the workers that serve, in turn.
// One place decides, so these get equal shares and the limit on connections is exact.
import CShims
import Glibc
import Logging

/// Accepts until it is stopped.
final class Acceptor: @unchecked Sendable {  // its fields are constant or used by its thread alone
    private let shared: ServerState
    private let sockets: [ListeningSocket]
    private let workers: [WorkerFace]
    private let epoll: FileDescriptor
    private let stopEvent: FileDescriptor
    private var nextWorker = 0
    private var hasWarnedOfDescriptors = false
    /// Held open so that a connection for which no descriptor is left can be told so; -1 when it could not be had back.
    private var spare: Int32

    private static let stopToken = UInt64.max
    /// How long nothing is accepted when the process has no descriptor left.
    private static let descriptorPauseMilliseconds: Int32 = 10

    init(shared: ServerState, sockets: [ListeningSocket], workers: [WorkerFace]) throws(SystemError) {
        self.shared = shared
        self.sockets = sockets
        self.workers = workers
        epoll = try FileDescriptor.epoll()
        stopEvent = try FileDescriptor.event()
        spare = eventfd(0, Int32(O_CLOEXEC))
        try Epoll.add(stopEvent.rawValue, to: epoll.rawValue, events: Epoll.readable, token: Self.stopToken)
        for (index, socket) in sockets.enumerated() {
            try Epoll.add(
                socket.descriptor.rawValue, to: epoll.rawValue, events: Epoll.readable, token: UInt64(index))
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
            accept(on: sockets[Int(token)])
        }
    }

    private func accept(on socket: ListeningSocket) {
        while true {
            let descriptor = cs_accept4(
                socket.descriptor.rawValue, nil, nil, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
            if descriptor < 0 {
                if errno == EINTR || errno == ECONNABORTED { continue }
                if errno == EMFILE, rejectWithoutDescriptor(on: socket) { continue }
                if errno != EAGAIN { noteFailure(SystemError("accept4", socket.address.statsText)) }
                return
            }
            if shared.counts.add(1, to: .connections) > UInt64(shared.configuration.connectionsMax) {
                shared.counts.subtract(1, from: .connections)
                reject(descriptor)
                continue
            }
            shared.counts.add(1, to: .connectionsTotal)
            socket.prepare(accepted: descriptor)
            nextWorker = (nextWorker + 1) % Int(shared.counts[.activeWorkers])
            workers[nextWorker].post(.connection(descriptor))
        }
    }

    private func reject(_ descriptor: Int32) {
        shared.counts.add(1, to: .rejected)
        let line = ("ERROR Too many open connections\r\n" as StaticString).bytes
        _ = unsafe cs_send(descriptor, line.pointer, line.count)
        close(descriptor)
    }

    /// The process has no descriptor left: uses the spare one to tell a client so. False: there is none either.
    private func rejectWithoutDescriptor(on socket: ListeningSocket) -> Bool {
        guard spare >= 0 else { return false }
        close(spare)
        let descriptor = cs_accept4(socket.descriptor.rawValue, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
        let isAccepted = descriptor >= 0
        if isAccepted { reject(descriptor) }
        spare = eventfd(0, Int32(O_CLOEXEC))
        return isAccepted
    }

    /// No descriptor is left: the listening socket stays readable, so wait a little instead of asking again at once.
    private func noteFailure(_ error: SystemError) {
        shared.counts.add(1, to: .acceptErrors)
        if !hasWarnedOfDescriptors {
            hasWarnedOfDescriptors = true
            shared.logger.warning("connections cannot be accepted", metadata: ["error": "\(error)"])
        }
        var stop = pollfd(fd: stopEvent.rawValue, events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&stop, 1, Self.descriptorPauseMilliseconds)
    }
}
