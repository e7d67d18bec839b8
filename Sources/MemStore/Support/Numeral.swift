// Numeral: numbers as incr and decr read and write them. Pure.

/// Decimal numbers of 64 bits in a value.
enum Numeral {
    /// Most digits of a 64-bit number.
    static let digitCountMax = 20

    /// Reads a number as C's strtoull does: leading white space and one `+` are fine, digits follow, then the end or
    /// white space. Nil for anything else, and above 2^64 - 1.
    static func parse(_ value: Bytes) -> UInt64? {
        var index = 0
        while index < value.count, isSpace(value[index]) { index += 1 }
        if index < value.count, value[index] == UInt8(ascii: "+") { index += 1 }
        let firstDigit = index
        var number: UInt64 = 0
        while index < value.count {
            let digit = value[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            let (tenfold, overflowed) = number.multipliedReportingOverflow(by: 10)
            let (sum, carried) = tenfold.addingReportingOverflow(UInt64(digit))
            if overflowed || carried { return nil }
            number = sum
            index += 1
        }
        if index == firstDigit { return nil }
        return index == value.count || isSpace(value[index]) ? number : nil
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0d) }

    /// Writes `number` in decimal to `digits`, which has room for `digitCountMax`; returns the count.
    @unsafe static func write(_ number: UInt64, to digits: UnsafeMutablePointer<UInt8>) -> Int {
        var count = 1
        var rest = number / 10
        while rest > 0 {
            count += 1
            rest /= 10
        }
        rest = number
        for index in stride(from: count - 1, through: 0, by: -1) {
            unsafe digits[index] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
        return count
    }

    /// The number after incr (wraps at 2^64) or decr (stops at 0).
    static func apply(_ command: ArithmeticCommand, to number: UInt64) -> UInt64 {
        if command.isIncrement { return number &+ command.delta }
        return number < command.delta ? 0 : number - command.delta
    }
}
