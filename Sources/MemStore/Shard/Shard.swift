// Shard: a part of the store with a lock of its own. A key belongs to a shard by its hash, an inode by its number.
//
//     ┌ shard ──────────────────────────────────────────────────────────────────────────────────┐
//     │  index ──► records in two logs:   probation  ▓▓▓▓▓▓▓▓▓▓▓▓   new items                    │
//     │                                   main       ▓▓▓▓▓▓▓▓▓▓▓▓   those that were used         │
//     │  pieces ─► a third log:           pieces     ▓▓▓▓▓▓▓▓▓▓▓▓   nodes and ends of contents   │
//     │  ghost: fingerprints of keys that were evicted       graveyard: contents to be freed     │
//     └──────────────────────────────────────────────────────────────────────────────────────────┘
//       segments and blocks are the arena's, which all shards share
//
// A log is a list of segments in order of age. New records go to the young end; what is replaced or removed stays where it is,
// dead, until its segment is compacted or comes to the old end. A reference (32 bits) names a segment by its number within
// the shard and a place in it, so a record can be found without a pointer and moved by changing one word of the index.
//
// The one lock is held for a command's look at one key, or for a slice of the work that no command waits for: a few hundred
// records, a node of a content, some tens of microseconds. Threads that reclaim memory pass over a shard whose lock is taken.
// Two shards are locked together only to copy between their contents, in ascending order of their numbers.
//
// The rest of the type is in the rooms of its topics: Shard+Log, +Invariants here; records in Items; contents in Content;
// what makes memory free in Reclaim.
import CShims
import Glibc

/// The logs of a shard.
enum LogKind: UInt8 { case probation = 0, main = 1, pieces = 2 }

/// What a shard holds. GUARDED_BY `lock` but for `number` and the mappings.
@safe struct ShardState {
    let number: UInt16
    let arena: Arena
    let lock = Lock()
    var index: Index
    /// Segment number of each segment of this shard, by its local number; references hold local numbers.
    let segments: UnsafeMutablePointer<UInt32>
    let segmentsMapping: Mapping
    var segmentNext: UInt32 = 1
    /// Free local numbers, linked through `segments`.
    var segmentFree: UInt32 = 0
    var logs: InlineArray<3, LogState> = .init(repeating: LogState())
    var pieces: PieceTable
    var ghost: Ghost
    /// Contents whose last holder has gone, waiting to be freed in slices.
    var graveyard: [GraveyardEntry] = []
    /// What files have set aside behind their ends, by inode number.
    var setAside: [UInt32: Preallocation] = [:]
    /// Files of this shard that were cut to nothing, counted: by it a join sees that what it read is gone.
    var renewalCount: UInt32 = 0
    /// Blocks that were set aside and are not wanted any more, waiting to be freed in slices.
    var abandonedBlocks: [[UInt32]] = []
    /// The segment that a reclaim is walking through; 0 = none.
    var reclaimingSegment: UInt32 = 0
    /// The segment that is being emptied, over several slices.
    var compaction = Compaction()
    /// The first segment of each share of dead bytes, in sixteenths; those with none are in no list.
    var deadHeads: InlineArray<17, UInt32> = .init(repeating: 0)
    var statistics = ShardStatistics()
    /// A part of what files take (see FileBudget). Changed and read atomically.
    var fileBytes: UInt64 = 0
    /// Hits of items in the two queues, halved now and then: what eviction weighs.
    var hits: InlineArray<2, Int> = .init(repeating: 0)
    /// Bytes that eviction has gone through since the hits were halved.
    var passedBytes = 0
    /// State of the pseudo-random generator that eviction rounds with.
    var chance: UInt64 = 1
    let seed: UInt64
    let hasCas: Bool
    /// Where `nextCas` of the whole store is counted.
    let casCounter: UnsafeMutablePointer<UInt64>
    /// Bytes of contents that only readers hold, in all shards; changed atomically.
    let heldByReaders: UnsafeMutablePointer<UInt64>
    /// A bit for each shard in which memory is free for the moving; changed atomically.
    let cheapShards: UnsafeMutablePointer<UInt32>
    let slices: SliceTimes
    /// What is evicted, in all shards. The store keeps it.
    let evictions: Unmanaged<EvictionNotes>
    var departed = TombstoneCache()
}

