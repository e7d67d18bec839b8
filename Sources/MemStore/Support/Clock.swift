// Clock: the store's time in whole seconds. It reads the monotonic clock, so a
// changed wall clock expires nothing, and tests can jump or hold it.
import CShims
import Glibc

/// The store's clock: seconds since its epoch, which lies two seconds before the store was made.
///
/// Sharing: `nowSeconds` is a relaxed load and may be called by any thread; the other
/// methods are for one thread at a time (a test, or the `debugtime` command under the server's lock).
///
/// SAFETY: the one pointer is owned by the clock and freed with it.
@safe public final class Clock: @unchecked Sendable {  // all shared state is read and written atomically
    /// The first second that `nowSeconds` can return; 0 means never and 1 means long ago.
    public static let firstSecond: UInt32 = 2

    /// Unix time of the clock's second 0.
    public let unixOfEpoch: Int64
    private let monotonicAtStart: Int64
    /// [0] offset in seconds, as a UInt64 in two's complement; [1] the held second, 0 = running.
    private let state: UnsafeMutablePointer<UInt64>

    /// A running clock that shows `firstSecond`.
    public init() {
        unixOfEpoch = Int64(time(nil)) - Int64(Self.firstSecond)
        monotonicAtStart = Self.monotonicSeconds()
        unsafe state = .allocate(capacity: 2)
        unsafe state.initialize(repeating: 0, count: 2)
    }

    deinit { unsafe state.deallocate() }

    private static func monotonicSeconds() -> Int64 {
        Monotonic.coarseMilliseconds / 1000
    }

    /// The current second. About 10 ns; workers read it once for a batch of input.
    public var nowSeconds: UInt32 {
        let held = unsafe cs_load64(state + 1)
        if held != 0 { return UInt32(truncatingIfNeeded: held) }
        let offset = Int64(bitPattern: unsafe cs_load64(state))
        return UInt32(truncatingIfNeeded: Self.monotonicSeconds() - monotonicAtStart + offset + Int64(Self.firstSecond))
    }

    /// Jumps forward by `seconds`.
    public func advance(bySeconds seconds: Int64) {
        let held = unsafe cs_load64(state + 1)
        if held != 0 { unsafe cs_store64(state + 1, held &+ UInt64(bitPattern: seconds)) }
        unsafe cs_store64(state, cs_load64(state) &+ UInt64(bitPattern: seconds))
    }

    /// Holds the clock at the current second until `resume()`.
    public func pause() { unsafe cs_store64(state + 1, UInt64(nowSeconds)) }

    /// Lets a held clock run on, from the second it would show had it never been held.
    public func resume() { unsafe cs_store64(state + 1, 0) }

    /// The unix time of a second of this clock.
    public func unixTime(of second: UInt32) -> Int64 { unixOfEpoch + Int64(second) }
}
