// SlabClass: the class and total size that memcached would give an item, for answers that name them. Pure.

/// memcached's size classes. The store has none; statistics and dumps show the class an item would have.
enum SlabClass {
    /// Class numbers are below it. Source: memcached 1.6.45's answers.
    static let countMax = 64
    /// Bytes of the largest chunk. Source: memcached's default slab_chunk_max.
    static let chunkSizeMax = 524_288
    /// Bytes of the smallest chunk: an item's header and the default minimum space.
    static let chunkSizeMin = 96
    /// Bytes that an item takes beside key and value, cas included. Source: memcached's documentation of item sizes.
    private static let headerBytes = 48
    private static let casBytes = 8

    /// The total of an item by memcached's formula.
    static func total(keyLength: Int, valueLength: Int, flags: UInt32, hasCas: Bool) -> Int {
        headerBytes + (hasCas ? casBytes : 0) + keyLength + 1 + (flags == 0 ? 0 : 4) + valueLength + 2
    }

    /// The class of a total, from 1.
    static func number(ofTotal total: Int) -> Int {
        var size = chunkSizeMin
        var number = 1
        while size < total, Double(size) < Double(chunkSizeMax) / 1.25 {
            let next = Int(Double(size) * 1.25)
            size = (next + 7) / 8 * 8
            number += 1
        }
        return size < total || Double(size) >= Double(chunkSizeMax) / 1.25 ? max(number, 1) : number
    }
}
