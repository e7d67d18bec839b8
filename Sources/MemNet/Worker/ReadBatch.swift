// ReadBatch: what was read from several connections and is not executed yet.
import MemStore

/// At most `NetLimits.readBatchMax` inputs, one of a connection each.
///
/// SAFETY: owns its memory, a place of `NetLimits.readBufferBytes` for each input and a few bytes more; every index is checked.
@safe public struct ReadBatch: ~Copyable {
    private struct Entry {
        var connection: ConnectionCell
        var length: Int
    }

    /// Places do not lie whole pages apart: their first lines would share one set of the processor's cache.
    private static var strideBytes: Int { NetLimits.readBufferBytes + 3 * 64 }
    private let memory: UnsafeMutableRawPointer
    private let entries: UnsafeMutablePointer<Entry>
    public private(set) var count = 0

    init() {
        unsafe memory = .allocate(byteCount: Self.strideBytes * NetLimits.readBatchMax, alignment: 64)
        unsafe entries = CacheLine.allocate(NetLimits.readBatchMax)
    }

    deinit {
        unsafe memory.deallocate()
        unsafe entries.deallocate()
    }

    @inline(__always) var isFull: Bool { count == NetLimits.readBatchMax }

    @unsafe private func place(_ index: Int) -> UnsafeMutableRawPointer { unsafe memory + index &* Self.strideBytes }

    /// Where the next input goes: room for `NetLimits.readBufferBytes`.
    @unsafe var nextPlace: UnsafeMutableRawPointer {
        precondition(!isFull, "a full batch gets one more input")
        return unsafe place(count)
    }

    /// Takes the bytes at `nextPlace`.
    mutating func add(_ connection: ConnectionCell, length: Int) {
        precondition(!isFull && length <= NetLimits.readBufferBytes, "an input outside of the batch's memory")
        unsafe (entries + count).initialize(to: Entry(connection: connection, length: length))
        count &+= 1
    }

    public func connection(at index: Int) -> ConnectionCell {
        precondition(index >= 0 && index < count, "an input that is not there")
        return unsafe entries[index].connection
    }

    public func input(at index: Int) -> Bytes {
        precondition(index >= 0 && index < count, "an input that is not there")
        return unsafe Bytes(place(index), count: entries[index].length)
    }

    mutating func clear() { count = 0 }
}
