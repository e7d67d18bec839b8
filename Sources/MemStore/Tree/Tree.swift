// Tree: the files of the store. This file has its state and how it is made;
// names, links, the index and the order of directories are in Tree*.swift and Directory*.swift.
import CShims
import Glibc

/// What the tree consists of. Plain values in memory that never moves; what guards each is said there.
@unsafe struct TreeState {
    let lock: TreeLock
    /// Guards `inodes`, `entries` (giving out and taking back), `expiry`, `expiryCount` and the counts of nodes.
    let poolLock: Lock
    let arena: Arena
    let shards: UnsafeMutablePointer<ShardState>
    let shardCount: Int
    let inodes: SlotPool
    let entries: SlotPool
    /// The index's buckets: the first entry of each chain. Guarded by `lock`, as are the two counts.
    let buckets: BlockArray<UInt32>
    var bucketCount = 0
    var entryTotal = 0
    let expiry: BlockArray<ExpiryRecord>
    var expiryCount = 0
    var lastGeneration: UInt32 = 0
    /// The highest inode number that was ever given; guarded by `poolLock`.
    var lastIno: UInt32 = 0
    var fileCount = 0
    var directoryCount = 0
    var otherNodeCount = 0
    /// Where eviction goes on. Guarded by `lock`.
    var evictionHand: UInt32 = 0
    /// Files evicted; guarded by `poolLock`.
    var evictedCount = 0
    /// Bytes of published contents; changed atomically.
    var publishedBytes: UInt64 = 0
    /// For the hashes of names and the priorities in directories.
    let seed: UInt64
    let rules: ServingRules
    let invalidations: Unmanaged<InvalidationStream>
    #if OBSERVED
        var observer: Unmanaged<TreeObserver>?
    #endif
    let appends: Unmanaged<AppendQueue>
    /// The second buffers of paths, `PathWalk.scratchSizeBytes` for each session's slot.
    let scratch: UnsafeMutableRawPointer
    let unixOfEpoch: Int64
}

/// The tree of files of a store.
///
/// Locks, in this order: the tree's lock, shards' locks (one, or two in ascending order), the pool lock, the arena's.
/// SAFETY: a pointer to state that lives from `create` to `destroy`; fields are guarded as `TreeState` says.
@safe struct Tree {
    let state: UnsafeMutablePointer<TreeState>

    /// The root's number.
    static let rootIno: UInt32 = 1
    /// Blocks that one new node with its entry can take: a chunk of inodes, one of entries, one of the index, one of
    /// the expiry heap.
    static let blocksPerNode = 4
    private static let bucketCountMin = 64

    /// What so many new nodes with their entries can take: each size of entries may need a block of its own.
    static func need(forNodes count: Int) -> MemoryNeed {
        let sizes = Entry.units(nameLength: Limits.nameLengthMax)
        return MemoryNeed(blocks: blocksPerNode * min(count, sizes) + count / 8)
    }
    private static let chunkCountMax = 1 << 22
    private static let elementCountMax = 1 << 30

    /// Makes a tree without a root; `StoreSession.makeRoot` follows.
    /// - Throws: StoreSetupError when address space for the tables cannot be had.
    static func create(
        configuration: StoreConfiguration, clock: Clock, invalidations: InvalidationStream,
        shards: UnsafeMutablePointer<ShardState>, shardCount: Int
    ) throws(StoreSetupError) -> Tree {
        let arena = unsafe shards.pointee.arena
        let memory = unsafe TableMemory(countedIn: Shard(shards))
        let scratchSizeBytes = configuration.sessionsMax * PathWalk.scratchSizeBytes
        var random = SystemRandomNumberGenerator()
        let state = UnsafeMutablePointer<TreeState>.allocate(capacity: 1)
        unsafe state.initialize(
            to: TreeState(
                lock: TreeLock(slotCount: configuration.sessionsMax), poolLock: Lock(), arena: arena,
                shards: shards, shardCount: shardCount,
                inodes: try SlotPool(
                    memory: memory, unitSizeBytes: MemoryLayout<Inode>.stride, slotUnitsMax: 1,
                    chunkCountMax: chunkCountMax),
                entries: try SlotPool(
                    memory: memory, unitSizeBytes: Entry.unitSizeBytes,
                    slotUnitsMax: Entry.units(nameLength: Limits.nameLengthMax), chunkCountMax: chunkCountMax),
                buckets: try BlockArray(memory: memory, capacity: elementCountMax),
                expiry: try BlockArray(memory: memory, capacity: elementCountMax),
                seed: random.next(), rules: ServingRules(configuration), invalidations: .passRetained(invalidations),
                appends: .passRetained(AppendQueue(intervalSeconds: configuration.publishIntervalSeconds)),
                scratch: .allocate(byteCount: scratchSizeBytes, alignment: 64), unixOfEpoch: clock.unixOfEpoch))
        return unsafe Tree(state: state)
    }

