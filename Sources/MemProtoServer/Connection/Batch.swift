// Batch: what is gathered over commands, so that the memory it touches is on its way before it is needed.

/// At most `Limit.batchMax` entries.
///
/// SAFETY: owns an array of that many entries; every index is checked.
@safe struct Batch<Entry: BitwiseCopyable>: ~Copyable {
    private let entries: UnsafeMutablePointer<Entry>
    private(set) var count = 0

    init() { unsafe entries = CacheLine.allocate(Limit.batchMax) }
    deinit { unsafe entries.deallocate() }

    @inline(__always) var isFull: Bool { count == Limit.batchMax }

    @inline(__always) mutating func add(_ entry: Entry) {
        precondition(!isFull, "a full batch gets one more entry")
        unsafe (entries + count).initialize(to: entry)
        count &+= 1
    }

    @inline(__always) subscript(index: Int) -> Entry {
        get {
            precondition(index >= 0 && index < count, "an entry outside of the batch")
            return unsafe entries[index]
        }
        set {
            precondition(index >= 0 && index < count, "an entry outside of the batch")
            unsafe entries[index] = newValue
        }
    }

    @inline(__always) mutating func clear() { count = 0 }
}
