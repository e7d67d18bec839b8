// LoadSampler: measures ten times a second what the workers do, by whichever worker comes by first, and lets as many serve as
// `WorkerCountTuner` finds best. Workers without requests measure nothing, so an idle server stays asleep.
import CShims
import Glibc
import MemStore

/// Measures the workers of a pool. The first `WorkerCountTuner.count` of them serve, the others rest and have no connections.
final class LoadSampler: @unchecked Sendable {  // behind `lock`, but for constants
    /// Milliseconds between two samples.
    static let windowMilliseconds: Int64 = 100
    /// A window that became longer than this had no load in it that could be judged.
    private static let windowMaxNanoseconds: UInt64 = 300_000_000

    /// The pool has the sampler, and lives as long as its workers, which use it.
    private unowned let pool: WorkerPool
    private let handles: [WorkerHandle]
    /// Nobody waits for it: one sample at a time is enough.
    private let lock = Lock()
    private var tuner: WorkerCountTuner
    private var sampledAt: UInt64
    private var before: [WorkerLoad]

    /// What one worker has done so far.
    private struct WorkerLoad {
        var times = RunTimes()
        var turns: UInt64 = 0
    }

    init(_ pool: WorkerPool, _ handles: [WorkerHandle]) {
        self.pool = pool
        self.handles = handles
        tuner = WorkerCountTuner(most: handles.count)
        before = handles.map { _ in WorkerLoad() }
        sampledAt = Monotonic.nanoseconds
        pool.counts[.servingWorkers] = UInt64(tuner.count)
    }

    deinit { lock.destroy() }

    /// Measures what the workers did since the last time, unless that was just now, and lets another number of them serve if
    /// that is better. Any worker.
    func sample() {
        guard lock.tryLock() else { return }
        defer { lock.unlock() }
        let length = Monotonic.nanoseconds &- sampledAt
        // The worker's clock is a coarse one.
        guard length >= UInt64(Self.windowMilliseconds) * 900_000 else { return }
        var window = LoadSample(length: length, running: 0, waiting: 0, busiest: 0, turns: 0)
        var isWhole = length <= Self.windowMaxNanoseconds
        for (number, handle) in handles.enumerated() {
            guard let times = RunTimes(ofThread: handle.progress.threadID) else {
                isWhole = false
                continue
            }
            let load = WorkerLoad(times: times, turns: handle.progress.turns)
            let running = load.times.running &- before[number].times.running
            let waiting = load.times.waiting &- before[number].times.waiting
            window.running += running
            window.waiting += waiting
            if number < tuner.count { window.busiest = max(window.busiest, running + waiting) }
            window.turns &+= load.turns &- before[number].turns
            before[number] = load
        }
        sampledAt &+= length
        let count = tuner.count
        if isWhole { tuner.judge(window) } else { tuner.interrupt() }
        if tuner.count != count { pool.serve(workers: tuner.count) }
    }
}
