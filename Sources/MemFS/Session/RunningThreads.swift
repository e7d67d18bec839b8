// RunningThreads: counts threads that run, and waits until none does.
import Glibc

/// A count that can be waited for.
///
/// SAFETY: owns its mutex and condition variable and frees them with itself.
@safe final class RunningThreads: @unchecked Sendable {  // guarded by `mutex`
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let isNone: UnsafeMutablePointer<pthread_cond_t>
    private var count = 0

    init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe isNone = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(isNone, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(isNone)
        unsafe pthread_mutex_destroy(mutex)
        unsafe isNone.deallocate()
        unsafe mutex.deallocate()
    }

    /// Counts a thread that is about to be started.
    func begin() {
        unsafe pthread_mutex_lock(mutex)
        count += 1
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Counts a thread that ends.
    func end() {
        unsafe pthread_mutex_lock(mutex)
        count -= 1
        if count == 0 { unsafe pthread_cond_broadcast(isNone) }
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Waits until no thread runs.
    /// - Parameter timeoutSeconds: nil = for ever.
    /// - Returns: whether none runs.
    func waitUntilNone(timeoutSeconds: Double? = nil) -> Bool {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        guard let timeoutSeconds else {
            while count > 0 { unsafe pthread_cond_wait(isNone, mutex) }
            return true
        }
        var deadline = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &deadline)
        let nanoseconds = deadline.tv_nsec + Int(timeoutSeconds * 1e9)
        deadline = timespec(tv_sec: deadline.tv_sec + nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
        while count > 0 {
            if unsafe pthread_cond_timedwait(isNone, mutex, &deadline) != 0 { break }
        }
        return count == 0
    }
}
