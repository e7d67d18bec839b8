// GetEntry: the keys of consecutive gets, gathered so that their memory is on its way before it is read.
import MemNet
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

extension Batch<GetEntry> {
    /// Says that the last key added is the last of its line.
    @inline(__always) mutating func markLast() {
        precondition(count > 0, "an empty batch has no last key")
        self[count &- 1].isLast = true
    }
}
