// Housekeeper: the one background thread of the store. Ten times a second, or when memory gets short, it does in
// short slices what no command should wait for: expiry without an access, publishing what was appended,
// freeing large contents, giving memory back to the system, following a lowered limit.
import CShims
import Glibc

/// The store's background thread.
///
/// SAFETY: `stop` joins the thread, so its session and the flag outlive it.
@safe public final class Housekeeper: @unchecked Sendable {  // the flag is atomic, the rest is set once
    private static let intervalNanoseconds: UInt64 = 100_000_000
    /// Bounds of one round, so that a round stays a small part of the interval.
    private static let reclaimNanosecondsPerRound: UInt64 = 50_000_000
    private static let discardedBytesPerRound = 512 << 20
    private static let graveyardSlicesPerRound = 128
    private static let crawlSlicesPerRound = 40
    private static let crawledPerSlice = 256
    private static let filesNanosecondsPerRound: UInt64 = 20_000_000

    private let session: StoreSession
    private let stopFlag: UnsafeMutablePointer<UInt32>
    private var thread: Thread?
    /// Where the crawler goes on: shard and position in its index.
    private var crawlShard = 0
    private var crawlPosition: UInt64 = 0
    private var census = SizeClassCensus()

    /// Starts the thread.
    public init(store: Store) {
        session = store.makeSession()
        unsafe stopFlag = .allocate(capacity: 1)
        unsafe stopFlag.initialize(to: 0)
        thread = try? Thread.start(name: "housekeeper", signals: .inherited) { [self] in run() }
        precondition(thread != nil, "a process can start a thread")
    }

    /// Ends the thread and waits for it: at most a round and the interval.
    public func stop() {
        unsafe cs_store32_release(stopFlag, 1)
        session.arena.endWait()
        thread?.join()
        session.end()
        unsafe stopFlag.deallocate()
    }

    private func run() {
        var nextRound: UInt64 = 0
        while unsafe cs_load32_acquire(stopFlag) == 0 {
            session.refreshClock()
            if Monotonic.nanoseconds >= nextRound {
                keepRound()
                nextRound = Monotonic.nanoseconds + Self.intervalNanoseconds
            }
            let didWork = session.reclaimAhead(nanoseconds: Self.intervalNanoseconds / 2)
            session.state.reservation.giveBack(keeping: MemoryNeed())
            // When nothing could be done, or not all of it, the next round is soon enough.
            if didWork { session.arena.awaitShortage(until: nextRound) } else { pause(until: nextRound) }
        }
    }

    /// Waits for the next round, whatever is short.
    private func pause(until nanoseconds: UInt64) {
        let now = Monotonic.nanoseconds
        if now < nanoseconds { usleep(UInt32((nanoseconds - now) / 1000)) }
    }

    private func keepRound() {
        session.keepHouse(
            reclaimNanoseconds: Self.reclaimNanosecondsPerRound, discardedBytes: Self.discardedBytesPerRound,
            graveyardSlices: Self.graveyardSlicesPerRound)
        session.keepAllowance(&census)
        session.keepFiles(nanoseconds: Self.filesNanosecondsPerRound)
        for _ in 0..<Self.crawlSlicesPerRound where !crawlSlice() { break }
    }

    /// Looks at a few items for expired ones. False: no shard has items that can expire.
    private func crawlSlice() -> Bool {
        for _ in 0..<session.shared.shardCount {
            let shard = session.shard(number: crawlShard)
            if let next = shard.crawl(from: crawlPosition, count: Self.crawledPerSlice, now: session.nowSecond) {
                crawlPosition = next
                return true
            }
            crawlShard = (crawlShard + 1) % session.shared.shardCount
            crawlPosition = 0
        }
        return false
    }
}

extension StoreSession {
    /// One round of following the limit, freeing large contents, resizing indexes and giving memory back.
    func keepHouse(reclaimNanoseconds: UInt64, discardedBytes: Int, graveyardSlices: Int) {
        arena.beginRound()
        let begun = Monotonic.nanoseconds
        while arena.isOverLimit, Monotonic.nanoseconds &- begun < reclaimNanoseconds, reclaim() {}
        let cheapShards = unsafe cs_load32(shared.cheapShards)
        for number in 0..<shared.shardCount {
            let shard = shard(number: number)
            if cheapShards >> UInt32(number) & 1 == 1 {
                for _ in 0..<graveyardSlices where !shard.buryOneSlice(waits: false) { break }
            }
            for _ in 0..<Self.indexStepsPerRound where !shard.tidyIndex() { break }
        }
        // A few segments stay warm: the next writers need not wait for the kernel's zeros.
        let keep = max(2, min(Self.warmBytesMax, arena.limitBytes / 64) / arena.segmentSizeBytes)
        for _ in 0..<discardedBytes / arena.segmentSizeBytes {
            let slice = shared.slices.begin()
            guard arena.discardOneWarm(keep: keep) else { break }
            shared.slices.end(slice, .release)
        }
    }

    private static let indexStepsPerRound = 1000
    /// Bytes of free segments that stay warm, at most.
    private static let warmBytesMax = 64 << 20

    /// Frees memory before the next writers ask for it, so that commands seldom have to. False: there is too little to
    /// free, or it took too long.
    func reclaimAhead(nanoseconds: UInt64) -> Bool {
        let begun = Monotonic.nanoseconds
        while arena.isShort {
            guard Monotonic.nanoseconds &- begun < nanoseconds, freeSome(isAhead: true) else { return false }
        }
        return true
    }
}

extension Shard {
    /// Frees a part of the contents that wait for it. False: none waits, or somebody has the lock and it is not waited for.
    func buryOneSlice(waits: Bool) -> Bool {
        let slice = state.slices.begin()
        if waits {
            state.lock.lock()
        } else if !state.lock.tryLock() {
            return false
        }
        defer { unlock() }
        guard freeBuried(leafCount: Self.graveyardSliceLeaves) else { return false }
        state.slices.end(slice, .release)
        return true
    }

    /// Takes one step of making the index fit the number of items, which no command may come to do any more. False: it
    /// fits, or somebody has the lock.
    func tidyIndex() -> Bool {
        guard state.lock.tryLock() else { return false }
        defer { unlock() }
        let sizeBefore = state.index.sizeBytes
        let slice = state.slices.begin()
        var didWork = resizeIndex()
        if !didWork, state.index.discardUnused() {
            state.slices.end(slice, .release)
            didWork = true
        }
        if state.index.sizeBytes != sizeBefore { arena.charge(bytes: state.index.sizeBytes - sizeBefore) }
        return didWork
    }

    /// Removes expired items among about `count` from `position` of the index on. Returns where to go on, or nil when
    /// the shard is through or has nothing that can expire. Takes the lock if it is free.
    func crawl(from position: UInt64, count: Int, now: UInt32) -> UInt64? {
        // Nothing is lost by coming back later.
        guard state.lock.tryLock() else { return position }
        defer { unlock() }
        guard state.statistics.expiringCount > 0 else { return nil }
        let slice = state.slices.begin()
        defer { state.slices.end(slice, .expiry) }
        var seen = 0
        var due: [Reference] = []
        let next = state.index.forEachReference(from: position) { reference in
            seen += 1
            if self.record(at: reference).exptime.isDue(at: now) { due.append(reference) }
        } until: {
            seen >= count
        }
        state.statistics.crawlerChecked += seen
        state.statistics.crawlerReclaimed += due.count
        for reference in due {
            let hash = hash(of: record(at: reference))
            expire(reference, hash)
            state.departed.insert(hash, .expired)
        }
        return next
    }
}