    /// Makes the root directory, which belongs to the serving user, and the first buckets of the index.
    fileprivate func makeRoot(nowSecond: UInt32, _ reservation: inout Reservation) {
        for bucket in 0..<Self.bucketCountMin { unsafe state.pointee.buckets.append(0, count: bucket, &reservation) }
        unsafe state.pointee.bucketCount = Self.bucketCountMin
        let root = makeInode(
            mode: FileType.directory.rawValue | 0o755, uid: rules.uid, gid: rules.gid, nowSecond: nowSecond,
            &reservation)
        precondition(root.ino == Self.rootIno, "the first inode is the root")
    }

    @unsafe private init(state: UnsafeMutablePointer<TreeState>) { unsafe self.state = state }

    /// Frees what the tree has outside of the arena. No session may use it any more.
    func destroy() {
        unsafe state.pointee.lock.destroy()
        unsafe state.pointee.poolLock.destroy()
        unsafe state.pointee.inodes.destroy()
        unsafe state.pointee.entries.destroy()
        unsafe state.pointee.buckets.destroy()
        unsafe state.pointee.expiry.destroy()
        unsafe state.pointee.rules.destroy()
        unsafe state.pointee.invalidations.release()
        #if OBSERVED
            unsafe state.pointee.observer?.release()
        #endif
        unsafe state.pointee.appends.release()
        unsafe state.pointee.scratch.deallocate()
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
    }

    /// The lock of the structure.
    var lock: TreeLock { @inline(__always) get { unsafe state.pointee.lock } }
    var rules: ServingRules { @inline(__always) get { unsafe state.pointee.rules } }
    var unixOfEpoch: Int64 { unsafe state.pointee.unixOfEpoch }

    /// The shard of an inode: its lock guards the inode's attributes and contents.
    @inline(__always) func shard(of ino: UInt32) -> Shard {
        unsafe Shard(state.pointee.shards + Int(ino) % state.pointee.shardCount)
    }

    /// An inode that exists, by number.
    @inline(__always) func inode(_ ino: UInt32) -> InodeReference {
        unsafe InodeReference(state.pointee.inodes.address(of: ino), ino: ino)
    }

    /// An inode by a number that came from outside; nil when there is no such slot. It may be free.
    func inodeSlot(_ ino: Ino) -> InodeReference? {
        guard let number = UInt32(exactly: ino.rawValue), unsafe state.pointee.inodes.isMapped(number) else {
            return nil
        }
        return inode(number)
    }

    /// The inode of a number if there is one now. The lock of its shard is held, so it stays.
    func existingInode(_ number: UInt32) -> InodeReference? {
        unsafe state.pointee.poolLock.withLock {
            guard let inode = inodeSlot(Ino(UInt64(number))), !inode.fields.isFree else { return nil }
            return inode
        }
    }

    /// An entry that exists, by reference.
    @inline(__always) func entry(_ reference: UInt32) -> EntryReference {
        unsafe EntryReference(state.pointee.entries.address(of: reference), reference: reference)
    }

    /// The highest inode number that was ever given.
    var lastInoGiven: UInt32 { unsafe state.pointee.poolLock.withLock { unsafe state.pointee.lastIno } }

    /// Whether there is room in the tables for another inode and entry.
    var hasRoomForNode: Bool {
        unsafe state.pointee.poolLock.withLock { unsafe state.pointee.inodes.hasRoom && state.pointee.entries.hasRoom }
    }

    /// The scratch memory of a session for paths.
    @unsafe func scratch(slot: Int) -> UnsafeMutableRawPointer {
        unsafe state.pointee.scratch + slot * PathWalk.scratchSizeBytes
    }
}

extension StoreSession {
    /// Completes a new tree. It is the first that takes memory of the store, so memory is there.
    func makeRoot() {
        guard (try? reserve(MemoryNeed(blocks: Tree.blocksPerNode))) != nil else {
            preconditionFailure("the smallest limit has room for the root directory")
        }
        tree.makeRoot(nowSecond: nowSecond, &state.reservation)
    }
}
