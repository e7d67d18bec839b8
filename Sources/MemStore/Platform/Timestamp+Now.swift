// Timestamp+Now: the wall clock, for the times that files carry.
import Glibc

extension Timestamp {
    /// The wall clock's moment. Source: clock_gettime(2), CLOCK_REALTIME.
    public static func now() -> Timestamp {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return Timestamp(seconds: Int64(now.tv_sec), nanoseconds: UInt32(now.tv_nsec))
    }
}
