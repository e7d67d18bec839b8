// Monotonic: the clock that never jumps, for what is measured or waited for. Times of items and files are `Clock`'s.
import Glibc

public enum Monotonic {
    /// Nanoseconds since some moment. Source: clock_gettime(2), CLOCK_MONOTONIC.
    public static var nanoseconds: UInt64 { now(CLOCK_MONOTONIC) }

    /// Milliseconds of the same clock as it stood at the kernel's last tick: some milliseconds late, and a few nanoseconds to read.
    public static var coarseMilliseconds: Int64 { Int64(now(CLOCK_MONOTONIC_COARSE) / 1_000_000) }

    /// Nanoseconds of any clock.
    static func now(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}
