// NetCounters: what the event loop counts of one protocol's connections on one worker.
import MemStore

/// Counts since the start or the last reset. The worker writes them, any thread reads them (see `Counter`).
public struct NetCounters: CounterSet {
    public var bytesRead: Counter = 0
    public var bytesWritten: Counter = 0
    /// Turns that ended before the input was used up, so that others were served.
    public var yields: Counter = 0
    /// Connections closed for their silence.
    public var idleKicks: Counter = 0
    /// Connections that were parked, and those whose time was over before what they waited for had come.
    public var parkings: Counter = 0
    public var parkingTimeouts: Counter = 0
    /// Times that a connection's output was not taken.
    public var outputStalls: Counter = 0
    /// Connections closed because contents that only readers held took too much memory.
    public var slowReadersClosed: Counter = 0
    /// Connections closed because all of them held too much: input, output, half-sent values.
    public var inputClosed: Counter = 0
    public var outputClosed: Counter = 0
    public var halfSentClosed: Counter = 0

    public init() {}
}
