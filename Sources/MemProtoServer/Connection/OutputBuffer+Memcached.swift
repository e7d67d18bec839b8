// The responses of the hot path, each written in one go: the hit of a get, its end, a store's success.
import CShims
import MemNet
import MemStore

extension OutputBuffer {
    /// Writes the end of a get's response.
    @inline(__always) mutating func writeEnd() {
        // "END\r\n" as a word, of which five bytes count.
        unsafe UnsafeMutableRawPointer(room(8)).storeBytes(of: 0x0a_0d_44_4e_45, as: UInt64.self)
        advance(by: 5)
    }

    /// Writes the response to a storage command that was carried out.
    @inline(__always) mutating func writeStored() {
        // "STORED\r\n" as a word.
        unsafe UnsafeMutableRawPointer(room(8)).storeBytes(of: 0x0a_0d_44_45_52_4f_54_53, as: UInt64.self)
        advance(by: 8)
    }

    /// Writes the response to a get of a small value: one check of the room for all of its pieces. Without a tail it is
    /// the line alone.
    @inline(__always) mutating func writeHit(_ key: Bytes, flags: UInt32, cas: UInt64?, size: Int, tail: Bytes) {
        let start = unsafe room(key.count &+ tail.count &+ 72)
        var place = unsafe start
        // "VALUE " and two bytes more, which the key covers.
        unsafe UnsafeMutableRawPointer(place).storeBytes(of: 0x20_45_55_4c_41_56, as: UInt64.self)
        unsafe place += 6
        unsafe cs_copy(place, key.pointer.unsafelyUnwrapped, key.count)
        unsafe place += key.count
        unsafe place.pointee = 0x20
        unsafe place += 1
        unsafe place += Self.writeShort(UInt64(flags), to: place)
        unsafe place.pointee = 0x20
        unsafe place += 1
        unsafe place += Self.writeShort(UInt64(truncatingIfNeeded: size), to: place)
        if let cas {
            unsafe place.pointee = 0x20
            unsafe place += 1
            unsafe place += Self.writeDigits(cas, to: place)
        }
        unsafe Self.writeLineEnd(to: place)
        unsafe place += 2
        if !tail.isEmpty {
            unsafe tail.copy(to: place)
            unsafe place += tail.count
            unsafe Self.writeLineEnd(to: place)
            unsafe place += 2
        }
        advance(by: unsafe place - start)
    }

    @inline(__always) @unsafe private static func writeLineEnd(to place: UnsafeMutablePointer<UInt8>) {
        unsafe UnsafeMutableRawPointer(place).storeBytes(of: 0x0a0d, as: UInt16.self)
    }

    /// Writes at most 20 digits and returns how many; small numbers without a loop.
    @inline(__always) @unsafe
    private static func writeShort(_ number: UInt64, to place: UnsafeMutablePointer<UInt8>) -> Int {
        if number < 10 {
            unsafe place[0] = 0x30 &+ UInt8(truncatingIfNeeded: number)
            return 1
        }
        guard number < 1000 else { return unsafe writeDigits(number, to: place) }
        let hundreds = number / 100
        let tens = (number &- hundreds &* 100) / 10
        let ones = number &- hundreds &* 100 &- tens &* 10
        var length = 0
        if hundreds > 0 {
            unsafe place[0] = 0x30 &+ UInt8(truncatingIfNeeded: hundreds)
            length = 1
        }
        unsafe place[length] = 0x30 &+ UInt8(truncatingIfNeeded: tens)
        unsafe place[length &+ 1] = 0x30 &+ UInt8(truncatingIfNeeded: ones)
        return length &+ 2
    }
}
