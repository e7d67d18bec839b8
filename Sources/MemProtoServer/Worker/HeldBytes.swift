// HeldBytes: what connections hold between two events, in bytes: the beginnings of requests, answers that are not taken,
// values of which a part has arrived. Each kind has a bound over all connections.

/// Bytes held by some connections.
struct HeldBytes {
    /// Kept input: lines and short values whose end has not come.
    var input = 0
    /// Answers that wait for their socket; what they send by reference is not among them.
    var output = 0
    /// The store's memory behind values that have not wholly arrived.
    var halfSent = 0

    /// Adds what one connection holds.
    mutating func add(_ connection: Connection) {
        input += connection.kept.capacityBytes
        output += connection.pendingOutput?.value.unsent.count ?? 0
        halfSent += connection.arriving?.value.receivedCount ?? 0
    }
}
