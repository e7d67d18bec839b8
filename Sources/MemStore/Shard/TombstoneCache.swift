// TombstoneCache: keys of items that expired or were flushed without being asked for. The next command that looks for one of
// them learns why it is not there, as if it had found the item; statistics alone depend on it.

/// A shard's latest departed keys, as fingerprints. It takes memory only from the first one on. GUARDED_BY the shard's lock.
struct TombstoneCache {
    /// Keys that are remembered at most, in groups of places: the hash chooses the group.
    static let placeCount = 1024
    private static let groupSize = 4
    /// 31 bits of a key's hash and the reason in the lowest one; 0 = free. The youngest of a group comes first.
    private var places: [UInt32] = []

    @inline(__always) var isEmpty: Bool { places.isEmpty }

    private static func group(_ hash: UInt64) -> Int { Int((hash >> 8) % UInt64(placeCount / groupSize)) * groupSize }
    private static func mark(_ hash: UInt64, _ presence: Presence) -> UInt32 {
        max(2, UInt32(truncatingIfNeeded: hash >> 32) & ~1) | (presence == .flushed ? 1 : 0)
    }

    /// Remembers why the item of `hash` went, in place of the oldest one of its group.
    mutating func insert(_ hash: UInt64, _ presence: Presence) {
        if places.isEmpty { places = [UInt32](repeating: 0, count: Self.placeCount) }
        let start = Self.group(hash)
        for place in (start + 1..<start + Self.groupSize).reversed() { places[place] = places[place - 1] }
        places[start] = Self.mark(hash, presence)
    }

    /// Returns and forgets why the item of `hash` was removed; `.missing` if unknown.
    mutating func take(_ hash: UInt64) -> Presence {
        let start = Self.group(hash)
        for place in start..<start + Self.groupSize where places[place] & ~1 == Self.mark(hash, .expired) {
            defer { places[place] = 0 }
            return places[place] & 1 == 1 ? .flushed : .expired
        }
        return .missing
    }
}
