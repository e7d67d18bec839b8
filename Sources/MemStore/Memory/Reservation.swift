// Reservation: memory that an operation has taken from the arena and not used yet. It is the only memory that code below a
// session may use, and what keeps that code from failing half way.
//
// An operation cannot ask for memory while it holds a lock: memory may have to be made free first, which takes locks of its
// own and time. So it works in two steps, and starts again when the object has grown between them:
//
//     1. without a lock   reserve what the change can need at most        Arena ──► Reservation
//     2. under the lock   change; every leaf takes what it needs from     Reservation ──► Content, Log, Tree
//                         the reservation, which is passed down `inout`
//     3. later            the next reservation begins with what is left, and a small stash stays for the next change
//
// `StoreSession.withMemory` is that loop. What a leaf asks for is there by construction, so nothing below a session throws
// `noSpace`; asking for more than was reserved is a bug and ends the program.

/// Blocks and segments that are taken from the arena and belong to one thread.
struct Reservation: ~Copyable {
    private let arena: Arena
    private var segments: [UInt32]
    private var blocks: [UInt32] = []
    /// How many of the blocks, the first ones, a file has lent that had preallocated them (see `lend`).
    private var lentCount = 0
    private var lentUsedCount = 0
    /// Some of it was drawn on what the arena keeps for cuts, and goes back there as soon as the cut is done.
    private(set) var drawsOnCutReserve = false

    /// An empty reservation, or one of the segment `spare` (0 = none).
    init(of arena: Arena, spare: UInt32 = 0) {
        self.arena = arena
        segments = spare == 0 ? [] : [spare]
    }

    var segmentCount: Int { segments.count }
    var blockCount: Int { blocks.count }

    // MARK: under a lock

    /// Takes one block. There must be one.
    mutating func takeBlock() -> UInt32 {
        // From the front, so that blocks that lie together are used in their order.
        guard !blocks.isEmpty else { preconditionFailure("a block was reserved before the lock was taken") }
        if lentUsedCount < lentCount { lentUsedCount += 1 }
        return blocks.removeFirst()
    }

    /// Takes one segment; 0 = there is none.
    mutating func takeSegment() -> UInt32 { segments.popLast() ?? 0 }

    /// Whether it holds a segment.
    @inline(__always) var hasSegment: Bool { !segments.isEmpty }

    /// Whether it holds `need`.
    @inline(__always) func holds(_ need: MemoryNeed) -> Bool {
        segments.count >= need.segments && blocks.count >= need.blocks
    }

    // MARK: preallocated blocks

    /// Whether a file's preallocated blocks are lent: then every new leaf becomes a block.
    var isLent: Bool { lentCount > 0 }

    /// Puts blocks that a file has preallocated before all others; `endLending` comes next.
    mutating func lend(_ preallocated: some Collection<UInt32>) {
        blocks.insert(contentsOf: preallocated, at: 0)
        lentCount = preallocated.count
        lentUsedCount = 0
    }

    /// Ends lending and hands over the lent blocks that were not used.
    mutating func endLending() -> [UInt32] {
        let left = lentCount - lentUsedCount
        lentCount = 0
        defer { blocks.removeFirst(left) }
        return Array(blocks.prefix(left))
    }

    // MARK: without a lock

    /// Takes more from the arena until it holds `need`. False: the arena has nothing free now.
    mutating func fill(to need: MemoryNeed) -> Bool {
        while segments.count < need.segments {
            guard let segment = arena.takeSegment() else { return false }
            segments.append(segment)
        }
        while blocks.count < need.blocks {
            guard let block = arena.takeBlock(near: blocks.last ?? 0) else { return false }
            blocks.append(block)
        }
        return true
    }

    /// Takes the segments that are missing from what the arena keeps for cuts. False: that is used up too.
    mutating func fillFromCutReserve(to need: MemoryNeed) -> Bool {
        drawsOnCutReserve = true
        while segments.count < need.segments {
            guard let segment = arena.takeSegmentForCut() else { return false }
            segments.append(segment)
        }
        return true
    }

    /// Gives what was drawn on the arena's reserve for cuts, and all else, back.
    mutating func endCut() {
        guard drawsOnCutReserve else { return }
        drawsOnCutReserve = false
        giveBack(keeping: MemoryNeed())
    }

    /// Whether it holds more than `need`.
    func exceeds(_ need: MemoryNeed) -> Bool { segments.count > need.segments || blocks.count > need.blocks }

    /// Gives what is beyond `need` back to the arena.
    mutating func giveBack(keeping need: MemoryNeed) {
        while segments.count > need.segments { arena.giveBack(segment: segments.removeLast()) }
        while blocks.count > need.blocks { arena.giveBack(block: blocks.removeLast()) }
    }
}
