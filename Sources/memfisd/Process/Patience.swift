// Patience: how long the monitor waits for the end of a server that is to end. It knows times, no processes.

/// The deadlines of one server's end. All times are of one clock that never goes back.
struct Patience {
    /// How long the server may take to end after a signal to stop before it is killed, in milliseconds.
    static let stopGraceMilliseconds: Int64 = 30_000
    /// How long the system may take to end a server that was killed or that crashed, in milliseconds. Much memory takes seconds.
    static let endGraceMilliseconds: Int64 = 30_000

    /// What is to be done now.
    enum Step { case wait, kill, giveUp }

    private var deadlineMilliseconds: Int64?
    private var isEnding = false

    var hasDeadline: Bool { deadlineMilliseconds != nil }

    /// A signal to stop was passed on. A later one gives no more time.
    mutating func stopIsAsked(nowMilliseconds: Int64) {
        if deadlineMilliseconds == nil { deadlineMilliseconds = nowMilliseconds + Self.stopGraceMilliseconds }
    }

    /// The server is ending already: killing it would change nothing.
    mutating func endIsSeen(nowMilliseconds: Int64) {
        if isEnding { return }
        isEnding = true
        deadlineMilliseconds = nowMilliseconds + Self.endGraceMilliseconds
    }

    /// The next step; `kill` comes once.
    mutating func step(nowMilliseconds: Int64) -> Step {
        guard let deadlineMilliseconds, nowMilliseconds >= deadlineMilliseconds else { return .wait }
        if isEnding { return .giveUp }
        endIsSeen(nowMilliseconds: nowMilliseconds)
        return .kill
    }
}
