// ConnectionWaker: how another thread gives a connection a turn without input: log lines for a watcher, say.

/// Named by mail to a worker (`WorkerMessage.wake`). A connection that has one stays with its worker.
open class ConnectionWaker: @unchecked Sendable {  // `connection` is its worker's alone; subclasses guard what they add
    /// The client, used by its worker alone; nil when it has gone.
    public final var connection: ConnectionCell?

    public init(_ connection: ConnectionCell) { self.connection = connection }

    /// The worker is about to give the connection its turn.
    open func willRun() {}
}
