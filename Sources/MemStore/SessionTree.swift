// SessionTree: what the tree asks of a session and of the arena.

extension StoreSession {
    /// The store's tree of files.
    var tree: Tree { fatalError() }
    /// The session's slot in the tree's lock, 0 ..< `StoreConfiguration.sessionsMax`.
    var treeSlot: Int { fatalError() }
    /// The next value of the store's cas counter.
    func nextCas() -> UInt64 { fatalError() }
    /// What `setChangeToken` was told last; 0 = nobody waits.
    var changeToken: UInt64 { fatalError() }
}

extension Arena {
    /// Bytes that are taken, whole blocks, by items and files together.
    var usedBytes: Int { fatalError() }
    /// The memory limit in bytes.
    var limitBytes: Int { fatalError() }
    /// Bytes of the used ones that cache items would give up for files.
    var evictableBytes: Int { fatalError() }
}

extension Shard {
    /// The shard's number, as `ItemView.shard` has it.
    var number: Int32 { fatalError() }
}

extension MemoryNeed {
    /// What two changes take together.
    func joined(with other: MemoryNeed) -> MemoryNeed {
        MemoryNeed(blocks: blocks + other.blocks, segments: segments + other.segments)
    }

    /// Whether `other` is no more than this.
    func covers(_ other: MemoryNeed) -> Bool { blocks >= other.blocks && segments >= other.segments }
}
