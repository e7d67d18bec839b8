// Session: the state behind a StoreSession, and what all operations use of it: shards, time, reserved memory.
import CShims
import Glibc

/// What all sessions share; set once when the store is made.
@safe struct StoreShared {
    let arena: Arena
    let shards: UnsafeMutablePointer<ShardState>
    let shardCount: Int
    let seed: UInt64
    let clock: Unmanaged<Clock>
    let evictions: Unmanaged<EvictionNotes>
    let casCounter: UnsafeMutablePointer<UInt64>
    let heldByReaders: UnsafeMutablePointer<UInt64>
    let cheapShards: UnsafeMutablePointer<UInt32>
    let slices: SliceTimes
    let itemSizeMaxBytes: Int
    let inlineValueLengthMax: Int
    let evictsItems: Bool
    let hasCas: Bool
    let prefixes: PrefixTable
    /// Threads that can reclaim at the same time.
    let lanes: UnsafeMutablePointer<ReclaimLane>
    let laneCount: Int
    func lane(_ number: Int) -> ReclaimLane { unsafe lanes[number] }
    /// The next shard to reclaim from. It does not advance while that shard has unfinished work. Changed atomically.
    var reclaimCursor: UInt32 = 0
    /// The last second in which a scan found no file idle long enough; 0 = no such scan yet. Changed atomically.
    var filesPassedSecond: UInt32 = 0
    let flushLock = Lock()
    /// A pending flush_all, as a second of the clock; 0 = none. Written atomically.
    var flushSecond: UInt32 = 0
}

/// One session's own state.
@safe struct SessionState: ~Copyable {
    let shared: UnsafeMutablePointer<StoreShared>
    /// Keeps the store alive as long as the session.
    let owner: Unmanaged<Store>
    let slot: Int
    var tree: Tree?
    var nowSecond: UInt32 = 0
    var invalidationToken: UInt64 = 0
    var reservation: Reservation
    /// What a session keeps of its reservations, so that the next small change need not ask the arena.
    let stash: MemoryNeed
    /// Bytes that eviction has moved instead of freeing, since there was a segment to be had.
    var movedBytes = 0
    /// Made at the first file key.
    var directories: DirectoryCache?
    /// The text of a metadata key that is being read.
    var lentText = LentText()
}

/// One thread's access to a store.
///
/// SAFETY: a session is a pointer to its own state; it is used by one thread at a time and not after `end()`.
@safe public struct StoreSession: @unchecked Sendable {  // handed to its thread once
    private let pointer: UnsafeMutablePointer<SessionState>

    @unsafe init(_ pointer: UnsafeMutablePointer<SessionState>) { unsafe self.pointer = pointer }

    var state: SessionState {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(pointer) }
        @inline(__always) nonmutating unsafeMutableAddress { unsafe pointer }
    }
    var shared: StoreShared {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(pointer.pointee.shared) }
        @inline(__always) nonmutating unsafeMutableAddress { unsafe pointer.pointee.shared }
    }

    @inline(__always) var arena: Arena { shared.arena }

    // MARK: shards

    @inline(__always) func shard(number: Int) -> Shard { unsafe Shard(shared.shards + number) }
    /// The shard of an inode: its lock guards the inode's attributes and contents.
    @inline(__always) func shard(of ino: UInt32) -> Shard { shard(number: Int(ino) % shared.shardCount) }
    /// The shard of a key's hash.
    @inline(__always) func shard(ofHash hash: UInt64) -> Shard {
        shard(number: Int(((hash >> 48) &* UInt64(shared.shardCount)) >> 16))
    }

    // MARK: time

    /// The second of the store's clock that commands see. Refresh it once per batch of input.
    public var nowSecond: UInt32 { state.nowSecond }

    /// Reads the clock, and carries out a flush_all whose time has come.
    public func refreshClock() {
        let now = unsafe shared.clock._withUnsafeGuaranteedRef { $0.nowSeconds }
        state.nowSecond = now
        let flush = unsafe cs_load32(&shared.flushSecond)
        if flush != 0, flush <= now { flushDueItems(now) }
    }

    /// Told when the invalidations of this session's next changes have been carried out (see `Invalidation.token`).
    public func setInvalidationToken(_ token: UInt64) { state.invalidationToken = token }
    var invalidationToken: UInt64 { state.invalidationToken }

    /// Gives the session's memory and slot back.
    public func end() {
        state.reservation.giveBack(keeping: MemoryNeed())
        state.directories?.deallocate()
        let owner = unsafe state.owner
        let slot = state.slot
        state.lentText.deallocate()
        unsafe pointer.deinitialize(count: 1)
        unsafe pointer.deallocate()
        unsafe owner._withUnsafeGuaranteedRef { $0.giveBack(slot: slot) }
        unsafe owner.release()
    }

    // MARK: the tree

    var tree: Tree {
        guard let tree = state.tree else { preconditionFailure("a store has a tree") }
        return tree
    }
    /// This session's slot in the tree's lock.
    var treeSlot: Int { state.slot }
}
