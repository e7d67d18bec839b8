// PoolConfiguration: every option of the event loop. The options of a protocol are its own.

/// What a pool of workers is made with.
public struct PoolConfiguration: Sendable {
    /// Threads that serve connections, at least 1.
    public var workerCount = 4
    /// All of them serve from the start, instead of as many as keep up (`WorkerCountTuner`).
    public var usesAllWorkers = false
    /// Connections of all protocols at one time, at least 1.
    public var connectionsMax = 1024
    /// What all connections may hold together.
    public var memoryMax = ConnectionMemory(input: 64 << 20, output: 64 << 20, halfSent: 16 << 20)
    /// What those of one worker may hold at least, however many workers there are: room for the largest requests of a few.
    public var workerMemoryMin = ConnectionMemory(input: 2 << 20, output: NetLimits.outputBufferBytes, halfSent: 0)

    public init() {}

    /// What the connections of each of so many workers may hold.
    public func memoryShare(workers: Int) -> ConnectionMemory {
        ConnectionMemory(
            input: max(memoryMax.input / workers, workerMemoryMin.input),
            output: max(memoryMax.output / workers, workerMemoryMin.output),
            halfSent: max(memoryMax.halfSent / workers, workerMemoryMin.halfSent))
    }
}
