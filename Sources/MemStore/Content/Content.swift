// Content: the bytes of a file or of a large value, as a version that can be shared.
//
//     up to a block          more than a block
//
//        root                        root ── node (512 references, counts the bytes below it)
//         │                           ┌───────┼─────────┬────────┐
//     piece or block                block   block     hole     piece      a last part shorter than a block is a piece;
//                                                                         a hole reads as zeros and takes no memory
//
// The depth follows from the size alone, so two contents of one size have the same shape. Every node, block and piece counts
// its holders. A version costs nothing to make (`retain`: one more holder of the root) and changing one copies what is
// shared on the way down to the place that changes, and nothing else: a line appended to a published log of a gigabyte
// copies a node for each level and the last piece. What nobody else holds is changed in place.
//
// That is what publishing stands on (Tree+Publishing: live and published are two versions), what sending without a copy
// stands on (ContentLoan holds what the socket or the kernel still reads), and what copy_file_range does for whole blocks.
//
// The functions are Shard's (Shard+ContentRead, +ContentWrite, +ContentCut, +ContentMake), since pieces belong to a shard and
// its lock guards the change. Blocks may be shared across shards: only a sole owner writes to one. A large content whose last
// holder lets go of it waits in the shard's graveyard and is freed in slices.
import CShims
import Glibc

/// A version of a content: a plain value that its holder (an inode's live or published field, an item's record)
/// keeps. Copying the struct copies no right: each holder has one count (`retain`, `release`).
struct Content: Equatable {
    /// A `ContentReference`: what holds the bytes; 0 = nothing but zeros.
    var root: UInt32 = 0
    /// Bytes.
    var size: UInt64 = 0
    static let empty = Content()
}

/// What a place of a content's tree holds: nothing (a hole), a block of the arena, or a piece of the shard.
struct ContentReference: Equatable {
    let rawValue: UInt32
    static let hole = ContentReference(rawValue: 0)
    @inline(__always) init(rawValue: UInt32) { self.rawValue = rawValue }
    @inline(__always) init(block: UInt32) { rawValue = block }
    @inline(__always) init(piece: UInt32) { rawValue = piece | 1 << 31 }
    @inline(__always) var isHole: Bool { rawValue == 0 }
    @inline(__always) var piece: UInt32? { rawValue >> 31 == 1 ? rawValue & 0x7fff_ffff : nil }
    @inline(__always) var block: UInt32? { rawValue >> 31 == 0 && rawValue != 0 ? rawValue : nil }
}

/// A content that waits to be freed in slices.
struct GraveyardEntry {
    var reference: ContentReference
    var level: Int
}

/// The shape of a content's tree, which follows from its size.
enum ContentShape {
    /// References in a node.
    static let fanoutShift = 9
    static let fanout = 1 << fanoutShift
    /// A node begins with the bytes of memory below it (8 bytes).
    static let nodeHeaderSizeBytes = 8
    static let nodeSizeBytesMax = nodeHeaderSizeBytes + 4 * fanout
    /// The most levels that there are: `Limits.fileSizeMax` in the smallest blocks.
    static let depthMax = 5
    /// Levels of nodes above the leaves for `size` bytes in blocks of 2^`blockShift`.
    @inline(__always) static func depth(size: UInt64, blockShift: Int) -> Int {
        var blocks = (size &+ (1 << UInt64(blockShift)) &- 1) >> UInt64(blockShift)
        var depth = 0
        while blocks > 1 {
            blocks = (blocks &+ UInt64(fanout) &- 1) >> UInt64(fanoutShift)
            depth += 1
        }
        return depth
    }
}

// Everything here: the shard's lock is held by the caller; where a content grows or is copied, the session holds a
// reservation of at least the need stated (see StoreSession.reserve), so nothing can fail in the middle.
extension Shard {
    @inline(__always) var blockShift: Int { arena.geometry.blockShift }
    @inline(__always) func depth(_ content: Content) -> Int {
        ContentShape.depth(size: content.size, blockShift: blockShift)
    }

    // MARK: holders

    /// Counts one more holder.
    @inline(__always) func retain(_ content: Content) { retain(ContentReference(rawValue: content.root)) }

    @inline(__always) func retain(_ reference: ContentReference) {
        if let piece = reference.piece {
            state.pieces[piece].holderCount += 1
        } else if let block = reference.block {
            arena.retain(block: block)
        }
    }

    /// Gives a holder's count back; the last one frees the bytes, those of a very large content in slices later.
    func release(_ content: Content) {
        let level = depth(content)
        release(ContentReference(rawValue: content.root), level: level, buriesWhole: level >= 2)
    }

    /// The same for a part of one. `buriesWhole`: it is left to be freed in slices if nobody else holds it.
    func release(_ reference: ContentReference, level: Int, buriesWhole: Bool) {
        if buriesWhole, level > 0, let piece = reference.piece, state.pieces[piece].holderCount == 1 {
            state.graveyard.append(GraveyardEntry(reference: reference, level: level))
            noteCheap()
        } else {
            release(reference, level: level)
        }
    }

