// Lock: a pthread mutex at a fixed address, the only lock of the store.
// (`Synchronization.Mutex` is as fast but makes the thread sanitizer of Swift
// 6.3.1 report races that are none.)
import CShims
import Glibc

/// A mutex that lives in memory of its own, padded to two cache lines so that neighbours never share one.
///
/// SAFETY: the pointer is private, initialised once and freed by `destroy()`;
/// the owner calls that when no thread can reach the lock any more.
@safe public struct Lock: @unchecked Sendable {  // a mutex is made for sharing
    fileprivate let mutex: UnsafeMutablePointer<pthread_mutex_t>

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

    /// Waits for the lock and takes it. The time that this takes is counted for the thread (see `Slice`).
    @inline(__always) public func lock() {
        if !tryLock() { wait() }
    }

    private func wait() {
        let begun = Monotonic.nanoseconds
        let code = unsafe pthread_mutex_lock(mutex)
        assert(code == 0, "pthread_mutex_lock failed")
        cs_count_wait(Monotonic.nanoseconds &- begun)
    }

    /// Takes the lock if nobody has it.
    @inline(__always) public func tryLock() -> Bool { unsafe pthread_mutex_trylock(mutex) == 0 }

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

/// A condition that threads wait for under a `Lock`.
///
/// SAFETY: the pointer is private, initialised once and freed by `destroy()`, when no thread can wait any more.
@safe public struct Condition: @unchecked Sendable {  // a condition variable is made for sharing
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    /// A new condition that nobody waits for.
    public init() {
        unsafe condition = .allocate(capacity: 1)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        let code = unsafe pthread_cond_init(condition, &attributes)
        precondition(code == 0, "pthread_cond_init failed")
        unsafe pthread_condattr_destroy(&attributes)
    }

    /// Frees the condition. Nobody may wait for it.
    public func destroy() {
        unsafe pthread_cond_destroy(condition)
        unsafe condition.deallocate()
    }

    /// Gives the lock back, waits to be woken, and takes the lock again. May wake without a cause.
    public func wait(_ lock: Lock) { unsafe pthread_cond_wait(condition, lock.mutex) }

    /// The same, but until `nanoseconds` of the monotonic clock at the longest.
    public func wait(_ lock: Lock, until nanoseconds: UInt64) {
        var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        unsafe pthread_cond_timedwait(condition, lock.mutex, &time)
    }

    /// Wakes one thread that waits, if any does.
    public func wakeOne() { unsafe pthread_cond_signal(condition) }

    /// Wakes all that wait.
    public func wakeAll() { unsafe pthread_cond_broadcast(condition) }
}
