// Exptime: when an item or a file expires, as a moment of the store's own
// clock, and memcached's rules that make one of a client's number.

/// The second at which something expires, counted on the store's clock (`Clock.nowSeconds`); 0 is never.
public struct Exptime: Equatable, Sendable {
    /// Seconds since the store's epoch; 0 = never.
    public let second: UInt32

    /// An expiry at `second` of the store's clock; 0 = never.
    @inlinable public init(second: UInt32) { self.second = second }

    /// Never expires.
    public static let never = Exptime(second: 0)
    /// Expired already: the clock starts above it.
    public static let immediately = Exptime(second: 1)

    /// Whether the moment has come at `now`, a second of the store's clock.
    @inlinable public func isDue(at now: UInt32) -> Bool { second != 0 && second <= now }

    /// 30 days in seconds: a larger number of a client is a unix time. Source: memcached's protocol.txt.
    public static let relativeMaxSeconds: Int64 = 60 * 60 * 24 * 30

    /// Applies memcached's rules to a client's number of seconds.
    ///
    /// - Parameters:
    ///   - number: 0 = never, negative = expired at once, up to 30 days = from now, above = unix time.
    ///   - now: the store's current second.
    ///   - unixOfEpoch: the unix time of the store's second 0.
    /// - Returns: the moment; an absolute time at or before the store's start is `immediately`.
    public static func of(number: Int64, now: UInt32, unixOfEpoch: Int64) -> Exptime {
        if number == 0 { return .never }
        if number < 0 { return .immediately }
        if number <= relativeMaxSeconds { return Exptime(second: now &+ UInt32(number)) }
        let second = number - unixOfEpoch
        if second <= Int64(Clock.firstSecond) { return .immediately }
        return Exptime(second: UInt32(clamping: second))
    }

    /// Seconds left at `now`: -1 = never expires, 0 = due.
    public func secondsLeft(at now: UInt32) -> Int64 {
        second == 0 ? -1 : max(0, Int64(second) - Int64(now))
    }
}
