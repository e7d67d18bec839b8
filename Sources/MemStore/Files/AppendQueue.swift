// AppendQueue: files that grow by O_APPEND while they stay open, in the order in
// which they are due to be published.
import DequeModule

/// The queue. Its length is bounded by the files that are open: each is in it once.
final class AppendQueue: @unchecked Sendable {  // guarded by its lock
    /// One file.
    private struct Due {
        var ino: UInt32
        var generation: UInt32
        var milliseconds: Int64
    }

    private let lock = Lock()
    private let intervalMilliseconds: Int64
    private var queue: Deque<Due> = []

    init(intervalSeconds: Double) { intervalMilliseconds = Int64(max(0, min(intervalSeconds, 1e9)) * 1000) }

    deinit { lock.destroy() }

    /// Adds a file, due an interval from now. Locks of the store may be held: this one is the last.
    func append(ino: UInt32, generation: UInt32) {
        let due = Due(
            ino: ino, generation: generation, milliseconds: Monotonic.coarseMilliseconds + intervalMilliseconds)
        lock.withLock { queue.append(due) }
    }

    /// Takes the first file if it is due.
    func takeDue() -> (ino: UInt32, generation: UInt32)? {
        let now = Monotonic.coarseMilliseconds
        return lock.withLock {
            guard let due = queue.first, due.milliseconds <= now else { return nil }
            queue.removeFirst()
            return (due.ino, due.generation)
        }
    }
}
