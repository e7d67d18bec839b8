// Batch: what is gathered over commands, so that the memory it touches is on its way before it is needed.
import MemStore

/// At most `NetLimits.batchMax` entries.
///
/// SAFETY: owns an array of that many entries; every index is checked.
@safe public struct Batch<Entry: BitwiseCopyable>: ~Copyable {
    @usableFromInline let entries: UnsafeMutablePointer<Entry>
    @usableFromInline var storedCount = 0

    public init() { unsafe entries = CacheLine.allocate(NetLimits.batchMax) }
    deinit { unsafe entries.deallocate() }

    @inlinable @inline(__always) public var count: Int { storedCount }
    @inlinable @inline(__always) public var isFull: Bool { count == NetLimits.batchMax }

    @inlinable @inline(__always) public mutating func add(_ entry: Entry) {
        precondition(!isFull, "a full batch gets one more entry")
        unsafe (entries + count).initialize(to: entry)
        storedCount &+= 1
    }

    @inlinable @inline(__always) public subscript(index: Int) -> Entry {
        get {
            precondition(index >= 0 && index < count, "an entry outside of the batch")
            return unsafe entries[index]
        }
        set {
            precondition(index >= 0 && index < count, "an entry outside of the batch")
            unsafe entries[index] = newValue
        }
    }

    @inlinable @inline(__always) public mutating func clear() { storedCount = 0 }
}
