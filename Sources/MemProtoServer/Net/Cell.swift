// Cell: one value in memory of its own, for state that has a fixed address: connections that epoll points to,
// counters that another thread may read under a lock.

/// Memory in whole cache lines, so that no other thread's writes take them away.
enum CacheLine {
    static let sizeBytes = 64

    /// Uninitialized memory for `count` values, freed by `deallocate()`.
    @unsafe static func allocate<Value: ~Copyable>(_ count: Int) -> UnsafeMutablePointer<Value> {
        let byteCount = (MemoryLayout<Value>.stride * count + sizeBytes - 1) & ~(sizeBytes - 1)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: sizeBytes)
        return unsafe memory.bindMemory(to: Value.self, capacity: count)
    }
}

/// A value at a fixed address.
///
/// SAFETY: the pointer is private; whoever made the cell calls `destroy()` once, when nobody uses it any more. A cell
/// that two threads reach is used under a lock of its owner.
@safe struct Cell<Value: ~Copyable>: @unchecked Sendable, Equatable {  // sharing is the owner's business: see SAFETY
    private let pointer: UnsafeMutablePointer<Value>

    /// Puts `value` into memory of its own.
    init(_ value: consuming Value) {
        unsafe pointer = .allocate(capacity: 1)
        unsafe pointer.initialize(to: value)
    }

    /// Puts `value` into whole cache lines of its own.
    init(alone value: consuming Value) {
        unsafe pointer = CacheLine.allocate(1)
        unsafe pointer.initialize(to: value)
    }

    /// The cell that `address` names (see there).
    @unsafe @inline(__always) init(address: UInt64) {
        unsafe pointer = UnsafeMutablePointer(bitPattern: UInt(address)).unsafelyUnwrapped
    }

    /// The address as a number, to be carried through the kernel; never 0.
    @inline(__always) var address: UInt64 { UInt64(UInt(bitPattern: unsafe pointer)) }

    /// The value, read and changed in place.
    @inline(__always) var value: Value {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(pointer) }
        @inline(__always) nonmutating unsafeMutableAddress { unsafe pointer }
    }

    /// Ends the value and frees its memory.
    func destroy() {
        unsafe pointer.deinitialize(count: 1)
        unsafe pointer.deallocate()
    }

    static func == (left: Self, right: Self) -> Bool { unsafe left.pointer == right.pointer }
}
