// Arena: all memory of the store, one reserved piece of address space, and the one counter that is the budget.
//
//     address space   ┌─────────┬─────────┬─────────┬─────────┬─────────┬──────── ─ ─
//     (512 segments   │ log     │ blocks  │ free    │ log     │ blocks  │
//     of one size)    │ ▓▓▓▓▓░░ │ ▓ ▓░▓ ░ │         │ ▓▓▓▓▓▓▓ │ ▓▓▓▓▓▓▓ │
//                     └─────────┴─────────┴─────────┴─────────┴─────────┴──────── ─ ─
//
// A segment (a 512th of the limit, 16 to 256 KiB) has one of three states. Part of a log: records or pieces are appended
// until it is full, and it comes back when all in it is dead (see Compaction) or evicted (see Shard+Eviction). Cut into
// sixteen blocks: contents and tables take whole blocks, a segment with free blocks is in the list of those with as many,
// and it comes back when the last block does, or when its blocks were moved elsewhere (see Shard+Evacuation). Free: its
// pages may be the system's again.
//
// The budget counts segments in use, and the tables that lie outside (indexes, ghosts). An operation never takes memory
// here in the middle of its work: it fills a `Reservation` before it takes any lock, by the rules of Arena+Take, and draws
// on that. A segment for each reclaiming lane and two for cuts are kept back, so that making memory free never needs what it
// is to make.
//
// The arena's lock is a leaf: whoever holds it takes no other. What it says of a segment in a log is guarded by the shard
// that has the log.
import CShims
import Glibc

/// What the arena knows of a segment. Fields from `shard` on belong to the log that has the segment (its shard's lock).
struct SegmentState {
    enum Kind: UInt8 { case free, log, blocks }
    var kind = Kind.free
    /// Neighbours in a free list, in the list of segments with as many free blocks, or in a log; 0 = none.
    var next: UInt32 = 0
    var previous: UInt32 = 0
    /// A bit for each free block, with kind `.blocks`.
    var freeBlocks: UInt16 = 0
    /// What its blocks are for.
    var use = BlockUse.content
    /// Its blocks are being moved elsewhere: it is in no list and gives out none.
    var isEvacuated = false
    /// The round of housekeeping in which not all of its blocks could be moved; 0 = none.
    var stuckRound: UInt32 = 0
    var shard: UInt16 = 0
    var log = LogKind.probation
    /// Number of the segment within its shard.
    var local: UInt32 = 0
    /// Bytes appended, and bytes of records that are still live.
    var usedBytes: UInt32 = 0
    var liveBytes: UInt32 = 0
    /// Bytes of contents that live records hold outside of the segment.
    var attachedBytes: UInt64 = 0
    /// Records keep their cas as a 32-bit difference to this.
    var casBase: UInt64 = 0
    /// How much of it is dead, in sixteenths, and its neighbours among those of its shard with as much; 0 = none.
    var deadShare: UInt8 = 0
    var deadNext: UInt32 = 0
    var deadPrevious: UInt32 = 0
}

/// What a block is for. Those of tables never move, so they are kept together.
enum BlockUse: UInt8 { case content = 0, table = 1 }

/// The arena's fields. GUARDED_BY `lock` but for those set once.
@safe struct ArenaState {
    // Set once.
    let mapping: Mapping
    let segmentTable: UnsafeMutablePointer<SegmentState>
    let blockCounts: UnsafeMutablePointer<UInt32>
    /// Who holds a block, as a hint (see BlockOwner). Changed and read atomically.
    let blockOwners: UnsafeMutablePointer<UInt64>
    let segmentTableMapping: Mapping
    let blockCountMapping: Mapping
    let blockOwnerMapping: Mapping
    let geometry: ArenaGeometry
    let segmentCount: UInt32
    let lock = Lock()
    /// A block of zeros that stands for holes.
    var zeroBlock: UInt32 = 0

    /// The limit; it can change at any time. What items may take beyond it (see Allowance) is read atomically too.
    var limitBytes: Int
    var allowanceBytes: UInt64 = 0
    var budgetBytes: Int { limitBytes + Int(allowanceBytes) }
    /// Segments taken and tables charged, in bytes. INVARIANT: budgetBytes is only passed by charges.
    var usedBytes = 0
    /// Whole segments that only cuts of contents may take, since a cut has to copy a little before it can free anything. They
    /// count as used. Filled up first by what is given back.
    var cutReserve: [UInt32] = []
    /// Of `usedBytes`: blocks that somebody has, and those of the same segments that no one has.
    var takenBlockBytes = 0
    var freeBlockBytes = 0
    /// Bytes that the housekeeper keeps free ahead of the next writers, and how it is woken when there are fewer.
    var aheadBytes = 0
    let shortage = Condition()
    var isAwaited = false
    /// Free segments whose pages may be resident, those that are surely not, and the first never used.
    var warmHead: UInt32 = 0
    var warmCount = 0
    var coldHead: UInt32 = 0
    var freshNext: UInt32 = 1
    /// Heads of the lists of segments by their use and their number of free blocks, 1 ... 16.
    var partialHeads: InlineArray<34, UInt32> = .init(repeating: 0)
    /// Counts rounds of housekeeping: what was stuck in one is tried again in the next.
    var round: UInt32 = 1
}

