// AnswerQueue: answers that are written to the worker's output and are sent together with those of other connections.

/// A part of the output that belongs to one connection.
struct QueuedAnswer: BitwiseCopyable {
    /// The cell of the connection (see `Cell.address`).
    var connection: UInt64
    var start: Int
    var end: Int
}

/// The answers in the order of the output.
typealias AnswerQueue = Batch<QueuedAnswer>
