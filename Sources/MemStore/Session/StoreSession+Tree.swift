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

    /// One round of what no command should wait for: publishes appends that are due and removes files whose time has come,
    /// each for `nanoseconds` at most.
    func keepFiles(nanoseconds: UInt64) {
        repeatForAtMost(nanoseconds) { publishDueAppends(limit: Self.filesPerLook) == Self.filesPerLook }
        repeatForAtMost(nanoseconds) { expireFiles(limit: Self.filesPerLook) == Self.filesPerLook }
    }

    /// Files that are done between two looks at the clock.
    private static let filesPerLook = 64

    private func repeatForAtMost(_ nanoseconds: UInt64, _ body: () -> Bool) {
        let begun = Monotonic.nanoseconds
        while body(), Monotonic.nanoseconds &- begun < nanoseconds {}
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
        sum.fileEvictions += unsafe state.pointee.poolLock.withLock { unsafe state.pointee.evictedCount }
    }
}
