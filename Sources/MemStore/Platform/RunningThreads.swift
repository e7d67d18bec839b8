// RunningThreads: counts threads that run, and waits until none does.

/// A count that can be waited for.
public final class RunningThreads: @unchecked Sendable {  // guarded by `lock`
    private let lock = Lock()
    private let isNone = Condition()
    private var count = 0

    public init() {}

    deinit {
        isNone.destroy()
        lock.destroy()
    }

    /// Counts a thread that is about to be started.
    public func begin() { lock.withLock { count += 1 } }

    /// Counts a thread that ends.
    public func end() {
        lock.withLock {
            count -= 1
            if count == 0 { isNone.wakeAll() }
        }
    }

    /// Waits until no thread runs.
    /// - Parameter timeoutSeconds: nil = for ever.
    /// - Returns: whether none runs.
    public func waitUntilNone(timeoutSeconds: Double? = nil) -> Bool {
        let deadline = timeoutSeconds.map { Monotonic.nanoseconds + UInt64($0 * 1e9) }
        return lock.withLock {
            while count > 0 {
                guard let deadline else {
                    isNone.wait(lock)
                    continue
                }
                if Monotonic.nanoseconds >= deadline { break }
                isNone.wait(lock, until: deadline)
            }
            return count == 0
        }
    }
}
