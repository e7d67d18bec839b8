// GetBatch: the keys of consecutive gets, gathered so that their memory is on its way before it is read.
import MemStore

/// The form of a get.
enum GetForm: UInt8 {
    case get, gets, gat, gats
    /// The answer shows the cas.
    var showsCas: Bool { self == .gets || self == .gats }
    /// It sets a new expiry.
    var touches: Bool { self == .gat || self == .gats }
}

/// One key of a gathered get. Places are offsets in the input that is being executed.
struct GetEntry {
    var hash: UInt64
    var keyStart: UInt32
    var keyCount: UInt32
    /// Where the key's line begins.
    var lineStart: UInt32
    var form: GetForm
    /// The first and the last key of its line.
    var isFirst: Bool
    var isLast: Bool
}

/// At most `Limit.getBatchMax` keys.
///
/// SAFETY: owns an array of that many entries; every index is checked.
@safe struct GetBatch: ~Copyable {
    private let entries: UnsafeMutablePointer<GetEntry>
    private(set) var count = 0
    /// Where the output stood before the command that is being answered.
    var outputStart = 0

    init() { unsafe entries = .allocate(capacity: Limit.getBatchMax) }
    deinit { unsafe entries.deallocate() }

    @inline(__always) var isFull: Bool { count == Limit.getBatchMax }

    @inline(__always) mutating func add(_ entry: GetEntry) {
        precondition(!isFull, "a full batch gets one more key")
        unsafe (entries + count).initialize(to: entry)
        count &+= 1
    }

    @inline(__always) subscript(index: Int) -> GetEntry {
        precondition(index >= 0 && index < count, "a key outside of the batch")
        return unsafe entries[index]
    }

    /// Says that the last key added is the last of its line.
    @inline(__always) mutating func markLast() {
        precondition(count > 0, "an empty batch has no last key")
        unsafe entries[count &- 1].isLast = true
    }

    @inline(__always) mutating func clear() { count = 0 }
}
