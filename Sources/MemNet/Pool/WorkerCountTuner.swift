// WorkerCountTuner: how many of the workers serve. As few as keep up: a thread that has to wait for a CPU lets its connections
// wait, and one worker with many requests answers them with less work than two with few.

/// What the workers did for a while.
struct LoadSample {
    /// How long it was; all times are in nanoseconds.
    var length: UInt64
    /// Time on a CPU, and time that work had to wait for one, of all workers.
    var running: UInt64
    var waiting: UInt64
    /// Both of the busiest worker that serves.
    var busiest: UInt64
    /// Turns that connections got.
    var turns: UInt64

    /// Some worker hardly ever had nothing to do.
    var isFull: Bool { busiest >= length / 10 * 9 }
    /// There are more threads than CPUs for them: of five parts of the time that they had work, one was spent waiting.
    var isCrowded: Bool { waiting * 4 >= running }
    var turnsPerSecond: Double { Double(turns) * 1e9 / Double(max(1, length)) }
}

/// Finds the number by trying: another one is kept if it shows that it serves as well.
struct WorkerCountTuner {
    /// Workers that there are.
    let most: Int
    /// Workers that serve.
    private(set) var count = 1
    /// The last window was full: what was served in it was no beginning.
    private var wasFull = false
    /// What is being tried: how many served before, and how much.
    private var trial: (from: Int, turnsPerSecond: Double)?
    /// Windows until something is tried again, and how many it will be after the next failure.
    private var rest = 0
    private var nextRest = Self.restMin

    /// One second, and 16, in which a trial is not felt.
    static let restMin = 10
    static let restMax = 160

    init(most: Int) {
        precondition(most >= 1, "a pool of no workers")
        self.most = most
    }

    /// Draws the conclusions from one more window.
    mutating func judge(_ window: LoadSample) {
        defer { wasFull = window.isFull }
        if let trial {
            self.trial = nil
            return end(trial, window)
        }
        if rest > 0 {
            rest -= 1
        } else if window.isCrowded, count > 1 {
            trial = (count, window.turnsPerSecond)
            count -= 1
        } else if window.isFull, wasFull, count < most {
            trial = (count, window.turnsPerSecond)
            count = min(count * 2, most)
        }
    }

    /// Nothing can be said about the time since the last window: the load was away.
    mutating func interrupt() {
        trial = nil
        wasFull = false
    }

    private mutating func end(_ trial: (from: Int, turnsPerSecond: Double), _ window: LoadSample) {
        // More workers are kept if no thread waits for a CPU; otherwise they must raise the throughput by 5 %. Fewer workers
        // must not lose as much.
        let hasFailed =
            count > trial.from
            ? window.isCrowded && window.turnsPerSecond < trial.turnsPerSecond * 1.05
            : window.isFull && window.turnsPerSecond < trial.turnsPerSecond * 0.95
        if hasFailed {
            count = trial.from
            rest = nextRest
            nextRest = min(nextRest * 2, Self.restMax)
        } else if window.isCrowded {
            rest = Self.restMin
        } else {
            nextRest = Self.restMin
        }
    }
}
