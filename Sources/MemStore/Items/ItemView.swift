// ItemView: what a read of an item or a published file shows while its shard is locked.

/// A hit or a miss. For a hit the shard stays locked until `StoreSession.endGet`, which must follow soon:
/// copy `tail`, take `lease` if `headLength` is not 0, and end.
public struct ItemView {
    /// `.present` is a hit; all else is a miss, with its reason.
    public var presence: Presence = .missing
    public var flags: UInt32 = 0
    public var cas: UInt64 = 0
    /// Value bytes in all: `headLength + tail.count`.
    public var size: Int = 0
    /// Leading bytes of the value that are sent by reference through a `ContentLease`; 0 for a small value.
    public var headLength: Int = 0
    /// The rest of the value: copy it before `endGet`.
    public var tail: Bytes = .empty
    /// The expiry before `GetOptions.touch` and after it.
    public var exptimeBefore = Exptime.never
    public var exptime = Exptime.never
    /// Second of the store's clock of the last counted access (or of the store), before this one.
    public var lastAccessSecond: UInt32 = 0
    /// Whether the item had been fetched before.
    public var wasFetched = false
    public var isStale = false
    /// A win had been handed out before this read.
    public var hadWinner = false
    /// This read wins (meta `W`).
    public var wins = false
    /// `GetOptions.vivify` created the item just now.
    public var isCreated = false
    /// Why there was none before; for statistics.
    public var absence = Presence.missing
    public var isBinaryKey = false
    /// Why a key that names a file was a miss; nil of others, and of a write that was refused.
    public var fileMiss: FileMiss?
    /// The key names a file of the tree.
    public var isFile = false
    /// Invalidations caused by `GetOptions.touch` (see `InvalidationStream`).
    public var pendingInvalidations: Int = 0
    /// Why a touch or a vivify was refused (the view is a miss then); `.done` otherwise.
    public var refusal: Outcome = .done
    /// Whose lock is held: shard number, or -1 for none. The store's own.
    var shard: Int32 = -1
    var root: UInt32 = 0

    /// A miss.
    public init() {}
    @inlinable public var isHit: Bool { presence == .present }
}

/// A right to read the head of a value after its shard is unlocked: it counts in the content's readers, so the
/// bytes stay as they were until `StoreSession.release`. Kept by a connection while it sends.
public struct ContentLease: Sendable {
    var shard: Int32 = -1
    var root: UInt32 = 0
    /// Bytes of the whole content, which give its tree's shape.
    var size: Int = 0
    /// Bytes that can be read through the lease.
    public private(set) var length: Int = 0
    init(shard: Int32, root: UInt32, size: Int, length: Int) {
        self.shard = shard
        self.root = root
        self.size = size
        self.length = length
    }
    /// A lease of nothing, that needs no release.
    public init() {}
    public var isEmpty: Bool { length == 0 }
}

extension ContentLease {
    /// The lease as two words, for those who carry it without knowing it.
    public var words: (UInt64, UInt64) {
        (UInt64(UInt32(bitPattern: shard)) << 32 | UInt64(root), UInt64(size))
    }

    /// The lease that two words stand for. All bytes of the content can be read through it.
    public init(_ first: UInt64, _ second: UInt64) {
        self.init(
            shard: Int32(truncatingIfNeeded: first >> 32), root: UInt32(truncatingIfNeeded: first), size: Int(second),
            length: Int(second))
    }
}
