// TurnStatus: what a protocol says at the end of a turn.

/// Why a protocol stopped executing a connection's input.
public enum TurnStatus: Sendable {
    /// The rest of the input is the beginning of something: more bytes are needed.
    case needsInput
    /// Send the output, then go on with the rest of the input.
    case outputFull
    /// The connection had its turn; the others first.
    case yield
    /// The output is held back until `Connection.awaitedCount` messages have come; then go on.
    case parked
    /// Send the output and close.
    case close
}

/// How far one run got.
public struct TurnResult: Sendable {
    /// Bytes of the input that are used up.
    public var consumed: Int
    public var status: TurnStatus

    @inlinable public init(consumed: Int, status: TurnStatus) {
        self.consumed = consumed
        self.status = status
    }
}
