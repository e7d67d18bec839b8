// The store as its owner sees it: made once, asked for sessions and statistics,
// told new limits.

/// An in-memory store of items and files under one memory budget.
public final class Store: @unchecked Sendable {  // all shared state is behind locks; see ARCHITECTURE.md
    public let configuration: StoreConfiguration
    public let clock: Clock
    /// The ordered stream of changes; the filesystem reads it.
    public let changes: ChangeStream

    /// Reserves the address space and makes an empty tree.
    /// - Throws: StoreSetupError when the address space cannot be had.
    public init(configuration: StoreConfiguration, clock: Clock = Clock()) throws(StoreSetupError) {
        self.configuration = configuration
        self.clock = clock
        changes = ChangeStream()
    }

    /// A session for one thread; ended by `StoreSession.end()`.
    public func makeSession() -> StoreSession { fatalError() }

    /// memcached's flush_all: at `second` (or at once) all cache items stored before are gone. Files stay.
    public func flushItems(at second: UInt32?) { fatalError() }

    /// Changes the memory limit; false if files alone need more. Shrinking goes on in the background.
    public func setMemoryLimit(bytes: Int) -> Bool { fatalError() }

    /// All counters of the store, summed.
    public func statistics() -> StoreStatistics { fatalError() }
    /// Zeroes the counters that `stats reset` zeroes.
    public func resetStatistics() { fatalError() }
}

/// Why a store could not be made.
public struct StoreSetupError: Error, Sendable {
    /// What was tried, with its size, and the errno.
    public var what: String
    public var errno: Int32
}

/// The store's counters. Counts since the start or the last reset, unless it says "now".
public struct StoreStatistics: Sendable {
    public var memoryLimitBytes = 0
    /// Bytes of the limit in use now, whole blocks.
    public var memoryUsedBytes = 0
    /// Cache items now, and their bytes by memcached's formula.
    public var itemCount = 0
    public var itemBytes = 0
    public var itemsStoredTotal = 0
    public var evictions = 0
    public var evictedUnfetched = 0
    public var expiredUnfetched = 0
    public var reclaimed = 0
    /// Regular files, directories, other nodes, and bytes published, now.
    public var fileCount = 0
    public var directoryCount = 0
    public var otherNodeCount = 0
    public var publishedBytes = 0
    /// Bytes that only readers hold now.
    public var heldByReadersBytes = 0
    public var indexBytes = 0
    public init() {}
}

/// One thread's access to a store.
///
/// SAFETY: a session is a pointer to its own state; it is used by one thread at a time and not after `end()`.
@safe public struct StoreSession: @unchecked Sendable {  // handed to its thread once
    let state: UnsafeMutableRawPointer

    /// The second of the store's clock that commands see. Refresh it once per batch of input.
    public var nowSecond: UInt32 { fatalError() }
    public func refreshClock() { fatalError() }

    /// Told to whoever carries out the notices of this session's next changes (see `Change.token`).
    public func setChangeToken(_ token: UInt64) { fatalError() }

    /// Gives the session's memory and slot back.
    public func end() { fatalError() }
}
