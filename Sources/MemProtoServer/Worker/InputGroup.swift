// InputGroup: what was read from several connections and is not executed yet.
import MemStore

/// What is known of the key that begins at `start` of an input and has `count` bytes; 0 bytes = nothing.
struct KnownKey {
    /// Behind `get ` or `set `.
    static let start = 4
    /// Of the key of an item.
    var hash: UInt64 = 0
    var count: Int32 = 0
    /// Which of the executor's lookups is that of the key; -1 = none, it is not the key of a file.
    var lookup: Int32 = -1
}

/// At most `Limit.groupMax` inputs, one of a connection each.
///
/// SAFETY: owns its memory, a place of `Limit.readBufferBytes` for each input and a few bytes more; every index is checked.
@safe struct InputGroup: ~Copyable {
    private struct Entry {
        var connection: Cell<Connection>
        var length: Int
        /// The first key, if the input begins as most do.
        var key = KnownKey()
    }

    /// Places do not lie whole pages apart: their first lines would share one set of the processor's cache.
    private static let strideBytes = Limit.readBufferBytes + 3 * 64
    private let memory: UnsafeMutableRawPointer
    private let entries: UnsafeMutablePointer<Entry>
    private(set) var count = 0

    init() {
        unsafe memory = .allocate(byteCount: Self.strideBytes * Limit.groupMax, alignment: 64)
        unsafe entries = CacheLine.allocate(Limit.groupMax)
    }

    deinit {
        unsafe memory.deallocate()
        unsafe entries.deallocate()
    }

    @inline(__always) var isFull: Bool { count == Limit.groupMax }

    @unsafe private func place(_ index: Int) -> UnsafeMutableRawPointer { unsafe memory + index &* Self.strideBytes }

    /// Where the next input goes: room for `Limit.readBufferBytes`.
    @unsafe var nextPlace: UnsafeMutableRawPointer {
        precondition(!isFull, "a full group gets one more input")
        return unsafe place(count)
    }

    /// Takes the bytes at `nextPlace`.
    mutating func add(_ connection: Cell<Connection>, length: Int) {
        precondition(!isFull && length <= Limit.readBufferBytes, "an input outside of the group's memory")
        unsafe (entries + count).initialize(to: Entry(connection: connection, length: length))
        count &+= 1
    }

    func connection(at index: Int) -> Cell<Connection> {
        precondition(index >= 0 && index < count, "an input that is not there")
        return unsafe entries[index].connection
    }

    func input(at index: Int) -> Bytes {
        precondition(index >= 0 && index < count, "an input that is not there")
        return unsafe Bytes(place(index), count: entries[index].length)
    }

    /// Looks at the first key of each input, as far as that can be told at a glance: fetches the memory behind the key of an
    /// item, a hint that nothing depends on, and looks up that of a file. There is room in `lookups` for `Limit.groupMax`.
    mutating func prefetch(_ session: StoreSession, _ lookups: inout FileLookups) {
        lookups.clear()
        for index in 0..<count {
            guard let key = RequestParser.firstKey(input(at: index)) else { continue }
            var known = KnownKey(count: Int32(truncatingIfNeeded: key.count))
            if session.isFileKey(key) {
                known.lookup = Int32(truncatingIfNeeded: lookups.add(key))
            } else {
                known.hash = session.hash(key)
                session.prefetchIndex(known.hash)
            }
            unsafe entries[index].key = known
        }
        for index in 0..<count where unsafe entries[index].key.count > 0 && entries[index].key.lookup < 0 {
            session.prefetchRecord(unsafe entries[index].key.hash)
        }
        if !lookups.isEmpty { lookups.run(session) }
    }

    /// What `prefetch` found out about the first key of an input.
    func firstKey(at index: Int) -> KnownKey {
        precondition(index >= 0 && index < count, "an input that is not there")
        return unsafe entries[index].key
    }

    mutating func clear() { count = 0 }
}
