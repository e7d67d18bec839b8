// SlabClass: the class that memcached would give an item, for answers that name it and for what items may take of a
// small limit (see Allowance). Pure.

/// memcached's size classes. The store has none; statistics and dumps show the class an item would have.
public enum SlabClass {
    /// Class numbers are below it. Source: memcached 1.6.45's answers.
    public static let countMax = 64
    /// Bytes of the largest chunk. Source: memcached's default slab_chunk_max.
    public static let chunkSizeMax = 524_288
    /// Bytes of the smallest chunk: an item's header and the default minimum space.
    private static let chunkSizeMin = 96
    /// Bytes of a page of chunks. Source: memcached's default.
    public static let pageSizeBytes = 1 << 20

    /// The chunk sizes in bytes of class 1 and its followers: each a quarter larger, in steps of 8.
    /// Source: `stats slabs` of memcached 1.6.45 with its default factor.
    public static let chunkSizes: [Int] = {
        var sizes: [Int] = []
        var size = chunkSizeMin
        while Double(size) < Double(chunkSizeMax) / 1.25 {
            sizes.append(size)
            size = (Int(Double(size) * 1.25) + 7) / 8 * 8
        }
        return sizes + [chunkSizeMax]
    }()

    /// The class of an item's size (`ItemSize`), from 1. What no chunk holds is of the last class, in several chunks.
    public static func number(ofTotal total: Int) -> Int {
        var low = 0
        var high = chunkSizes.count - 1
        while low < high {
            let middle = (low + high) / 2
            if chunkSizes[middle] < total { low = middle + 1 } else { high = middle }
        }
        return low + 1
    }
}
