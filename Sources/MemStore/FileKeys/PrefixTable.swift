// PrefixTable: which keys are file keys. A key is one if it begins with a prefix and a slash follows.
import Glibc

/// The key prefixes in raw memory, asked for every key.
///
/// SAFETY: the bytes are copied once and live as long as the store.
@safe struct PrefixTable {
    private let bytes: UnsafeMutablePointer<UInt8>
    /// Offset and length of each prefix, in pairs.
    private let places: UnsafeMutablePointer<Int>
    private let count: Int
    /// A bit for each first byte that some prefix (with its slash) has.
    private var firstBytes: InlineArray<4, UInt64> = .init(repeating: 0)

    init(_ prefixes: [KeyPrefix]) {
        count = prefixes.count
        unsafe bytes = .allocate(capacity: prefixes.reduce(1) { $0 + $1.prefix.count })
        unsafe places = .allocate(capacity: max(1, 2 * prefixes.count))
        var offset = 0
        for (index, prefix) in prefixes.enumerated() {
            for (place, byte) in prefix.prefix.enumerated() { unsafe bytes[offset + place] = byte }
            unsafe places[2 * index] = offset
            unsafe places[2 * index + 1] = prefix.prefix.count
            offset += prefix.prefix.count
            let first = Int(prefix.prefix.first ?? UInt8(ascii: "/"))
            firstBytes[first >> 6] |= 1 << UInt64(first & 63)
        }
    }

    func deallocate() {
        unsafe bytes.deallocate()
        unsafe places.deallocate()
    }

    /// Whether `key` begins with a prefix and a slash.
    @inline(__always) func matches(_ key: Bytes) -> Bool {
        guard key.count > 0 else { return false }
        let first = Int(key[0])
        guard firstBytes[first >> 6] >> UInt64(first & 63) & 1 != 0 else { return false }
        return matchesSlowly(key)
    }

    private func matchesSlowly(_ key: Bytes) -> Bool {
        for index in 0..<count {
            let (offset, length) = unsafe (places[2 * index], places[2 * index + 1])
            guard key.count > length, key[length] == UInt8(ascii: "/") else { continue }
            if key[0..<length].equals(unsafe Bytes(bytes + offset, count: length)) { return true }
        }
        return false
    }
}
