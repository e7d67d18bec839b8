// RequestTurns: which threads of a mount take requests from the device. Of several threads that sleep there the kernel
// wakes another one for each request, with cold caches and, on one CPU, needless switches. So one thread takes them all
// as long as it keeps up; the others sleep here.
import MemStore

/// The turns at the device. A thread takes one, keeps it over many short requests, and gives it away before a long one.
final class RequestTurns: @unchecked Sendable {  // guarded by `lock`; `turns` can be read without
    private let threadCount: Int
    private let lock = Lock()
    private let isFree = Condition()
    /// How many threads may have a turn at one time, 1 ... `threadCount`.
    private let turns = AtomicWord(1)
    private var takenCount = 0
    private var isClosed = false

    /// - Parameter threadCount: threads that will ask for turns, at least 1.
    init(threadCount: Int) { self.threadCount = threadCount }

    deinit {
        isFree.destroy()
        lock.destroy()
    }

    /// Whether more than one thread takes requests now. A glance, without the lock.
    var isShared: Bool { turns.value > 1 }

    /// Waits for a turn and takes it; false when there will be none any more.
    func take() -> Bool {
        lock.withLock {
            while !isClosed, takenCount >= Int(turns.value) { isFree.wait(lock) }
            if !isClosed { takenCount += 1 }
            return !isClosed
        }
    }

    /// Ends a turn; another thread takes over.
    func giveAway() {
        lock.withLock { takenCount -= 1 }
        isFree.wakeOne()
    }

    /// Lets one thread more take requests, since they come faster than they are carried out.
    func add() {
        lock.withLock { if Int(turns.value) < threadCount { turns.value += 1 } }
        isFree.wakeOne()
    }

    /// Ends a turn that is not needed any more; false when it is the last, which the caller keeps.
    func leave() -> Bool {
        lock.withLock {
            guard turns.value > 1 else { return false }
            turns.value -= 1
            takenCount -= 1
            return true
        }
    }

    /// Ends all: nobody gets a turn any more.
    func close() {
        lock.withLock { isClosed = true }
        isFree.wakeAll()
    }
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
