// Writing to an output buffer: bytes, text, numbers; and room for protocols that write a response in one go.
import CShims
import Glibc
import MemStore

extension OutputBuffer {
    /// Makes room for `length` more bytes and returns where they go; `advance` says how many were written.
    @unsafe @inlinable @inline(__always) public mutating func room(_ length: Int) -> UnsafeMutablePointer<UInt8> {
        if writtenCount &+ length > capacity { grow(by: length) }
        return unsafe base + writtenCount
    }

    /// Says that `length` bytes were written into the last `room`, which was at least as long.
    @inlinable @inline(__always) public mutating func advance(by length: Int) { writtenCount &+= length }

    @usableFromInline mutating func grow(by length: Int) {
        let newCapacity = max(capacity * 2, count + length)
        let newBase = UnsafeMutablePointer<UInt8>.allocate(capacity: newCapacity)
        unsafe memcpy(newBase, base, count)
        unsafe base.deallocate()
        unsafe base = newBase
        capacity = newCapacity
    }

    @inlinable @inline(__always) public mutating func write(_ bytes: Bytes) {
        let place = unsafe room(bytes.count)
        unsafe bytes.copy(to: place)
        advance(by: bytes.count)
    }

    @inlinable @inline(__always) public mutating func write(_ literal: StaticString) { write(literal.bytes) }

    @inlinable @inline(__always) public mutating func write(byte: UInt8) {
        unsafe room(1).pointee = byte
        advance(by: 1)
    }

    /// Writes text that is made on the spot: statistics, never responses of the hot path.
    public mutating func write(text: String) {
        var text = text
        text.withUTF8 { write(unsafe Bytes(UnsafeRawBufferPointer($0))) }
    }

    /// Writes a number in decimal.
    @inlinable @inline(__always) public mutating func write(number: UInt64) {
        let place = unsafe room(20)
        if number < 10 {
            unsafe place.pointee = 0x30 &+ UInt8(truncatingIfNeeded: number)
            return advance(by: 1)
        }
        advance(by: unsafe Self.writeDigits(number, to: place))
    }

    /// Writes a number in decimal, with a minus if it is negative.
    public mutating func write(signed number: Int64) {
        if number < 0 { write(byte: UInt8(ascii: "-")) }
        write(number: number.magnitude)
    }

    /// Writes at most 20 digits and returns how many.
    @unsafe @inlinable public static func writeDigits(_ number: UInt64, to place: UnsafeMutablePointer<UInt8>) -> Int {
        var length = 1
        var bound: UInt64 = 10
        while length < 20, number >= bound {
            length &+= 1
            bound = bound &* 10
        }
        var rest = number
        var index = length
        while index > 0 {
            index &-= 1
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            unsafe place[index] = 0x30 &+ UInt8(truncatingIfNeeded: digit)
            rest = quotient
        }
        return length
    }
}
