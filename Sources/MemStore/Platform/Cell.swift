// Cell: one value in memory of its own, for state that has a fixed address: connections that epoll points to,
// counters that another thread may read under a lock.

/// Memory in whole cache lines, so that no other thread's writes take them away.
public enum CacheLine {
    @inlinable public static var sizeBytes: Int { 64 }

    /// Uninitialized memory for `count` values, freed by `deallocate()`.
    @unsafe public static func allocate<Value: ~Copyable>(_ count: Int) -> UnsafeMutablePointer<Value> {
        let byteCount = (MemoryLayout<Value>.stride * count + sizeBytes - 1) & ~(sizeBytes - 1)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: sizeBytes)
        return unsafe memory.bindMemory(to: Value.self, capacity: count)
    }
}

/// A value at a fixed address.
///
/// SAFETY: the pointer is used by those alone who build on a cell; whoever made the cell calls `destroy()` once, when nobody uses it any more. A cell
/// that two threads reach is used under a lock of its owner.
@safe public struct Cell<Value: ~Copyable>: @unchecked Sendable, Equatable {  // see SAFETY
    /// Where the value lies; for those who build on a cell.
    @unsafe public let pointer: UnsafeMutablePointer<Value>

    /// Puts `value` into memory of its own.
    public init(_ value: consuming Value) {
        unsafe pointer = .allocate(capacity: 1)
        unsafe pointer.initialize(to: value)
    }

    /// Puts `value` into whole cache lines of its own.
    public init(alone value: consuming Value) {
        unsafe pointer = CacheLine.allocate(1)
        unsafe pointer.initialize(to: value)
    }

    /// The value, read and changed in place.
    @inlinable @inline(__always) public var value: Value {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(pointer) }
        @inline(__always) nonmutating unsafeMutableAddress { unsafe pointer }
    }

    /// Ends the value and frees its memory.
    public func destroy() {
        unsafe pointer.deinitialize(count: 1)
        unsafe pointer.deallocate()
    }

    public static func == (left: Self, right: Self) -> Bool { unsafe left.pointer == right.pointer }
}
