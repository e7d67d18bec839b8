// ResponseQueue: responses that are written to the worker's output and are sent together with those of other connections.

/// A part of the output that belongs to one connection.
struct QueuedResponse: BitwiseCopyable {
    /// The cell of the connection (see `ConnectionCell.address`).
    var connection: UInt64
    var start: Int
    var end: Int
}

/// The responses in the order of the output.
typealias ResponseQueue = Batch<QueuedResponse>