    /// Counts one more reader's lease.
    func lease(_ content: Content) {
        retain(content)
        if let piece = ContentReference(rawValue: content.root).piece { state.pieces[piece].leaseCount += 1 }
    }

    /// Gives a reader's lease back.
    func endLease(_ content: Content) {
        guard let piece = ContentReference(rawValue: content.root).piece else { return release(content) }
        state.pieces[piece].leaseCount -= 1
        guard state.pieces[piece].holderCount == 1 else {
            state.pieces[piece].holderCount -= 1
            return
        }
        // It was counted when its owner left.
        countHeldByReaders(-Int(allocatedBytes(content)))
        release(content)
    }

    /// Counts a content as held by readers alone if the holder that goes now is the last one that is no lease.
    func noteOwnerLeaves(_ piece: UInt32, level: Int) {
        let leases = state.pieces[piece].leaseCount
        guard leases > 0, state.pieces[piece].holderCount == leases + 1 else { return }
        countHeldByReaders(Int(allocatedBytes(ContentReference(piece: piece), level: level)))
    }

    private func countHeldByReaders(_ bytes: Int) {
        unsafe _ = cs_add64(state.heldByReaders, UInt64(bitPattern: Int64(bytes)))
    }

    /// Gives one count of a reference back; `level` is 0 for a leaf.
    func release(_ reference: ContentReference, level: Int) {
        if let block = reference.block {
            if arena.release(block: block) { countFiles(bytes: -arena.blockSizeBytes) }
        } else if let piece = reference.piece {
            noteOwnerLeaves(piece, level: level)
            state.pieces[piece].holderCount -= 1
            guard state.pieces[piece].holderCount == 0 else { return }
            if level > 0 {
                releaseEntries(ofNode: piece, level: level)
            }
            freePiece(piece)
        }
    }

    /// Gives one count of all that a node refers to back; its blocks in one turn of the arena's lock.
    private func releaseEntries(ofNode piece: UInt32, level: Int) {
        let count = entryCount(ofNode: piece)
        guard level == 1 else {
            for index in 0..<count { release(entry(index, ofNode: piece), level: level - 1) }
            return
        }
        let start = unsafe bytes(ofPiece: piece) + ContentShape.nodeHeaderSizeBytes
        let freed = unsafe arena.release(start.assumingMemoryBound(to: UInt32.self), count: count)
        if freed > 0 { countFiles(bytes: -freed * arena.blockSizeBytes) }
        for index in 0..<count {
            let leaf = entry(index, ofNode: piece)
            if leaf.piece != nil { release(leaf, level: 0) }
        }
    }

    /// Whether writing to what a reference names would be seen by another holder.
    @inline(__always) func isShared(_ reference: ContentReference) -> Bool {
        if let piece = reference.piece { return state.pieces[piece].holderCount > 1 }
        if let block = reference.block { return arena.isShared(block: block) }
        return false
    }

    // MARK: nodes

    @inline(__always) func entryCount(ofNode piece: UInt32) -> Int {
        (Int(state.pieces[piece].length) - ContentShape.nodeHeaderSizeBytes) / 4
    }
    @inline(__always) func entry(_ index: Int, ofNode piece: UInt32) -> ContentReference {
        guard index < entryCount(ofNode: piece) else { return .hole }
        return ContentReference(
            rawValue: unsafe bytes(ofPiece: piece)
                .load(fromByteOffset: ContentShape.nodeHeaderSizeBytes + 4 * index, as: UInt32.self))
    }

    /// The leaf of block `index`; a hole where there is none.
    @inline(__always) func leaf(_ content: Content, block index: UInt64) -> ContentReference {
        var reference = ContentReference(rawValue: content.root)
        var level = depth(content)
        while level > 0 {
            guard let piece = reference.piece else { return .hole }
            level -= 1
            let place = Int(index >> UInt64(level * ContentShape.fanoutShift)) & (ContentShape.fanout - 1)
            reference = entry(place, ofNode: piece)
        }
        return reference
    }

    /// Bytes of memory of a leaf.
    @inline(__always) func allocatedBytes(ofLeaf reference: ContentReference) -> UInt64 {
        if let piece = reference.piece { return UInt64(state.pieces[piece].capacity) }
        return reference.isHole ? 0 : UInt64(arena.blockSizeBytes)
    }

    /// Bytes of memory below a reference.
    func allocatedBytes(_ reference: ContentReference, level: Int) -> UInt64 {
        guard level > 0 else { return allocatedBytes(ofLeaf: reference) }
        guard let piece = reference.piece else { return 0 }
        return unsafe bytes(ofPiece: piece).load(as: UInt64.self)
    }

    /// Bytes of memory that the content takes (shared ones included).
    func allocatedBytes(_ content: Content) -> UInt64 {
        allocatedBytes(ContentReference(rawValue: content.root), level: depth(content))
    }
}