/// Sizes that follow from the limit.
struct ArenaGeometry: Equatable {
    /// log2 of the segment's and the block's bytes.
    let segmentShift: Int
    let blockShift: Int
    var segmentSizeBytes: Int { 1 << segmentShift }
    var blockSizeBytes: Int { 1 << blockShift }
    var blocksPerSegment: Int { 1 << (segmentShift - blockShift) }

    /// A segment is a 512th of the limit, 16 KiB to 256 KiB; a block a 16th of it, 4 KiB at least.
    /// Larger segments would make one step of reclaiming longer, smaller ones waste more at their end.
    init(limitBytes: Int) {
        var shift = 14
        while shift < 18, (1 << (shift + 1)) <= limitBytes / 512 { shift += 1 }
        segmentShift = shift
        blockShift = max(12, shift - 4)
    }
}

/// A handle of the store's memory.
///
/// SAFETY: the state lives as long as the store; blocks and segments are disjoint and owned by whoever took
/// them until they are given back.
@safe struct Arena: @unchecked Sendable {  // guarded by its lock
    /// From this limit on the 2 MiB that a huge page can waste are less than a hundredth of it.
    private static let hugePageLimitBytes = 256 << 20

    /// How many segments are set aside for cuts: one cut takes one, or two where segments are small.
    static let cutReserveCount = 2

    private let pointer: UnsafeMutablePointer<ArenaState>

    /// Maps the address space: the larger of the limit and the machine's memory, so that the limit can be raised.
    init(limitBytes: Int) throws(StoreSetupError) {
        let geometry = ArenaGeometry(limitBytes: limitBytes)
        let machineBytes = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        // A little more than the largest limit: segments on their way back to the system are in no list.
        let segments = max(limitBytes, machineBytes) / geometry.segmentSizeBytes + 64
        let mapping = try Mapping(sizeBytes: segments << geometry.segmentShift, what: "the arena")
        if limitBytes >= Self.hugePageLimitBytes { mapping.preferHugePages() }
        let table = try Mapping(sizeBytes: segments * MemoryLayout<SegmentState>.stride, what: "the segment table")
        let counts = try Mapping(sizeBytes: segments * geometry.blocksPerSegment * 4, what: "the block counts")
        let owners = try Mapping(sizeBytes: segments * geometry.blocksPerSegment * 8, what: "the blocks' owners")
        unsafe pointer = .allocate(capacity: 1)
        unsafe pointer.initialize(
            to: ArenaState(
                mapping: mapping, segmentTable: table.base.assumingMemoryBound(to: SegmentState.self),
                blockCounts: counts.base.assumingMemoryBound(to: UInt32.self),
                blockOwners: owners.base.assumingMemoryBound(to: UInt64.self), segmentTableMapping: table,
                blockCountMapping: counts, blockOwnerMapping: owners, geometry: geometry,
                segmentCount: UInt32(segments), limitBytes: limitBytes))
        guard let zero = takeBlock(near: 0) else { preconditionFailure("an arena has room for a first block") }
        unsafe memset(address(ofBlock: zero), 0, geometry.blockSizeBytes)
        state.zeroBlock = zero
        for _ in 0..<Self.cutReserveCount { if let segment = takeSegment() { state.cutReserve.append(segment) } }
    }

    /// Unmaps everything. No session may be in use.
    func destroy() {
        state.mapping.unmap()
        state.segmentTableMapping.unmap()
        state.blockCountMapping.unmap()
        state.blockOwnerMapping.unmap()
        state.lock.destroy()
        state.shortage.destroy()
        unsafe pointer.deinitialize(count: 1)
        unsafe pointer.deallocate()
    }

