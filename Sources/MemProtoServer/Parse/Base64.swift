// Base64: the standard alphabet with padding, for keys of any bytes in the meta commands. Pure.
// Source: RFC 4648, section 4.
import MemNet
import MemStore

/// A place for one decoded key.
///
/// SAFETY: owns `lengthMax` bytes; the views it lends last until the next `decode`.
@safe struct KeyScratch: ~Copyable {
    /// A key's encoded text has at most 250 bytes; a quarter less are left.
    static let lengthMax = 192
    private let base: UnsafeMutablePointer<UInt8>

    init() { unsafe base = .allocate(capacity: Self.lengthMax) }
    deinit { unsafe base.deallocate() }

    /// The bytes that `text` encodes; nil when it is not valid. The view lasts until the next call.
    mutating func decode(_ text: Bytes) -> Bytes? {
        if text.isEmpty || text.count % 4 != 0 || text.count / 4 * 3 > Self.lengthMax { return nil }
        var count = 0
        for start in stride(from: 0, to: text.count, by: 4) {
            let isLast = start + 4 == text.count
            let padding = isLast ? Base64.padding(of: text) : 0
            var word: UInt32 = 0
            for offset in 0..<4 {
                let isPad = offset >= 4 - padding
                guard let value = isPad ? 0 : Base64.value(of: text[start + offset]) else { return nil }
                word = word << 6 | value
            }
            for offset in 0..<(3 - padding) {
                unsafe base[count] = UInt8(truncatingIfNeeded: word >> UInt32(16 - 8 * offset))
                count += 1
            }
        }
        return count == 0 ? nil : unsafe Bytes(base, count: count)
    }
}

/// The alphabet.
enum Base64 {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    /// The six bits of a letter; nil for any other byte.
    static func value(of letter: UInt8) -> UInt32? {
        switch letter {
        case 0x41...0x5a: UInt32(letter - 0x41)
        case 0x61...0x7a: UInt32(letter - 0x61 + 26)
        case 0x30...0x39: UInt32(letter - 0x30 + 52)
        case 0x2b: 62
        case 0x2f: 63
        default: nil
        }
    }

    /// How many `=` end the text: 0, 1 or 2.
    static func padding(of text: Bytes) -> Int {
        guard text.count >= 2, text[text.count - 1] == 0x3d else { return 0 }
        return text[text.count - 2] == 0x3d ? 2 : 1
    }

    /// The letter of six bits.
    static func letter(_ bits: UInt32) -> UInt8 { alphabet.bytes[Int(bits & 63)] }
}

extension OutputBuffer {
    /// Writes bytes in base64.
    mutating func write(base64 bytes: Bytes) {
        var index = 0
        while index < bytes.count {
            let left = bytes.count - index
            let word =
                UInt32(bytes[index]) << 16 | (left > 1 ? UInt32(bytes[index + 1]) << 8 : 0)
                | (left > 2 ? UInt32(bytes[index + 2]) : 0)
            write(byte: Base64.letter(word >> 18))
            write(byte: Base64.letter(word >> 12))
            write(byte: left > 1 ? Base64.letter(word >> 6) : 0x3d)
            write(byte: left > 2 ? Base64.letter(word) : 0x3d)
            index += 3
        }
    }
}
