// ItemSize: what an item counts as, by memcached's formula: its clients and limits know no other.

/// memcached's size of an item.
public enum ItemSize {
    /// Header, cas, key and its NUL, flags if not 0, value and its line end.
    /// Source: the observed `bytes` of memcached 1.6.45.
    @inline(__always)
    public static func bytes(keyLength: Int, flags: UInt32, valueLength: Int, hasCas: Bool) -> Int {
        48 + (hasCas ? 8 : 0) + keyLength + 1 + (flags == 0 ? 0 : 4) + valueLength + 2
    }
}
