// Store: the store as its owner sees it: made once, asked for sessions and statistics, told new limits. One process
// has one; each thread that talks to it has a `StoreSession`, whose methods are in Items*.swift and
// FileOperations*.swift. It knows no socket, no FUSE type and no text format.
import CShims
import Glibc

/// Why a store could not be made.
public struct StoreSetupError: Error, Sendable {
    /// What was tried, with its size.
    public var what: String
    public var errno: Int32
}

/// An in-memory store of items and files under one memory budget.
///
/// SAFETY: `shared` and what it points to live until `deinit`, which runs when no session is left: each holds the store.
@safe public final class Store: @unchecked Sendable {  // all shared state is behind locks; see ARCHITECTURE.md
    public let configuration: StoreConfiguration
    public let clock: Clock
    /// What kernels must forget, in order; the filesystem reads it.
    public let invalidations: InvalidationStream
    /// What is evicted, for whoever watches.
    public let evictions = EvictionNotes()
    let shared: UnsafeMutablePointer<StoreShared>
    let tree: Tree
    private let slotLock = Lock()
    /// GUARDED_BY slotLock
    private var freeSlots: [Int]

    /// Reserves the address space and makes an empty tree.
    /// - Throws: StoreSetupError when the address space cannot be had.
    public init(configuration: StoreConfiguration, clock: Clock = Clock()) throws(StoreSetupError) {
        self.configuration = configuration
        self.clock = clock
        invalidations = InvalidationStream()
        unsafe shared = try StoreShared.make(configuration, clock, evictions)
        freeSlots = Array((0..<configuration.sessionsMax).reversed())
        tree = unsafe try Tree.create(
            configuration: configuration, clock: clock, invalidations: invalidations,
            shards: unsafe shared.pointee.shards, shardCount: unsafe shared.pointee.shardCount)
        let session = makeSession()
        session.makeRoot()
        session.end()
        // The first item gets cas 1, as memcached's does.
        unsafe cs_store64(shared.pointee.casCounter, 0)
    }

    deinit {
        tree.destroy()
        unsafe StoreShared.destroy(shared)
        slotLock.destroy()
    }

    /// A session for one thread; ended by `StoreSession.end()`. At most `configuration.sessionsMax` at a time.
    public func makeSession() -> StoreSession {
        guard let slot = slotLock.withLock({ freeSlots.popLast() }) else {
            preconditionFailure("more sessions than StoreConfiguration.sessionsMax")
        }
        tree.lock.include(slot)
        // In cache lines of its own: its thread writes it all the time.
        let size = (MemoryLayout<SessionState>.size + 63) & ~63
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
        let state = unsafe memory.bindMemory(to: SessionState.self, capacity: 1)
        unsafe state.initialize(
            to: SessionState(
                shared: shared, owner: Unmanaged.passRetained(self), slot: slot, tree: tree,
                reservation: unsafe Reservation(of: shared.pointee.arena),
                stash: MemoryNeed.stash(configuration, shared.pointee.arena.geometry)))
        let session = unsafe StoreSession(state)
        session.refreshClock()
        return session
    }

    func giveBack(slot: Int) {
        tree.lock.exclude(slot)
        slotLock.withLock { freeSlots.append(slot) }
    }

    /// Changes the memory limit. Nothing is freed here: the housekeeper and the next writers bring the store below it.
    /// False: it is below the smallest limit or above the address space.
    public func setMemoryLimit(bytes: Int) -> Bool {
        let arena = unsafe shared.pointee.arena
        guard bytes >= Limits.memoryLimitMin,
            bytes <= (Int(arena.state.segmentCount) - 64) * arena.segmentSizeBytes
        else { return false }
        arena.setLimit(bytes: bytes)
        return true
    }

    /// All counters of the store, summed.
    public func statistics() -> StoreStatistics {
        var sum = StoreStatistics()
        let arena = unsafe shared.pointee.arena
        sum.memoryLimitBytes = arena.limitBytes
        sum.memoryAllowanceBytes = arena.allowanceBytes
        sum.memoryUsedBytes = arena.usedBytes
        arena.state.lock.withLock {
            sum.memoryFreeBlockBytes = arena.state.freeBlockBytes
            sum.memoryLiveBytes = arena.state.takenBlockBytes
        }
        sum.segmentSizeBytes = arena.segmentSizeBytes
        sum.blockSizeBytes = arena.blockSizeBytes
        sum.heldByReadersBytes = Int(truncatingIfNeeded: unsafe cs_load64(shared.pointee.heldByReaders))
        sum.shardCount = unsafe shared.pointee.shardCount
        for number in 0..<sum.shardCount { unsafe Shard(shared.pointee.shards + number).add(to: &sum) }
        tree.add(to: &sum)
        unsafe shared.pointee.slices.add(to: &sum)
        return sum
    }

    /// Zeroes the counters that `stats reset` zeroes.
    public func resetStatistics() {
        for number in 0..<(unsafe shared.pointee.shardCount) {
            unsafe Shard(shared.pointee.shards + number).resetStatistics()
        }
        unsafe shared.pointee.slices.reset()
    }
}

extension StoreShared {
    /// Shards at most a 128th of the segments, so that open segments are a small part of the memory.
    private static func shardCount(_ configuration: StoreConfiguration) -> Int {
        let geometry = ArenaGeometry(limitBytes: configuration.memoryLimitBytes)
        return max(1, min(32, configuration.memoryLimitBytes / geometry.segmentSizeBytes / 128))
    }

