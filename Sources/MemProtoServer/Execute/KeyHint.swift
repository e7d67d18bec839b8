// KeyHint: what is known of the first key of an input before it is executed. The inputs of several connections are looked at
// together, so that the memory that they need is on its way.
import MemNet
import MemStore

/// What is known of the key that begins at `start` of an input and has `count` bytes; 0 bytes = nothing.
struct KeyHint {
    /// Behind `get ` or `set `.
    static var start: Int { 4 }
    /// Of the key of an item.
    var hash: UInt64 = 0
    var count: Int32 = 0
    /// Which of the lookups is that of the key; -1 = none, it is not the key of a file.
    var lookup: Int32 = -1
}

/// The hints for the inputs of a batch.
///
/// SAFETY: owns an array of `NetLimits.readBatchMax` hints; every index is checked.
@safe struct KeyHints: ~Copyable {
    private let hints: UnsafeMutablePointer<KeyHint>
    /// The files that keys of the batch name.
    var lookups = FileLookups(capacity: NetLimits.readBatchMax)

    init() {
        unsafe hints = CacheLine.allocate(NetLimits.readBatchMax)
        unsafe hints.initialize(repeating: KeyHint(), count: NetLimits.readBatchMax)
    }

    deinit { unsafe hints.deallocate() }

    /// The hint for the input at `index` of the batch; -1 = no input of it.
    @inline(__always) subscript(index: Int) -> KeyHint {
        if index < 0 { return KeyHint() }
        precondition(index < NetLimits.readBatchMax, "a hint that is not there")
        return unsafe hints[index]
    }

    /// Looks at the first key of each input of a door, as far as that can be told at a glance: fetches the memory behind the key
    /// of an item, a hint that nothing depends on, and looks up that of a file.
    mutating func prepare(_ batch: borrowing ReadBatch, door: Int, _ session: StoreSession) {
        lookups.clear()
        for index in 0..<batch.count {
            unsafe hints[index] = KeyHint()
            guard Int(batch.connection(at: index).net.door) == door,
                let key = RequestParser.firstKey(batch.input(at: index))
            else { continue }
            var hint = KeyHint(count: Int32(truncatingIfNeeded: key.count))
            if session.isFileKey(key) {
                hint.lookup = Int32(truncatingIfNeeded: lookups.add(key))
            } else {
                hint.hash = session.hash(key)
                session.prefetchIndex(hint.hash)
            }
            unsafe hints[index] = hint
        }
        for index in 0..<batch.count where unsafe hints[index].count > 0 && hints[index].lookup < 0 {
            session.prefetchRecord(unsafe hints[index].hash)
        }
        if !lookups.isEmpty { lookups.run(session) }
    }
}
