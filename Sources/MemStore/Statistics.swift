// Statistics: the store's counters, summed over its shards when somebody asks.
import CShims

/// The store's counters. Counts since the start or the last reset, unless it says "now".
public struct StoreStatistics: Sendable {
    public var memoryLimitBytes = 0
    /// Bytes that items may take beyond it now (see Allowance).
    public var memoryAllowanceBytes = 0
    /// Bytes in use now: whole segments, tables, index.
    public var memoryUsedBytes = 0
    /// Of these, free blocks in segments that are partly in use.
    public var memoryFreeBlockBytes = 0
    /// Of these, bytes that hold something: records, pieces, blocks, index, tables. The rest is dead or free in parts.
    public var memoryLiveBytes = 0
    public var segmentSizeBytes = 0
    public var blockSizeBytes = 0
    public var shardCount = 0
    /// Cache items now, and their bytes by memcached's formula.
    public var itemCount = 0
    public var itemBytes = 0
    /// What evicting all items would free, about: records and their contents.
    public var evictableBytes = 0
    public var itemsStoredTotal = 0
    public var evictions = 0
    public var evictedUnfetched = 0
    /// Evicted items that had an expiry; seconds from the last access of the item that was evicted last to its end.
    public var evictedExpiring = 0
    public var lastEvictedIdleSeconds = 0
    /// The second of that eviction; 0 = nothing was evicted yet.
    var lastEvictionSecond: UInt32 = 0
    public var expiredUnfetched = 0
    public var reclaimed = 0
    public var crawlerChecked = 0
    public var crawlerReclaimed = 0
    /// Regular files, directories, other nodes, and bytes published, now.
    public var fileCount = 0
    public var directoryCount = 0
    public var otherNodeCount = 0
    public var publishedBytes = 0
    /// Bytes of the limit that files take now, with their inodes, names and index.
    public var fileBytes = 0
    /// Files evicted since the start.
    public var fileEvictions = 0
    /// Bytes that only readers hold now.
    public var heldByReadersBytes = 0
    public var indexBytes = 0
    public var ghostBytes = 0
    /// Slices of work outside of commands since the start or the last reset, the longest of each kind (`SliceKind`),
    /// and the time that one in ten thousand passes.
    public var sliceCount = 0
    public var sliceNanosecondsMax = [Int](repeating: 0, count: SliceKind.allCases.count)
    public var sliceNanoseconds9999 = 0
    public init() {}
}

extension Shard {
    /// Adds this shard's counters to `sum`. Takes the lock.
    func add(to sum: inout StoreStatistics) {
        lock()
        defer { unlock() }
        let own = state.statistics
        sum.itemCount += own.itemCount
        sum.itemBytes += own.itemBytes
        sum.itemsStoredTotal += own.itemsStoredTotal
        sum.evictions += own.evictions
        sum.evictedUnfetched += own.evictedUnfetched
        sum.evictedExpiring += own.evictedExpiring
        if own.lastEvictionSecond > sum.lastEvictionSecond {
            sum.lastEvictionSecond = own.lastEvictionSecond
            sum.lastEvictedIdleSeconds = Int(own.lastEvictedIdleSeconds)
        }
        sum.expiredUnfetched += own.expiredUnfetched
        sum.reclaimed += own.reclaimed
        sum.crawlerChecked += own.crawlerChecked
        sum.crawlerReclaimed += own.crawlerReclaimed
        sum.indexBytes += state.index.sizeBytes
        sum.ghostBytes += state.ghost.sizeBytes
        sum.fileBytes += Int(truncatingIfNeeded: unsafe cs_load64(&state.fileBytes))
        for kind in [LogKind.probation, .main] { sum.evictableBytes += log(kind).heldBytes }
        for kind in [LogKind.probation, .main, .pieces] { sum.memoryLiveBytes += log(kind).liveBytes }
        sum.memoryLiveBytes += state.index.sizeBytes + state.pieces.sizeBytes
    }

    /// Zeroes what `stats reset` zeroes. Takes the lock.
    func resetStatistics() {
        lock()
        defer { unlock() }
        state.statistics.itemsStoredTotal = 0
        state.statistics.evictions = 0
        state.statistics.evictedUnfetched = 0
        state.statistics.evictedExpiring = 0
        state.statistics.lastEvictionSecond = 0
        state.statistics.expiredUnfetched = 0
        state.statistics.reclaimed = 0
        state.statistics.crawlerChecked = 0
        state.statistics.crawlerReclaimed = 0
    }
}
