// RequestTurns: which threads of a mount take requests from the device. Of several threads that sleep there the kernel
// wakes another one for each request, with cold caches and, on one CPU, needless switches. So one thread takes them all
// as long as it keeps up; the others sleep here.
import Glibc

/// The turns at the device. A thread takes one, keeps it over many short requests, and gives it away before a long one.
///
/// SAFETY: owns its mutex and condition variable and frees them with itself.
@safe final class RequestTurns: @unchecked Sendable {  // guarded by `mutex`, but for `turns`, which is atomic
    private let threadCount: Int
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let isFree: UnsafeMutablePointer<pthread_cond_t>
    /// How many threads may have a turn at one time, 1 ... `threadCount`. Changed under the lock.
    private let turns = AtomicWord(1)
    private var takenCount = 0
    private var isClosed = false

    /// - Parameter threadCount: threads that will ask for turns, at least 1.
    init(threadCount: Int) {
        self.threadCount = threadCount
        unsafe mutex = .allocate(capacity: 1)
        unsafe isFree = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(isFree, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(isFree)
        unsafe pthread_mutex_destroy(mutex)
        unsafe isFree.deallocate()
        unsafe mutex.deallocate()
    }

    /// Whether more than one thread takes requests now. A glance, without the lock.
    var isShared: Bool { turns.value > 1 }

    /// Waits for a turn and takes it; false when there will be none any more.
    func take() -> Bool {
        lock()
        defer { unlock() }
        while !isClosed, takenCount >= Int(turns.value) { unsafe pthread_cond_wait(isFree, mutex) }
        if isClosed { return false }
        takenCount += 1
        return true
    }

    /// Ends a turn; another thread takes over.
    func giveAway() {
        lock()
        takenCount -= 1
        unlock()
        unsafe pthread_cond_signal(isFree)
    }

    /// Lets one thread more take requests, since they come faster than they are carried out.
    func add() {
        lock()
        if Int(turns.value) < threadCount { turns.value += 1 }
        unlock()
        unsafe pthread_cond_signal(isFree)
    }

    /// Ends a turn that is not needed any more; false when it is the last, which the caller keeps.
    func leave() -> Bool {
        lock()
        defer { unlock() }
        guard turns.value > 1 else { return false }
        turns.value -= 1
        takenCount -= 1
        return true
    }

    /// Ends all: nobody gets a turn any more.
    func close() {
        lock()
        isClosed = true
        unlock()
        unsafe pthread_cond_broadcast(isFree)
    }

    private func lock() { unsafe pthread_mutex_lock(mutex) }
    private func unlock() { unsafe pthread_mutex_unlock(mutex) }
}

/// What one thread makes of how long it waited for its requests.
struct RequestPace {
    /// What to do after a request.
    enum Advice { case goOn, callHelp, leave }

    /// A request that comes within this time may have been there already, in nanoseconds. A program on the same CPU can
    /// send its next one as soon.
    static let atOnceMax: UInt64 = 3_000
    /// Who waits longer than this is not needed beside others, in nanoseconds.
    static let busyWaitMax: UInt64 = 20_000
    /// So many requests that were there already mean that they come faster than they are carried out.
    static let backlogMin = 16

    private var atOnceCount = 0
    private var sleepsBefore = 0

    /// Judges a wait of `nanoseconds`.
    /// - Parameters:
    ///   - isShared: other threads take requests too.
    ///   - sleepCount: how often the thread has slept so far; asked for seldom.
    mutating func advice(after nanoseconds: UInt64, isShared: Bool, sleepCount: () -> Int) -> Advice {
        guard nanoseconds <= Self.atOnceMax else {
            atOnceCount = 0
            return isShared && nanoseconds > Self.busyWaitMax ? .leave : .goOn
        }
        atOnceCount += 1
        guard atOnceCount >= Self.backlogMin else { return .goOn }
        atOnceCount = 0
        let sleeps = sleepCount()
        defer { sleepsBefore = sleeps }
        return sleeps == sleepsBefore ? .callHelp : .goOn
    }
}
