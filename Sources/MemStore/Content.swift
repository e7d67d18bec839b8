// Content: the bytes of a file (or of a large item) as a version that can be
// shared. A small content is one piece of its shard's log; a large one is a tree of blocks and a last
// piece. Sharing is by count, writing copies what is shared.

/// A version of a content: a plain value that its holder (an inode's live or published field, an item's record)
/// keeps. Copying the struct copies no right: each holder has one count (`retain`, `release`).
struct Content: Equatable {
    /// What holds the bytes; 0 = nothing but zeros.
    var root: UInt32 = 0
    /// Bytes.
    var size: UInt64 = 0
    static let empty = Content()
}

/// Upper bounds of the memory that one change of a content takes; reserve so much before taking a lock.
struct MemoryNeed {
    /// Blocks of `Arena.blockSizeBytes`.
    var blocks = 0
    /// Whole log segments.
    var segments = 0
}

/// A value that a storage command brings: at hand, or received piece by piece.
enum ValueSource {
    case bytes(Bytes)
    case pending(PendingValue)
    var count: Int { fatalError() }
}

// Everything here: the shard's lock is held by the caller; where a content grows or is copied, the session holds a
// reservation of at least the need stated (see StoreSession.reserve), so nothing can fail in the middle.
extension Shard {
    /// Counts one more holder.
    func retain(_ content: Content) { fatalError() }
    /// Gives a holder's count back; the last one frees the bytes.
    func release(_ content: Content, _ session: StoreSession) { fatalError() }

    /// What `makeContent` may take at most.
    static func need(forMaking source: ValueSource) -> MemoryNeed { fatalError() }
    /// A new content with one holder, made of a value that came in through the port. Ends a pending value.
    func makeContent(_ source: ValueSource, _ session: StoreSession) -> Content { fatalError() }

    /// Copies bytes from `offset` on into `buffer`, zeros for holes; returns how many (fewer only at the end).
    @unsafe func read(_ content: Content, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int { fatalError() }

    /// What `write` may take at most.
    static func need(forWriteAt offset: UInt64, count: Int, into content: Content) -> MemoryNeed { fatalError() }
    /// Writes into a content, growing it, copying what is shared with another holder.
    func write(_ content: inout Content, at offset: UInt64, _ bytes: Bytes, _ session: StoreSession) { fatalError() }

    /// What `truncate` and `zero` may take at most.
    static func need(forCutOf content: Content) -> MemoryNeed { fatalError() }
    /// Sets the size: frees what is behind it, or adds a hole.
    func truncate(_ content: inout Content, to size: UInt64, _ session: StoreSession) { fatalError() }
    /// Makes a hole of the range (within the size), freeing whole blocks.
    func zero(_ content: inout Content, from start: UInt64, to end: UInt64, _ session: StoreSession) { fatalError() }

    /// The first offset from `offset` on that holds data (or lies in a hole, for `hole` true); nil when there is none.
    func seek(_ content: Content, from offset: UInt64, hole: Bool) -> UInt64? { fatalError() }

    /// Bytes of memory that the content takes (shared ones included).
    func allocatedBytes(_ content: Content) -> UInt64 { fatalError() }

    /// The view that a port read gets of a content: `headLength`, `tail` and the root are filled in.
    func show(_ content: Content, in view: inout ItemView) { fatalError() }
}

extension StoreSession {
    /// Makes sure that the session holds at least `need` in reserved memory, evicting cache items for it. No lock of
    /// the store may be held. What an operation does not use stays with the session, up to a small bound.
    /// - Throws: noSpace.
    func reserve(_ need: MemoryNeed) throws(StoreError) { fatalError() }
}

/// A handle of one shard: a lock and what it guards.
///
/// SAFETY: points to memory that the store owns for its whole life.
@safe struct Shard {
    let state: UnsafeMutableRawPointer
    func lock() { fatalError() }
    func unlock() { fatalError() }
}

extension StoreSession {
    /// The shard of an inode: its lock guards the inode's attributes and contents.
    func shard(of ino: UInt32) -> Shard { fatalError() }
    /// The shard of a key's hash.
    func shard(ofHash hash: UInt64) -> Shard { fatalError() }
}
