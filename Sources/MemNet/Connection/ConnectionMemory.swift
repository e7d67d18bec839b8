// ConnectionMemory: what connections hold between two events, in bytes: the beginnings of requests, responses that are not
// taken, values of which a part has arrived. Each kind has a bound over all connections.

/// Bytes held by some connections, or what they may hold.
public struct ConnectionMemory: Sendable {
    /// Kept input: requests whose end has not come.
    public var input: Int
    /// Responses that wait for their socket; what they send by reference is not among them.
    public var output: Int
    /// The protocols' memory behind values that have not wholly arrived.
    public var halfSent: Int

    public init(input: Int = 0, output: Int = 0, halfSent: Int = 0) {
        self.input = input
        self.output = output
        self.halfSent = halfSent
    }

    /// Adds what one connection holds; `arriving` is the protocol's part of it.
    mutating func add(_ connection: Connection, arriving: Int) {
        input += connection.kept.capacityBytes
        output += connection.pendingOutput?.value.unsent.count ?? 0
        halfSent += arriving
    }
}
