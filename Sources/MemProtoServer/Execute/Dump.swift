// Dump: a walk through all items that a connection has under way, in slices: listings of keys, and the statistics that
// memcached keeps by size class.
import MemStore

/// One walk and what it has gathered so far.
struct Dump {
    /// What the walk is for.
    enum Purpose {
        /// `lru_crawler metadump` and `mgdump`.
        case metadump, mgdump
        /// `stats cachedump`.
        case cachedump
        /// `stats items`, `slabs` and `sizes`: nothing is written before the end.
        case itemStats, slabStats, sizeStats

        var isListing: Bool { self == .metadump || self == .mgdump || self == .cachedump }
    }

    /// What the items of one class add up to.
    struct ClassTotal {
        var count = 0
        var bytes = 0
        /// The second of the longest unused item.
        var oldestSecond = UInt32.max
    }

    let purpose: Purpose
    var cursor = DumpCursor()
    /// The files follow the items where keys are listed for a client that may ask for them.
    var fileCursor = FileDumpCursor()
    /// Classes that are wanted, one bit each.
    let classes: UInt64
    /// Items and bytes that may still be listed.
    var itemsLeft: Int
    var bytesLeft: Int
    /// By class number.
    var totals = [ClassTotal](repeating: ClassTotal(), count: SlabClass.countMax)
    /// Items by size, rounded up to `sizeStep`.
    var sizes: [Int: Int] = [:]

    /// Bytes of one step of `stats sizes`. Source: memcached's answers.
    static let sizeStep = 32

    init(_ purpose: Purpose, classes: UInt64 = .max, itemsMax: Int = .max, bytesMax: Int = .max) {
        self.purpose = purpose
        self.classes = classes
        itemsLeft = itemsMax
        bytesLeft = bytesMax
    }

    /// All that there is to be seen was seen, or enough of it.
    var isAtEnd: Bool {
        if itemsLeft <= 0 || bytesLeft <= 0 { return true }
        let listsFiles = purpose == .metadump || purpose == .mgdump
        return cursor.isAtEnd && (fileCursor.isAtEnd || !listsFiles)
    }

    /// Whether the class is wanted.
    func wants(_ number: Int) -> Bool { classes & 1 << UInt64(number) != 0 }

    /// Counts an item in.
    mutating func add(_ item: DumpedItem, class number: Int) {
        if purpose == .sizeStats {
            sizes[(item.sizeBytes + Self.sizeStep - 1) / Self.sizeStep * Self.sizeStep, default: 0] += 1
            return
        }
        totals[number].count += 1
        totals[number].bytes += item.sizeBytes
        totals[number].oldestSecond = min(totals[number].oldestSecond, item.lastAccessSecond)
    }
}
