// Counter: a number that one thread counts up and any thread may read at any time, without a lock.
import CShims

/// A count since the start or the last reset.
///
/// The writer's addition is a plain one to the processor; the atomic accesses only keep the compiler from tearing the word.
/// Two writers would lose counts.
public struct Counter: BitwiseCopyable, Equatable, ExpressibleByIntegerLiteral {
    @usableFromInline var word: UInt64

    @inlinable public init(integerLiteral value: UInt64) { word = value }

    /// The count, read by its writer, or out of a copy that nobody writes to.
    @inlinable public var value: UInt64 { word }

    @inlinable @inline(__always) public static func &+= (counter: inout Counter, count: UInt64) {
        unsafe withUnsafeMutablePointer(to: &counter.word) { unsafe cs_store64($0, cs_load64($0) &+ count) }
    }

    @inlinable @inline(__always) public static func &-= (counter: inout Counter, count: UInt64) {
        counter &+= 0 &- count
    }

    public static func &+ (left: Counter, right: Counter) -> UInt64 { left.word &+ right.word }
}

/// A struct that has counters and nothing else.
public protocol CounterSet: BitwiseCopyable {
    /// All zero.
    init()
}

extension Cell where Value: CounterSet {
    private static var wordCount: Int { MemoryLayout<Value>.size / MemoryLayout<UInt64>.size }

    @unsafe private var words: UnsafeMutablePointer<UInt64> {
        unsafe UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: UInt64.self)
    }

    /// Adds what was counted so far to `sum`. Any thread.
    public func add(to sum: inout Value) {
        unsafe withUnsafeMutableBytes(of: &sum) { sums in
            let sums = unsafe sums.assumingMemoryBound(to: UInt64.self)
            for index in 0..<Self.wordCount { unsafe sums[index] &+= cs_load64(words + index) }
        }
    }

    /// Begins to count anew. The writer stands still meanwhile: what it counts at the same moment may be lost.
    public func reset() {
        for index in 0..<Self.wordCount { unsafe cs_store64(words + index, 0) }
    }
}
