// Making memory free: dead space, blocks that are in the way, the index, and what the slices of it are counted as.
import CShims
import Glibc
import Testing

@testable import MemStore

@Suite("Reclaiming") struct ReclaimTests {
    /// Bytes of the limit in use that nothing can be stored in.
    private func usedShare(_ store: TestStore) -> Double {
        let statistics = store.store.statistics()
        return Double(statistics.memoryUsedBytes - statistics.memoryFreeBlockBytes)
            / Double(statistics.memoryLimitBytes)
    }

    /// Writes files of `size` bytes until there is no room, and returns how many fitted.
    private func fill(_ store: TestStore, _ prefix: String, size: Int) -> Int {
        let page = [UInt8](repeating: UInt8(ascii: "p"), count: size)
        var count = 0
        #expect(throws: StoreError.noSpace) {
            while count < 1_000_000 {
                try store.write("/\(prefix)\(count)", page)
                count += 1
            }
        }
        return count
    }

    @Test(
        "small files fill the holes that large ones left: blocks are moved out of their way",
        arguments: [(100_000, 2), (16_384, 2), (40_000, 5)])
    func evacuation(size: Int, kept: Int) throws {
        let store = try TestStore(limitMiB: 64)
        let count = fill(store, "large", size: size)
        for number in 0..<count where number % kept != 0 { try store.unlink("/large\(number)") }
        let small = fill(store, "small", size: 1000)
        #expect(usedShare(store) > 0.97)
        let expected = (1 - 1 / Double(kept)) * Double(64 << 20) / 1000 * 0.75
        #expect(Double(small) > expected, "\(small) small files")
        let page = [UInt8](repeating: UInt8(ascii: "p"), count: size)
        for number in stride(from: 0, to: count, by: kept) {
            try #require(store.get("memfis://h/large\(number)")?.value == page)
        }
        store.check()
    }

    @Test("a block that a reader holds stays where it is, and the rest is moved")
    func heldBlocks() throws {
        let store = try TestStore(limitMiB: 16)
        let count = fill(store, "large", size: 60_000)
        let key = Array("memfis://h/large0".utf8)
        let view = key.withBytes { store.session.beginGet($0, hash: store.session.hash($0)) }
        let lease = store.session.lease(view)
        store.session.endGet(view)
        let run = store.session.pinRun(lease, at: 0, maxLength: 20_000)
        let before = run.array
        for number in 0..<count where number % 3 != 0 { try store.unlink("/large\(number)") }
        _ = fill(store, "small", size: 500)
        #expect(run.array == before)
        store.session.unpin(run)
        store.session.release(lease)
        store.check()
    }

    /// The references that a walk through the indexes meets, group by group.
    private func referenceCount(_ store: TestStore) -> Int {
        var seen: Set<UInt64> = []
        for number in 0..<store.session.shared.shardCount {
            let shard = store.session.shard(number: number)
            var position: UInt64? = 0
            while let from = position {
                position = shard.state.index.forEachReference(from: from) {
                    seen.insert(UInt64(number) << 32 | UInt64($0))
                } until: {
                    true
                }
            }
        }
        return seen.count
    }

    @Test("the index shrinks when items go, and finds what is left at every step")
    func shrinking() throws {
        let store = try TestStore(limitMiB: 64)
        for number in 0..<60_000 { store.set("key-\(number)", "v\(number)") }
        let full = store.store.statistics().indexBytes
        for number in 0..<59_900 {
            #expect(store.delete("key-\(number)").outcome == .done)
            if number % 1000 == 0 {
                store.session.checkInvariants()
                #expect(referenceCount(store) == 59_999 - number)
            }
            if number % 97 == 0 { #expect(store.string("key-\(number + 50)") == "v\(number + 50)") }
        }
        for number in 59_900..<60_000 { #expect(store.string("key-\(number)") == "v\(number)") }
        #expect(store.store.statistics().indexBytes * 20 < full)
        for number in 0..<60_000 { store.set("key-\(number)", "w\(number)") }
        for number in 0..<60_000 { #expect(store.string("key-\(number)") == "w\(number)") }
        store.session.checkInvariants()
    }

    @Test("dead space is collected before anything is evicted")
    func deadSpace() throws {
        let store = try TestStore(limitMiB: 16)
        for number in 0..<10_000 { store.set("key-\(number)", [UInt8](repeating: 1, count: 700)) }
        #expect(store.store.statistics().evictions == 0)
        var random = SeededRandom(1)
        for _ in 0..<60_000 { store.set("key-\(random.below(10_000))", [UInt8](repeating: 2, count: 700)) }
        #expect(store.store.statistics().evictions == 0)
        #expect(store.store.statistics().itemCount == 10_000)
        store.session.checkInvariants()
    }

    @Test("a lowered limit is followed in slices, each of them counted; a raised one is used")
    func limit() throws {
        let store = try TestStore(limitMiB: 32)
        for number in 0..<100_000 { store.set("key-\(number)", [UInt8](repeating: 1, count: 500)) }
        store.store.resetStatistics()
        #expect(store.store.setMemoryLimit(bytes: 8 << 20))
        while store.session.arena.isOverLimit { #expect(store.session.reclaim()) }
        let statistics = store.store.statistics()
        #expect(statistics.memoryUsedBytes <= 8 << 20)
        #expect(statistics.sliceCount > 100)
        #expect(statistics.sliceNanosecondsMax[SliceKind.reclaim.rawValue] >= statistics.sliceNanoseconds9999 / 2)
        store.session.checkInvariants()
        #expect(store.store.setMemoryLimit(bytes: 48 << 20))
        for number in 0..<100_000 { store.set("key-\(number)", [UInt8](repeating: 1, count: 500)) }
        #expect(store.store.statistics().itemCount > 70_000)
        store.session.checkInvariants()
    }

    @Test("what is evicted is told by whether it had an expiry and how long nobody had asked for it")
    func evictionFigures() throws {
        let store = try TestStore(limitMiB: 2)
        let expiring = StoreCommand(mode: .set, exptime: Exptime(second: 1_000_000))
        for number in 0..<1000 { store.set("key-\(number)", [UInt8](repeating: 1, count: 1000), expiring) }
        store.advance(seconds: 7)
        for number in 0..<4000 { store.set("other-\(number)", [UInt8](repeating: 1, count: 1000)) }
        let statistics = store.store.statistics()
        #expect(statistics.evictedExpiring == 1000)
        #expect(statistics.evictions > 2000)
        #expect(statistics.lastEvictedIdleSeconds == 0)
    }

    @Test("a slice looks at the clock at every eighth step, and ends when it has lasted long enough")
    func pace() {
        var old = SliceBudget(begunNanoseconds: 0)
        let steps = (0..<17).map { _ in old.goesOn() }
        #expect(steps.indices.filter { !steps[$0] } == [7, 15])
        // This one begins in an hour: it has lasted for longer than anything.
        var wrapped = SliceBudget(begunNanoseconds: Monotonic.nanoseconds + 3_600_000_000_000)
        let others = (0..<8).map { _ in wrapped.goesOn() }
        #expect(others == steps[..<8].map { $0 })
    }

    @Test("what a thread waits for a lock is counted, and belongs to the slice that it is in")
    func waiting() throws {
        let times = SliceTimes()
        defer { times.deallocate() }
        let lock = Lock()
        defer { lock.destroy() }
        // A thread may come to the lock when it is open again, so it is tried until one has waited.
        for _ in 0..<100_000 where times.longestNanoseconds < 100_000 {
            lock.lock()
            let waiter = Waiter(lock: lock, times: times)
            waiter.start()
            let begun = Monotonic.nanoseconds
            while !waiter.isThere || Monotonic.nanoseconds - begun < 1_000_000 { sched_yield() }
            lock.unlock()
            waiter.join()
        }
        #expect(times.longestNanoseconds >= 100_000)
    }

    @Test("a time stands in the bucket that ends behind it")
    func buckets() {
        for nanoseconds in [1, 256, 257, 300, 511, 512, 1000, 12_345, 999_999, 1_000_000, 87_654_321] as [UInt64] {
            let bucket = SliceTimes.bucket(of: nanoseconds)
            #expect(nanoseconds < SliceTimes.bound(ofBucket: bucket))
            #expect(bucket == 0 || nanoseconds >= SliceTimes.bound(ofBucket: bucket - 1))
        }
    }
}

extension SliceTimes {
    fileprivate var longestNanoseconds: Int {
        var sum = StoreStatistics()
        add(to: &sum)
        return sum.sliceNanosecondsMax.max() ?? 0
    }
}

/// A thread that takes a lock in a slice.
///
/// SAFETY: the flag is the object's own and changed atomically; `join` ends the thread before the object goes.
@safe private final class Waiter: @unchecked Sendable {  // the flag is atomic, the rest is set once
    private let lock: Lock
    private let times: SliceTimes
    private var thread = pthread_t()
    private let flag = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)

    init(lock: Lock, times: SliceTimes) {
        self.lock = lock
        self.times = times
        unsafe flag.initialize(to: 0)
    }
    deinit { unsafe flag.deallocate() }

    var isThere: Bool { unsafe cs_load32_acquire(flag) == 1 }

    func start() {
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        let code = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<Waiter>.fromOpaque(context).takeUnretainedValue().run()
                return nil
            }, context)
        precondition(code == 0, "a process can start a thread")
    }

    private func run() {
        times.measure(.reclaim) {
            unsafe cs_store32_release(flag, 1)
            lock.lock()
        }
        lock.unlock()
    }

    func join() { pthread_join(thread, nil) }
}
