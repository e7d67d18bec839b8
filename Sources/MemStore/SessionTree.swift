// SessionTree: what the tree asks of a session beside memory and time, and what the store asks of the tree.

extension StoreSession {
    /// What a new content of a value takes at most, the same in all shards.
    func need(forMaking source: ValueSource) -> MemoryNeed { shard(number: 0).need(forMaking: source) }

    /// What a write or a cut of a content takes at most, the same in all shards.
    func need(forWriteAt offset: UInt64, count: Int, into content: Content) -> MemoryNeed {
        shard(number: 0).need(forWriteAt: offset, count: count, into: content)
    }
    func need(forCutOf content: Content) -> MemoryNeed { shard(number: 0).need(forCutOf: content) }

    /// Bytes of memory that cache items would give up for files, about. Takes each shard's lock in turn.
    var evictableBytes: Int {
        var sum = StoreStatistics()
        for number in 0..<shared.shardCount { shard(number: number).add(to: &sum) }
        return sum.evictableBytes
    }

    /// One round of what no command should wait for: publishes appends that are due and removes at most
    /// `expiredMax` files whose time has come.
    func keepFiles(expiredMax: Int) {
        publishDueAppends(limit: expiredMax)
        expireFiles(limit: expiredMax)
    }
}

extension MemoryNeed {
    /// What two changes take together.
    func joined(with other: MemoryNeed) -> MemoryNeed {
        MemoryNeed(blocks: blocks + other.blocks, segments: segments + other.segments)
    }
}

extension Tree {
    /// Adds the tree's counters to `sum`.
    func add(to sum: inout StoreStatistics) {
        let counts = counts
        sum.fileCount += counts.files
        sum.directoryCount += counts.directories
        sum.otherNodeCount += counts.others
        sum.publishedBytes += Int(publishedBytes)
    }
}
