// What is asked about all connections, by the statistics and by the log.
import Logging
import MemStore

extension WorkerPool {
    /// Calls `body` for each worker with its lock held; `own` is the caller's, whose lock it holds and lends meanwhile;
    /// nil for a thread that is no worker.
    public func forEachWorker(from own: WorkerHandle?, _ body: (WorkerHandle) -> Void) {
        // Two workers that ask at the same moment must not wait for each other: no one waits with its lock held.
        own?.lock.unlock()
        defer { own?.lock.lock() }
        for handle in handles { handle.lock.withLock { body(handle) } }
    }

    /// What all connections hold.
    public func heldMemory(from own: WorkerHandle?) -> ConnectionMemory {
        var held = ConnectionMemory()
        forEachWorker(from: own) { handle in
            for connection in handle.connections {
                held.add(connection.net, arriving: protocols[Int(connection.net.door)].arrivingBytes(connection))
            }
        }
        return held
    }

    /// A connection was taken over from the acceptor.
    func logOpening(_ connection: ConnectionCell) {
        guard logger.logLevel <= .debug else { return }
        let peer = SocketAddress.peer(of: connection.net.descriptor).logText
        connection.net.loggedPeer = Cell(peer)
        logger.debug("connection \(connection.net.descriptor) opened by \(peer)")
    }

    /// A connection is about to be closed.
    func logClosing(_ connection: ConnectionCell, _ served: ServedProtocol) {
        logger.debug(
            "connection \(connection.net.descriptor) of \(connection.net.peerText) closed: \(text(connection.net.closeReason, served))"
        )
    }

    private func text(_ reason: CloseReason, _ served: ServedProtocol) -> String {
        reason.text ?? served.text(of: reason)
    }
}
