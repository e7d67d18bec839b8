// StoreSession: one thread's access to the store. It carries what must not be
// shared between threads: the second that a batch of commands sees, counters,
// reserved memory, the slot in the tree's lock.

extension StoreSession {
    // MARK: keys

    /// Whether the key begins with a prefix, and so names a file of the tree (or none).
    public func isFileKey(_ key: Bytes) -> Bool { fatalError() }

    /// The hash of a key: XXH3 with the store's random seed.
    public func hash(_ key: Bytes) -> UInt64 { fatalError() }

    /// Hints for a batch: first for every key `prefetchIndex`, then `prefetchRecord`, then the gets.
    public func prefetchIndex(_ hash: UInt64) {}
    public func prefetchRecord(_ hash: UInt64) {}

    // MARK: reading

    /// Finds the item or published file of `key`. On a hit the shard stays locked until `endGet(view)`; between the
    /// two calls do nothing but copy. `endGet` is right after a miss too, and does nothing.
    public func beginGet(_ key: Bytes, hash: UInt64) -> ItemView { fatalError() }

    /// The same with a touch, a vivify, marks (see `GetOptions`).
    public func beginGet(_ key: Bytes, hash: UInt64, options: GetOptions) -> ItemView { fatalError() }

    /// Ends the loan of `beginGet`.
    public func endGet(_ view: ItemView) { fatalError() }

    /// Takes a lease on the head of a hit's value; call it between `beginGet` and `endGet`, when `headLength` > 0.
    public func lease(_ view: ItemView) -> ContentLease { fatalError() }

    /// The bytes of a lease from `offset` on, as long a run as lies together (at most `maxLength`), pinned until
    /// `unpin` is called with the same arguments' result. Empty at the lease's end.
    public func pinRun(_ lease: ContentLease, at offset: Int, maxLength: Int) -> Bytes { fatalError() }

    /// Ends the pin of one run.
    public func unpin(_ run: Bytes) { fatalError() }

    /// Gives a lease back; the last reader of a replaced value frees it.
    public func release(_ lease: ContentLease) { fatalError() }

    // MARK: writing

    /// A storage command whose whole value is at hand.
    public func store(_ key: Bytes, hash: UInt64, value: Bytes, _ command: StoreCommand) -> StoreResult { fatalError() }

    /// Whether a value of `length` bytes under `key` passes the largest item size (file keys: never).
    public func isTooLarge(key: Bytes, flags: UInt32, length: Int) -> Bool { fatalError() }

    /// Begins a value that arrives in pieces. Takes no memory yet: that comes as bytes arrive.
    public func beginValue() -> PendingValue { fatalError() }

    /// Room for the next bytes of a value of which `remaining` bytes are still to come; never empty, at most
    /// `remaining` long. Nil: memory is lacking.
    @unsafe public func nextSpace(_ value: PendingValue, remaining: Int) -> UnsafeMutableRawBufferPointer? { fatalError() }

    /// Says that `count` bytes were put into the last `nextSpace`.
    public func advance(_ value: PendingValue, by count: Int) { fatalError() }

    /// Appends bytes that are at hand. False: memory is lacking.
    public func append(_ bytes: Bytes, to value: PendingValue) -> Bool { fatalError() }

    /// Stores a complete value and ends the `PendingValue`.
    public func commit(_ value: PendingValue, key: Bytes, hash: UInt64, _ command: StoreCommand) -> StoreResult { fatalError() }

    /// Ends a `PendingValue` and frees what it took.
    public func abandon(_ value: PendingValue) { fatalError() }

    /// incr, decr, `ma`.
    public func arithmetic(_ key: Bytes, hash: UInt64, _ command: ArithmeticCommand) -> ArithmeticResult { fatalError() }

    /// delete, `md`.
    public func delete(_ key: Bytes, hash: UInt64, _ command: DeleteCommand) -> StoreResult { fatalError() }
}

/// A value that is still arriving (see `StoreSession.beginValue`). Belongs to one connection; every one ends in
/// `commit` or `abandon`.
///
/// SAFETY: the pointer is the store's own and used by the one thread that has the connection.
@safe public struct PendingValue: @unchecked Sendable {  // moves with its connection, used by one thread at a time
    let state: UnsafeMutableRawPointer
}
