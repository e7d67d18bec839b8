// ChangeStream: how notices get from whoever changed the tree to whoever must know.

/// The store's notices in order. Without a reader nothing is recorded and nobody waits.
public final class ChangeStream: @unchecked Sendable {  // guarded by its lock
    /// Called by the reader for each notice whose token is not 0, when it has been carried out or given up; from the
    /// reader's thread, with no lock held. The protocol server sets it once, before the first session changes anything.
    public var onCompleted: (@Sendable (_ token: UInt64) -> Void)? {
        get { fatalError() }
        set { fatalError() }
    }

    /// Begins recording: from now on changes made through the port are kept for `next`.
    public func attachReader() { fatalError() }
    /// Ends recording and completes all that is pending, so that nobody waits for a reader that has gone.
    public func detachReader() { fatalError() }

    /// Waits for the next notice; nil when the reader was detached.
    public func next() -> Change? { fatalError() }

    /// Says that a notice was carried out.
    public func complete(_ change: Change) { fatalError() }
}
