// How the index grows by a quarter or shrinks to the half, one group of lines at a time and in place. The order of the
// lines is that of the hashes: growing, every new home lies at or above the old one, so groups are moved from
// the upper end down; shrinking, at or below it, so they are moved from the lower end up.
import CShims

extension Index {
    /// Items for ten lines below which the index shrinks: a third of those at which it grows.
    static let itemsPerTenLinesMin = 36
    /// Lines that an index keeps.
    static let lineCountKept: UInt32 = 64
    /// Bytes of lines given back to the system at a time.
    private static let discardedBytesPerStep = 1 << 20

    /// Whether a resizing is under way, or the number of items asks for one.
    @inline(__always) var wantsToResize: Bool { newLineCount != 0 || wantsToGrow || wantsToShrink }
    @inline(__always) private var wantsToGrow: Bool {
        count &* 10 > Int(lineCount) &* Self.itemsPerTenLinesMax && lineCount < lineCountMax
    }
    @inline(__always) private var wantsToShrink: Bool {
        count &* 10 < Int(lineCount) &* Self.itemsPerTenLinesMin && lineCount > Self.lineCountKept
    }

    /// Moves one group, beginning to resize if the number of items asks for it. `hashOf` reads a record's key; `prefetch`
    /// is told of each record a little before. False: there is nothing to do.
    mutating func resizeOneStep(_ prefetch: (UInt32) -> Void, _ hashOf: (UInt32) -> UInt64) -> Bool {
        guard wantsToResize else { return false }
        if newLineCount == 0 {
            if wantsToGrow { beginGrowth() } else { beginShrinking() }
        }
        moveOneGroup(prefetch, hashOf)
        return true
    }

    /// Begins to grow: small indexes to the double, others by a quarter.
    private mutating func beginGrowth() {
        let wanted = lineCount < 1024 ? lineCount * 2 : lineCount + lineCount / 4
        newLineCount = min(wanted & ~7, lineCountMax)
        frontier = lineCount / Self.linesPerGroup
        lineCountTouched = max(lineCountTouched, newLineCount)
    }

    private mutating func beginShrinking() {
        newLineCount = lineCount / 2 & ~(Self.linesPerGroup - 1)
        frontier = 0
    }

    private mutating func moveOneGroup(_ prefetch: (UInt32) -> Void, _ hashOf: (UInt32) -> UInt64) {
        let isGrowing = newLineCount > lineCount
        if isGrowing { frontier -= 1 }
        let firstLine = frontier * Self.linesPerGroup
        if !isGrowing { frontier += 1 }
        unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 1024) { scratch in
            var gathered = 0
            var next = line(firstLine).spillLine
            for number in firstLine..<firstLine + Self.linesPerGroup {
                unsafe gather(line(number), into: scratch, &gathered)
                line(number).clear()
            }
            while next != 0 {
                let number = next
                next = spill(number).spillLine
                unsafe gather(spill(number), into: scratch, &gathered)
                giveBackSpillLine(number)
            }
            for index in 0..<gathered { prefetch(unsafe scratch[index]) }
            for index in 0..<gathered {
                let reference = unsafe scratch[index]
                place(hashOf(reference), reference)
            }
        }
        if frontier == (isGrowing ? 0 : lineCount / Self.linesPerGroup) {
            lineCount = newLineCount
            newLineCount = 0
        }
    }

    @unsafe private func gather(
        _ line: IndexLine, into scratch: UnsafeMutableBufferPointer<UInt32>, _ gathered: inout Int
    ) {
        for place in 0..<IndexLine.placeCount where line.reference(place) != 0 {
            precondition(gathered < scratch.count, "a group holds about a hundred references")
            unsafe scratch[gathered] = line.reference(place)
            gathered += 1
        }
    }

    /// Gives a part of the pages behind the last line back to the system; they hold zeros already. False: there are none.
    mutating func discardUnused() -> Bool {
        let lines = max(lineCount, newLineCount)
        guard lineCountTouched > lines else { return false }
        let end = Int(lineCountTouched) * IndexLine.sizeBytes
        let start = max(Int(lines) * IndexLine.sizeBytes, end - Self.discardedBytesPerStep)
        mapping.discard(offset: start, count: end - start)
        lineCountTouched = UInt32(start / IndexLine.sizeBytes)
        return true
    }
}
