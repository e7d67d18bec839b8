// Departed: keys whose items went without being asked for, because their time had come or flush_all took them. The next command
// that looks for one of them learns why it is not there, as if the item were found; it is for statistics alone.

/// A shard's latest departed keys, as fingerprints. It takes memory only from the first one on. GUARDED_BY the shard's lock.
struct Departed {
    /// Keys that are remembered at most: one for each place, which the hash chooses.
    static let placeCount = 1024
    /// 31 bits of a key's hash and the reason in the lowest one; 0 = free.
    private var places: [UInt32] = []

    @inline(__always) var isEmpty: Bool { places.isEmpty }

    private static func place(_ hash: UInt64) -> Int { Int(hash & UInt64(placeCount - 1)) }
    private static func mark(_ hash: UInt64, _ presence: Presence) -> UInt32 {
        max(2, UInt32(truncatingIfNeeded: hash >> 32) & ~1) | (presence == .flushed ? 1 : 0)
    }

    /// Remembers why the item of `hash` went, in place of an older one.
    mutating func insert(_ hash: UInt64, _ presence: Presence) {
        if places.isEmpty { places = [UInt32](repeating: 0, count: Self.placeCount) }
        places[Self.place(hash)] = Self.mark(hash, presence)
    }

    /// Tells once why the item of `hash` went; `.missing` if nothing is known.
    mutating func take(_ hash: UInt64) -> Presence {
        let found = places[Self.place(hash)]
        guard found & ~1 == Self.mark(hash, .expired) else { return .missing }
        places[Self.place(hash)] = 0
        return found & 1 == 1 ? .flushed : .expired
    }
}
