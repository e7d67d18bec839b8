// Scanning of borrowed bytes: finding separators, comparing with literals, reading words and numbers. Pure.
import CShims
import MemStore

extension Bytes {
    /// The index of the first `byte` at or behind `start` (0 ... count), or -1.
    @inline(__always) func index(of byte: UInt8, from start: Int) -> Int {
        precondition(start >= 0 && start <= count, "a search begins outside of the bytes")
        guard start < count else { return -1 }
        let found = start &+ Int(unsafe cs_find_near(pointer.unsafelyUnwrapped + start, Int32(byte), count &- start))
        return found == count ? -1 : found
    }

    /// The bytes at `offset` ..< `offset` + 4 as a little-endian word; they must be there.
    @inline(__always) func word32(at offset: Int) -> UInt32 {
        precondition(offset >= 0 && offset + 4 <= count, "a word outside of the bytes")
        return unsafe (pointer.unsafelyUnwrapped + offset).loadUnaligned(as: UInt32.self)
    }

    /// Up to eight bytes as a little-endian word, the missing ones 0. Nil for more than eight.
    @inline(__always) var packedWord: UInt64? {
        if count > 8 { return nil }
        var word: UInt64 = 0
        var index = count
        while index > 0 {
            index &-= 1
            word = word &<< 8 | UInt64(self[index])
        }
        return word
    }

    /// Whether these are the bytes of `literal`.
    @inline(__always) func isEqual(to literal: StaticString) -> Bool { equals(literal.bytes) }

    /// Whether the bytes begin with those of `literal`.
    func starts(with literal: StaticString) -> Bool {
        let head = literal.bytes
        return count >= head.count && self[0..<head.count].equals(head)
    }

    /// The bytes as text, for messages and statistics.
    var text: String { String(decoding: array, as: UTF8.self) }
}

/// Numbers as clients write them. Source: protocol.txt of memcached and the answers of 1.6.45.
enum Number {
    /// Most characters of a 64-bit number that are looked at.
    static let digitCountMax64 = 22
    /// Most characters of a signed 32-bit number, its sign included.
    static let characterCountMax32 = 11

    /// Decimal digits alone, at most `digitCountMax64` and at most 2^64 - 1.
    static func unsigned64(_ field: Bytes) -> UInt64? {
        if field.isEmpty || field.count > digitCountMax64 { return nil }
        var number: UInt64 = 0
        var index = 0
        while index < field.count {
            let digit = field[index] &- 0x30
            if digit > 9 { return nil }
            if index < 19 {
                number = number &* 10 &+ UInt64(digit)
            } else {
                let (tenfold, overflowed) = number.multipliedReportingOverflow(by: 10)
                let (sum, carried) = tenfold.addingReportingOverflow(UInt64(digit))
                if overflowed || carried { return nil }
                number = sum
            }
            index &+= 1
        }
        return number
    }

    /// Decimal digits alone, at most 2^32 - 1.
    static func unsigned32(_ field: Bytes) -> UInt32? {
        guard let number = unsigned64(field) else { return nil }
        return UInt32(exactly: number)
    }

    /// An optional minus and digits, at most `characterCountMax32` characters, in the range of 32 bits.
    static func signed32(_ field: Bytes) -> Int32? {
        if field.isEmpty || field.count > characterCountMax32 { return nil }
        let isNegative = field[0] == UInt8(ascii: "-")
        guard let magnitude = unsigned64(isNegative ? field[1..<field.count] : field) else { return nil }
        return Int32(exactly: isNegative ? -Int64(magnitude) : Int64(magnitude))
    }

    /// A number as C's strtol takes it, all characters used: an optional sign and digits, in the range of 64 bits.
    static func signedLong(_ field: Bytes) -> Int64? {
        if field.isEmpty { return nil }
        let isSigned = field[0] == UInt8(ascii: "-") || field[0] == UInt8(ascii: "+")
        guard let magnitude = unsigned64(isSigned ? field[1..<field.count] : field) else { return nil }
        if field[0] == UInt8(ascii: "-") {
            return magnitude <= UInt64(Int64.max) ? -Int64(magnitude) : magnitude == 1 << 63 ? Int64.min : nil
        }
        return Int64(exactly: magnitude)
    }

    /// A number as C's strtoul takes it, but never negative: an optional plus and digits.
    static func unsignedLong(_ field: Bytes) -> UInt64? {
        if field.isEmpty { return nil }
        return unsigned64(field[0] == UInt8(ascii: "+") ? field[1..<field.count] : field)
    }
}
