// Lock: a pthread mutex at a fixed address, the only lock of the store.
// (`Synchronization.Mutex` is as fast but makes the thread sanitizer of Swift
// 6.3.1 report races that are none.)
import Glibc

/// A mutex that lives in memory of its own, padded to two cache lines so that neighbours never share one.
///
/// SAFETY: the pointer is private, initialised once and freed by `destroy()`;
/// the owner calls that when no thread can reach the lock any more.
@safe public struct Lock: @unchecked Sendable {  // a mutex is made for sharing
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    /// A new, open lock.
    public init() {
        let raw = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 128)
        unsafe mutex = raw.bindMemory(to: pthread_mutex_t.self, capacity: 1)
        let code = unsafe pthread_mutex_init(mutex, nil)
        precondition(code == 0, "pthread_mutex_init failed")
    }

    /// Frees the lock. Nobody may hold or use it.
    public func destroy() {
        unsafe pthread_mutex_destroy(mutex)
        unsafe UnsafeMutableRawPointer(mutex).deallocate()
    }

    /// Waits for the lock and takes it.
    @inline(__always) public func lock() {
        let code = unsafe pthread_mutex_lock(mutex)
        assert(code == 0, "pthread_mutex_lock failed")
    }

    /// Gives the lock back.
    @inline(__always) public func unlock() {
        let code = unsafe pthread_mutex_unlock(mutex)
        assert(code == 0, "pthread_mutex_unlock failed")
    }

    /// Runs `body` with the lock held.
    @inline(__always) public func withLock<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
        lock()
        defer { unlock() }
        return try body()
    }
}
