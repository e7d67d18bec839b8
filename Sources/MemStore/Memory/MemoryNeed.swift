// MemoryNeed: how much memory one change can take at most, known before a lock is taken.

/// An upper bound of the memory that one change takes. Reserve that much before taking a lock (see `Reservation`).
struct MemoryNeed {
    /// Blocks of `Arena.blockSizeBytes`.
    var blocks = 0
    /// Whole segments.
    var segments = 0

    /// What two changes take together.
    func joined(with other: MemoryNeed) -> MemoryNeed {
        MemoryNeed(blocks: blocks + other.blocks, segments: segments + other.segments)
    }

    /// What is enough for either of two changes.
    func covering(_ other: MemoryNeed) -> MemoryNeed {
        MemoryNeed(blocks: max(blocks, other.blocks), segments: max(segments, other.segments))
    }

    /// What a session may keep while nothing is asked of it: a segment and four blocks, or as much of that as keeps all
    /// sessions together within a small part of the limit.
    static func stash(_ configuration: StoreConfiguration, _ geometry: ArenaGeometry) -> MemoryNeed {
        let share = configuration.memoryLimitBytes / 32 / configuration.sessionsMax
        let blocks = min(4, share / geometry.blockSizeBytes)
        let rest = share - blocks * geometry.blockSizeBytes
        return MemoryNeed(blocks: blocks, segments: rest >= geometry.segmentSizeBytes ? 1 : 0)
    }
}
