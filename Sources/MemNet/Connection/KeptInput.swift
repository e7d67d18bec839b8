// KeptInput: the unfinished end of a connection's input, kept until more arrives. An idle connection has none.
import Glibc
import MemStore

/// Bytes that were received and not yet used.
///
/// SAFETY: owns its memory through one pointer, which `free` gives back; the connection that holds it is used by one
/// thread.
@safe struct KeptInput {
    private var base: UnsafeMutableRawPointer?
    private var storedCount: UInt32 = 0
    private var capacity: UInt32 = 0
    /// Where the bytes begin: what was used up lies before them.
    private var start: UInt32 = 0

    var count: Int { Int(storedCount) }
    var isEmpty: Bool { storedCount == 0 }

    /// Bytes of memory that it takes.
    var capacityBytes: Int { Int(capacity) }

    /// The kept bytes; valid until the next change.
    var bytes: Bytes { unsafe Bytes(base.map { unsafe $0 + Int(start) }, count: count) }

    /// Keeps `rest` and nothing else. `rest` may be a part of what is kept already.
    ///
    /// The end of what is kept stays where it is, as long as that wastes no large memory: a long line whose answer is taken
    /// piece by piece is not moved for each.
    mutating func keep(_ rest: Bytes) {
        if rest.isEmpty { return free() }
        let wastes = capacity > Self.smallCapacity && rest.count < Int(capacity) / 4
        if !wastes, let offset = offset(ofEnd: rest) {
            start = UInt32(offset)
        } else if rest.count > capacity || wastes {
            let newBase = UnsafeMutableRawPointer.allocate(byteCount: rest.count, alignment: 16)
            unsafe rest.copy(to: newBase)
            free()
            unsafe base = newBase
            capacity = UInt32(rest.count)
        } else {
            unsafe memmove(base.unsafelyUnwrapped, rest.pointer.unsafelyUnwrapped, rest.count)
            start = 0
        }
        storedCount = UInt32(rest.count)
    }

    /// Memory up to this size is not given back before the input is used up.
    private static let smallCapacity: UInt32 = 65536

    /// Where `rest` begins in this memory, if it is the end of what is kept.
    private func offset(ofEnd rest: Bytes) -> Int? {
        guard let base = unsafe base, let pointer = unsafe rest.pointer else { return nil }
        let offset = unsafe UnsafeRawPointer(pointer) - UnsafeRawPointer(base)
        return offset >= Int(start) && offset + rest.count == Int(start) + count ? offset : nil
    }

    /// Memory grows by no more than this at once, so that a long line takes little more than its length.
    private static let growthMax = 1 << 20

    /// Room for at least `length` more bytes behind the kept ones.
    @unsafe mutating func room(_ length: Int) -> UnsafeMutableRawBufferPointer {
        if Int(capacity) - Int(start) - count < length {
            let newCapacity = count + max(length, min(count, Self.growthMax))
            let newBase = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 16)
            unsafe bytes.copy(to: newBase)
            unsafe base?.deallocate()
            unsafe base = newBase
            capacity = UInt32(newCapacity)
            start = 0
        }
        return unsafe UnsafeMutableRawBufferPointer(
            start: base.unsafelyUnwrapped + Int(start) + count, count: Int(capacity) - Int(start) - count)
    }

    /// Says that `length` bytes were put into the last `room`.
    mutating func grow(by length: Int) {
        precondition(length >= 0 && Int(start) + count + length <= Int(capacity), "more input than room")
        storedCount += UInt32(length)
    }

    /// Forgets the bytes and frees their memory.
    mutating func free() {
        unsafe base?.deallocate()
        unsafe base = nil
        storedCount = 0
        capacity = 0
        start = 0
    }
}
