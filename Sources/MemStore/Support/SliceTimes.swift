// SliceTimes: how long the store's work outside of commands takes, one slice of it at a time. A slice is what runs
// without giving the lock away: its processor time and what it waited for locks make a pause that others may feel.
import CShims
import Glibc

/// What a slice of work is for.
public enum SliceKind: Int, CaseIterable, Sendable {
    /// The index grows or shrinks by a group of lines.
    case index
    /// Memory is made free: dead space collected, items or files evicted.
    case reclaim
    /// What has expired is looked for and removed.
    case expiry
    /// Large contents are taken apart, pages go back to the system, flush_all empties a shard.
    case release
}

/// A slice under way: the thread's processor time and its waits for locks when it began.
struct Slice {
    fileprivate let begunNanoseconds: UInt64
    fileprivate let waitedNanoseconds: UInt64
}

/// How long a slice goes on that holds a shard's lock: until it has done its work, or others may have waited for long enough.
/// A slice whose pages are not there yet, or that lost its processor, does less than others.
struct SliceBudget {
    private static let nanosecondsMax: UInt64 = 150_000
    private static let stepsPerLook: UInt32 = 8
    private let begunNanoseconds: UInt64
    private var stepCount: UInt32 = 0

    init(begunNanoseconds: UInt64 = Monotonic.nanoseconds) { self.begunNanoseconds = begunNanoseconds }

    /// Counts a step. False: it was the last one for now.
    @inline(__always) mutating func goesOn() -> Bool {
        stepCount &+= 1
        return stepCount % Self.stepsPerLook != 0
            || Monotonic.nanoseconds &- begunNanoseconds < Self.nanosecondsMax
    }
}

/// The slices of all threads since the start or the last reset.
///
/// SAFETY: the counters are the owner's from `init` to `deallocate`, and changed atomically.
@safe struct SliceTimes: Sendable {
    private nonisolated(unsafe) let counters: UnsafeMutablePointer<UInt64>

    /// Buckets: eight to each doubling, from 256 ns on.
    private static let bucketShift = 8
    private static let bucketCount = 8 * 32
    private static let counterCount = bucketCount + SliceKind.allCases.count

    init() {
        unsafe counters = .allocate(capacity: Self.counterCount)
        unsafe counters.initialize(repeating: 0, count: Self.counterCount)
    }

    func deallocate() { unsafe counters.deallocate() }

    func begin() -> Slice {
        Slice(begunNanoseconds: Monotonic.now(CLOCK_THREAD_CPUTIME_ID), waitedNanoseconds: cs_waited_nanoseconds())
    }

    /// Counts a slice. A slice that found nothing to do need not be ended.
    func end(_ slice: Slice, _ kind: SliceKind) {
        let worked = Monotonic.now(CLOCK_THREAD_CPUTIME_ID) &- slice.begunNanoseconds
        let spent = worked &+ cs_waited_nanoseconds() &- slice.waitedNanoseconds
        unsafe _ = cs_add64(counters + Self.bucket(of: spent), 1)
        unsafe cs_max64(counters + Self.bucketCount + kind.rawValue, spent)
    }

    /// Runs `body` as a slice.
    @inline(__always) func measure<R>(_ kind: SliceKind, _ body: () -> R) -> R {
        let slice = begin()
        defer { end(slice, kind) }
        return body()
    }

    /// The bucket of a time: eight to each doubling.
    static func bucket(of nanoseconds: UInt64) -> Int {
        let value = max(nanoseconds, 1 << UInt64(bucketShift))
        let exponent = 63 - value.leadingZeroBitCount
        let eighth = Int(value >> UInt64(exponent - 3)) & 7
        return min(bucketCount - 1, (exponent - bucketShift) * 8 + eighth)
    }

    /// The first time above a bucket.
    static func bound(ofBucket bucket: Int) -> UInt64 {
        UInt64(8 + bucket % 8 + 1) << UInt64(bucket / 8 + bucketShift - 3)
    }

    func reset() {
        for index in 0..<Self.counterCount { unsafe cs_store64(counters + index, 0) }
    }

    func add(to sum: inout StoreStatistics) {
        let counts = (0..<Self.bucketCount).map { unsafe cs_load64(counters + $0) }
        let total = counts.reduce(0, &+)
        sum.sliceCount = Int(total)
        for kind in SliceKind.allCases {
            sum.sliceNanosecondsMax[kind.rawValue] = Int(unsafe cs_load64(counters + Self.bucketCount + kind.rawValue))
        }
        // One in ten thousand may be longer.
        var above = total / 10_000
        for bucket in counts.indices.reversed() where counts[bucket] > 0 {
            if counts[bucket] > above {
                let longest = sum.sliceNanosecondsMax.max() ?? 0
                sum.sliceNanoseconds9999 = min(longest, Int(Self.bound(ofBucket: bucket)))
                return
            }
            above -= counts[bucket]
        }
    }
}