    var state: ArenaState {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(pointer) }
        @inline(__always) nonmutating unsafeMutableAddress { unsafe pointer }
    }

    // MARK: addresses

    @inline(__always) var geometry: ArenaGeometry { state.geometry }
    /// Bytes of a block: 16 KiB, less with a small limit. A power of two.
    @inline(__always) var blockSizeBytes: Int { state.geometry.blockSizeBytes }
    @inline(__always) var segmentSizeBytes: Int { state.geometry.segmentSizeBytes }

    /// The address of a block; valid while it is taken. Its bytes are undefined when it is taken.
    @inline(__always) @unsafe func address(ofBlock block: UInt32) -> UnsafeMutableRawPointer {
        unsafe state.mapping.base + (Int(block) &<< state.geometry.blockShift)
    }

    /// The address of a segment's first byte.
    @inline(__always) @unsafe func address(ofSegment segment: UInt32) -> UnsafeMutableRawPointer {
        unsafe state.mapping.base + (Int(segment) &<< state.geometry.segmentShift)
    }

    /// The block that an address lies in; nil for memory outside of the arena.
    @unsafe func block(at address: UnsafeRawPointer) -> UInt32? {
        let offset = unsafe address - UnsafeRawPointer(state.mapping.base)
        guard offset >= 0, offset < state.mapping.sizeBytes else { return nil }
        return UInt32(offset >> state.geometry.blockShift)
    }

    /// What is known of a segment.
    @inline(__always) subscript(segment: UInt32) -> SegmentState {
        unsafeAddress { unsafe UnsafePointer(state.segmentTable + Int(segment)) }
        nonmutating unsafeMutableAddress { unsafe state.segmentTable + Int(segment) }
    }

    // MARK: counts of blocks, which may be shared by versions and readers

    /// Counts one more holder of a block.
    @inline(__always) func retain(block: UInt32) { unsafe _ = cs_add32(state.blockCounts + Int(block), 1) }

    /// How many holders a block has.
    @inline(__always) func holderCount(ofBlock block: UInt32) -> UInt32 {
        unsafe cs_load32_acquire(state.blockCounts + Int(block))
    }

    /// Whether a block has more than one holder.
    @inline(__always) func isShared(block: UInt32) -> Bool {
        holderCount(ofBlock: block) > 1
    }

    /// Gives one holder's count back; the last one frees the block. Returns whether it was the last.
    @discardableResult func release(block: UInt32) -> Bool {
        guard unsafe cs_sub32(state.blockCounts + Int(block), 1) == 0 else { return false }
        giveBack(block: block)
        return true
    }

    // MARK: the budget

    /// Bytes in use, by a load that may be a moment old.
    var usedBytes: Int { state.lock.withLock { state.usedBytes } }
    var limitBytes: Int { state.lock.withLock { state.limitBytes } }

    /// Counts memory of a table outside of the segments. It may pass the limit; the next reservation makes it good.
    func charge(bytes: Int) { state.lock.withLock { state.usedBytes += bytes } }

    /// Whether a segment could be taken now.
    var hasRoomForSegment: Bool { state.lock.withLock { state.usedBytes + segmentSizeBytes <= state.budgetBytes } }

    // MARK: freeing ahead

    /// The housekeeper frees memory ahead: a 256th of the limit.
    private static let aheadShare = 256

    /// Whether less is free than should be for the next writers.
    var isShort: Bool { state.lock.withLock { isShortLocked } }
    @inline(__always) private var isShortLocked: Bool { state.usedBytes + state.aheadBytes > state.budgetBytes }

    /// Waits until memory gets short or the monotonic clock shows `nanoseconds`. One thread may call it.
    func awaitShortage(until nanoseconds: UInt64) {
        state.lock.lock()
        defer { state.lock.unlock() }
        state.aheadBytes = state.limitBytes / Self.aheadShare & ~(segmentSizeBytes - 1)
        state.isAwaited = true
        state.shortage.wait(state.lock, until: nanoseconds)
        state.isAwaited = false
    }

    /// Ends `awaitShortage`.
    func endWait() { state.lock.withLock { state.shortage.wakeOne() } }

    /// Tells the housekeeper that memory was taken.
    @inline(__always) func noteTaken() {
        guard state.isAwaited, isShortLocked else { return }
        state.isAwaited = false
        state.shortage.wakeOne()
    }

    /// Whether the budget is passed, by charges or because it was lowered.
    var isOverLimit: Bool { state.lock.withLock { state.usedBytes > state.budgetBytes } }

    /// What items may take beyond the limit. Needs no lock.
    @inline(__always) var allowanceBytes: Int { Int(unsafe cs_load64(&state.allowanceBytes)) }
    func setAllowance(bytes: Int) { state.lock.withLock { unsafe cs_store64(&state.allowanceBytes, UInt64(bytes)) } }
}
