// Fields: the words of a command line, which one or more spaces separate. Pure.
import MemStore

/// The first words of a line. Only spaces separate: a TAB belongs to its word.
struct Fields {
    /// Words of a line that are looked at, the command's name included.
    static let countMax = 23

    private struct Place {
        var start: UInt32
        var end: UInt32
    }

    let line: Bytes
    private(set) var count = 0
    /// The line has more words than were looked at.
    private(set) var isCut = false
    private var places: InlineArray<23, Place>

    /// Splits `line`, which has no line end.
    init(_ line: Bytes) {
        self.line = line
        places = InlineArray(repeating: Place(start: 0, end: 0))
        var at = 0
        while true {
            while at < line.count, line[at] == 0x20 { at &+= 1 }
            if at >= line.count { return }
            if count == Self.countMax {
                isCut = true
                return
            }
            let space = line.index(of: 0x20, from: at)
            let end = space < 0 ? line.count : space
            places[count] = Place(start: UInt32(truncatingIfNeeded: at), end: UInt32(truncatingIfNeeded: end))
            count &+= 1
            at = end
        }
    }

    /// The word at `index`, 0 ..< count.
    subscript(index: Int) -> Bytes {
        precondition(index >= 0 && index < count, "a field outside of the line")
        return line[Int(places[index].start)..<Int(places[index].end)]
    }

    /// Whether the line's last word is `noreply`.
    var endsWithNoreply: Bool { count > 1 && !isCut && self[count - 1].isEqual(to: "noreply") }
}
