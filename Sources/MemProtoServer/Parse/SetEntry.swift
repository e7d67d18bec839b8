// SetEntry: consecutive sets whose values are at hand, gathered so that the memory they will touch is on its way.
import MemStore

/// A set in the form that clients write, with its key and value. Places are offsets in the input being executed.
struct SetEntry {
    var hash: UInt64 = 0
    var keyStart: UInt32
    var keyCount: UInt32
    var valueStart: UInt32 = 0
    var valueCount: UInt32
    var flags: UInt32
    /// The client's number for the expiry.
    var exptimeNumber: UInt32
    var isNoreply: Bool

    /// Reads `set KEY FLAGS EXPTIME LENGTH [noreply]`: single spaces, plain digits, numbers of at most nine of them.
    /// Nil for anything else, which `RequestParser` judges.
    ///
    /// - Parameters:
    ///   - line: without its line end; begins with `set `.
    ///   - start: where the line begins in the input.
    @inline(__always) init?(_ line: Bytes, at start: Int) {
        guard line.count > 4 else { return nil }
        let keyEnd = line.index(of: 0x20, from: 4)
        guard keyEnd > 4, keyEnd - 4 <= Limits.cacheKeyLengthMax else { return nil }
        var place = keyEnd
        guard let flags = Self.number(line, &place), let exptime = Self.number(line, &place),
            let length = Self.number(line, &place)
        else { return nil }
        isNoreply = place < line.count
        if isNoreply, !line[place..<line.count].isEqual(to: " noreply") { return nil }
        keyStart = UInt32(truncatingIfNeeded: start &+ 4)
        keyCount = UInt32(truncatingIfNeeded: keyEnd &- 4)
        valueCount = length
        self.flags = flags
        exptimeNumber = exptime
    }

    /// A space and one to nine digits from `place` on, which moves behind them; the next byte is a space or the end.
    @inline(__always) private static func number(_ line: Bytes, _ place: inout Int) -> UInt32? {
        guard place < line.count, line[place] == 0x20 else { return nil }
        place &+= 1
        let start = place
        var number: UInt32 = 0
        while place < line.count {
            let digit = line[place] &- 0x30
            if digit > 9 { break }
            number = number &* 10 &+ UInt32(digit)
            place &+= 1
        }
        return place > start && place <= start &+ 9 ? number : nil
    }
}
