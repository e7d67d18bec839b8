// ServedProtocol: a protocol that a pool of workers serves, as the whole server sees it. It makes a `ConnectionDoor` for each
// worker, which does the work; what is asked here is asked rarely, and by any thread.
import MemStore

/// One protocol of a pool. Subclasses are made before the pool starts and live longer than it.
open class ServedProtocol: @unchecked Sendable {  // subclasses keep constants, or guard what they change
    /// Counts of this protocol's connections.
    public enum CountName: Int, CaseIterable { case connections, connectionsTotal, rejected }

    /// Its number in the pool, which its connections carry (`Connection.door`).
    public internal(set) var number = 0
    public let counts: SharedCounts<CountName>

    /// - Parameter counts: freed at the end.
    public init(counts: SharedCounts<CountName> = SharedCounts()) { self.counts = counts }

    deinit { counts.destroy() }

    /// Bytes of the protocol's own state of a connection, behind the event loop's part.
    open var stateBytes: Int { 0 }

    /// What a client is told that finds too many others connected; empty = nothing.
    open var rejection: Bytes { .empty }

    /// The pool is about to start with these workers.
    open func poolStarts(_ workers: [WorkerHandle]) {}

    /// Its door on one worker; called before the worker's thread starts.
    ///
    /// - Parameter output: where its responses go; shared with the other doors of the worker.
    open func makeDoor(_ worker: WorkerHandle, output: Cell<OutputBuffer>) -> ConnectionDoor {
        preconditionFailure("a protocol has a door")
    }

    /// Makes a new connection's state.
    open func open(_ connection: ConnectionCell) {}

    /// Ends a connection's state, which has nothing under way.
    open func end(_ connection: ConnectionCell) {}

    /// Bytes of the protocol's memory behind a value that has not wholly arrived. The connection's worker stands still.
    open func arrivingBytes(_ connection: ConnectionCell) -> Int { 0 }

    /// A reason of its own to close a connection, in words.
    open func text(of reason: CloseReason) -> String { "reason \(reason.code)" }
}