/// The counters of a shard.
struct ShardStatistics {
    var itemCount = 0
    /// By memcached's formula.
    var itemBytes = 0
    /// Items that have an expiry.
    var expiringCount = 0
    var crawlerChecked = 0
    var crawlerReclaimed = 0
    var itemsStoredTotal = 0
    var evictions = 0
    var evictedUnfetched = 0
    /// Of these, items that had an expiry.
    var evictedExpiring = 0
    /// When the last item was evicted, and how long nobody had asked for it.
    var lastEvictionSecond: UInt32 = 0
    var lastEvictedIdleSeconds: UInt32 = 0
    var expiredUnfetched = 0
    var reclaimed = 0
}

/// A reference to a record or piece: local segment number and offset in units of 8 bytes. 0 is none.
typealias Reference = UInt32

/// A handle of one shard.
///
/// SAFETY: points to memory that the store owns for its whole life; what the methods touch is guarded by the shard's lock,
/// which the caller holds unless it says otherwise.
@safe struct Shard: @unchecked Sendable {  // guarded by its lock
    private let pointer: UnsafeMutablePointer<ShardState>

    @unsafe init(_ pointer: UnsafeMutablePointer<ShardState>) { unsafe self.pointer = pointer }

    var state: ShardState {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(pointer) }
        @inline(__always) nonmutating unsafeMutableAddress { unsafe pointer }
    }

    @inline(__always) func lock() { state.lock.lock() }
    @inline(__always) func unlock() { state.lock.unlock() }
    @inline(__always) var arena: Arena { state.arena }
    @inline(__always) var number: UInt16 { state.number }

    // MARK: references

    @inline(__always) private var offsetBits: Int { arena.geometry.segmentShift - 3 }

    @inline(__always) func reference(segment: UInt32, offset: Int) -> Reference {
        arena[segment].local << UInt32(offsetBits) | UInt32(offset >> 3)
    }
    @inline(__always) func segment(of reference: Reference) -> UInt32 {
        unsafe state.segments[Int(reference >> UInt32(offsetBits))]
    }
    @inline(__always) func offset(of reference: Reference) -> Int {
        Int(reference & (1 << UInt32(offsetBits) - 1)) << 3
    }
    /// The address of what a reference names.
    @inline(__always) @unsafe func address(of reference: Reference) -> UnsafeMutableRawPointer {
        unsafe arena.address(ofSegment: segment(of: reference)) + offset(of: reference)
    }
    @inline(__always) func record(at reference: Reference) -> Record { unsafe Record(at: address(of: reference)) }

    /// Fetches the head of what a reference names into the cache. Needs no lock: it is a hint.
    @inline(__always) func prefetch(_ reference: Reference) {
        let segment = unsafe cs_peek32(state.segments + Int(reference >> UInt32(offsetBits)))
        let address = unsafe arena.address(ofSegment: segment) + offset(of: reference)
        unsafe cs_prefetch(address)
        unsafe cs_prefetch(address + 64)
        // A record of 100 bytes with its key may reach into a third line.
        unsafe cs_prefetch(address + 128)
    }

    /// The hash of a record's key.
    @inline(__always) func hash(of record: Record) -> UInt64 {
        let key = record.key
        return unsafe cs_hash(key.pointer, key.count, state.seed)
    }

    /// The next cas of the store; 0 when items have none.
    @inline(__always) func nextCas() -> UInt64 {
        state.hasCas ? (unsafe cs_add64(state.casCounter, 1)) : 0
    }

    /// Gives back a cas that was not used, unless another was given out since.
    func takeBack(cas: UInt64) { if state.hasCas { unsafe cs_take_back64(state.casCounter, cas) } }

    // MARK: local segment numbers

    /// Gives a segment that was taken from the arena a number in this shard.
    func adopt(segment: UInt32, log: LogKind) {
        var local = state.segmentFree
        if local != 0 {
            state.segmentFree = unsafe state.segments[Int(local)]
        } else {
            local = state.segmentNext
            state.segmentNext += 1
        }
        unsafe state.segments[Int(local)] = segment
        arena[segment].local = local
        arena[segment].shard = number
        arena[segment].log = log
    }

    /// Takes a segment out of this shard and gives it back to the arena.
    func giveBack(segment: UInt32) {
        release(local: arena[segment].local)
        arena.giveBack(segment: segment)
    }

    /// Frees a local segment number.
    func release(local: UInt32) {
        unsafe state.segments[Int(local)] = state.segmentFree
        state.segmentFree = local
    }
}