    static func make(
        _ configuration: StoreConfiguration, _ clock: Clock, _ evictions: EvictionNotes
    ) throws(StoreSetupError) -> UnsafeMutablePointer<StoreShared> {
        let arena = try Arena(limitBytes: max(configuration.memoryLimitBytes, Limits.memoryLimitMin))
        let shardCount = shardCount(configuration)
        let casCounter = UnsafeMutablePointer<UInt64>.allocate(capacity: 16)
        unsafe casCounter.initialize(repeating: 0, count: 16)
        let heldByReaders = UnsafeMutablePointer<UInt64>.allocate(capacity: 16)
        unsafe heldByReaders.initialize(repeating: 0, count: 16)
        let cheapShards = UnsafeMutablePointer<UInt32>.allocate(capacity: 32)
        unsafe cheapShards.initialize(repeating: 0, count: 32)
        let slices = SliceTimes()
        let seed = UInt64.random(in: .min ... .max)
        let shards = UnsafeMutablePointer<ShardState>.allocate(capacity: shardCount)
        for number in 0..<shardCount {
            let state = unsafe try ShardState.make(
                number: number, arena: arena, shardCount: shardCount, seed: seed, hasCas: configuration.hasCas,
                casCounter: casCounter, heldByReaders: heldByReaders, cheapShards: cheapShards, slices: slices,
                evictions: evictions)
            unsafe (shards + number).initialize(to: state)
            arena.charge(bytes: unsafe shards[number].index.sizeBytes)
        }
        // A lane costs a segment.
        let laneCount = max(1, min(8, shardCount / 4))
        let lanes = UnsafeMutablePointer<ReclaimLane>.allocate(capacity: laneCount)
        for number in 0..<laneCount {
            unsafe (lanes + number).initialize(to: ReclaimLane(spareSegment: arena.takeSegment() ?? 0))
        }
        let shared = UnsafeMutablePointer<StoreShared>.allocate(capacity: 1)
        unsafe shared.initialize(
            to: StoreShared(
                arena: arena, shards: shards, shardCount: shardCount, seed: seed, clock: Unmanaged.passRetained(clock),
                evictions: Unmanaged.passRetained(evictions),
                casCounter: casCounter, heldByReaders: heldByReaders, cheapShards: cheapShards, slices: slices,
                itemSizeMaxBytes: configuration.itemSizeMaxBytes,
                inlineValueLengthMax: min(
                    Record.inlineValueLengthMax, max(arena.blockSizeBytes, arena.segmentSizeBytes / 8)),
                evictsItems: configuration.evictsItems, hasCas: configuration.hasCas,
                prefixes: PrefixTable(configuration.prefixes), lanes: lanes, laneCount: laneCount))
        return unsafe shared
    }

    static func destroy(_ shared: UnsafeMutablePointer<StoreShared>) {
        for number in 0..<(unsafe shared.pointee.shardCount) {
            let shard = unsafe shared.pointee.shards + number
            unsafe shard.pointee.unmap()
            unsafe shard.deinitialize(count: 1)
        }
        unsafe shared.pointee.shards.deallocate()
        unsafe shared.pointee.casCounter.deallocate()
        unsafe shared.pointee.heldByReaders.deallocate()
        unsafe shared.pointee.cheapShards.deallocate()
        unsafe shared.pointee.slices.deallocate()
        unsafe shared.pointee.clock.release()
        unsafe shared.pointee.evictions.release()
        unsafe shared.pointee.prefixes.deallocate()
        for number in 0..<(unsafe shared.pointee.laneCount) { unsafe shared.pointee.lanes[number].deallocate() }
        unsafe shared.pointee.lanes.deallocate()
        unsafe shared.pointee.flushLock.destroy()
        unsafe shared.pointee.arena.destroy()
        unsafe shared.deinitialize(count: 1)
        unsafe shared.deallocate()
    }
}

extension ShardState {
    static func make(
        number: Int, arena: Arena, shardCount: Int, seed: UInt64, hasCas: Bool,
        casCounter: UnsafeMutablePointer<UInt64>,
        heldByReaders: UnsafeMutablePointer<UInt64>, cheapShards: UnsafeMutablePointer<UInt32>, slices: SliceTimes,
        evictions: EvictionNotes
    ) throws(StoreSetupError) -> ShardState {
        let segmentCount = Int(arena.state.segmentCount)
        // Address space for the worst case; only what is touched takes memory.
        let share = segmentCount << arena.geometry.segmentShift
        let segmentsMapping = try Mapping(sizeBytes: (segmentCount + 1) * 4, what: "a shard's segment table")
        return unsafe ShardState(
            number: UInt16(number), arena: arena, index: try Index(sizeBytesMax: max(1 << 20, share / 4)),
            segments: unsafe segmentsMapping.base.assumingMemoryBound(to: UInt32.self),
            segmentsMapping: segmentsMapping,
            pieces: try PieceTable(countMax: max(1 << 16, share / 64)),
            ghost: try Ghost(sizeBytesMax: max(1 << 16, share / 64)), seed: seed, hasCas: hasCas,
            casCounter: casCounter,
            heldByReaders: heldByReaders, cheapShards: cheapShards, slices: slices,
            evictions: Unmanaged.passUnretained(evictions)
        )
    }

    func unmap() {
        lock.destroy()
        index.unmap()
        segmentsMapping.unmap()
        pieces.unmap()
        ghost.unmap()
    }
}
