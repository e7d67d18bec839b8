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

    var count: Int { Int(storedCount) }
    var isEmpty: Bool { storedCount == 0 }

    /// Bytes of memory that it takes.
    var capacityBytes: Int { Int(capacity) }

    /// The kept bytes; valid until the next change.
    var bytes: Bytes { unsafe Bytes(base, count: count) }

    /// Keeps `rest` and nothing else. `rest` may be a part of what is kept already.
    mutating func keep(_ rest: Bytes) {
        if rest.isEmpty { return free() }
        if rest.count > capacity {
            let newBase = UnsafeMutableRawPointer.allocate(byteCount: rest.count, alignment: 16)
            unsafe rest.copy(to: newBase)
            free()
            unsafe base = newBase
            capacity = UInt32(rest.count)
        } else {
            unsafe memmove(base.unsafelyUnwrapped, rest.pointer.unsafelyUnwrapped, rest.count)
        }
        storedCount = UInt32(rest.count)
    }

    /// Room for at least `length` more bytes behind the kept ones.
    @unsafe mutating func room(_ length: Int) -> UnsafeMutableRawBufferPointer {
        if Int(capacity) - count < length {
            let newCapacity = max(count * 2, count + length)
            let newBase = UnsafeMutableRawPointer.allocate(byteCount: newCapacity, alignment: 16)
            unsafe bytes.copy(to: newBase)
            unsafe base?.deallocate()
            unsafe base = newBase
            capacity = UInt32(newCapacity)
        }
        return unsafe UnsafeMutableRawBufferPointer(
            start: base.unsafelyUnwrapped + count, count: Int(capacity) - count)
    }

    /// Says that `length` bytes were put into the last `room`.
    mutating func grow(by length: Int) {
        precondition(length >= 0 && count + length <= Int(capacity), "more input than room")
        storedCount += UInt32(length)
    }

    /// Forgets the bytes and frees their memory.
    mutating func free() {
        unsafe base?.deallocate()
        unsafe base = nil
        storedCount = 0
        capacity = 0
    }
}
