// Index: where an item's record is, by its hash. An array of cache lines in the
// order of the hashes: line = hash * lineCount / 2^32. Eight lines are a group; what does not fit into its
// line goes to a spill line of the group. How it grows and shrinks is in Index+Resize.swift.
import CShims
import Glibc

/// One shard's index. GUARDED_BY the shard's lock.
///
/// SAFETY: its two mappings are its own.
@safe struct Index {
    static let linesPerGroup: UInt32 = 8
    /// Items per line at which the index grows: 10.8 of 12 places, 6.7 bytes an item.
    static let itemsPerTenLinesMax = 108

    let mapping: Mapping
    private let spillMapping: Mapping
    let lineCountMax: UInt32
    /// Lines in use; while the index is resized, of the groups that were not moved yet.
    var lineCount: UInt32 = Index.linesPerGroup
    /// Lines after the resizing that is under way; 0 = none is.
    var newLineCount: UInt32 = 0
    /// The groups (by the old count) from here on have been moved when the index grows, those below when it shrinks.
    var frontier: UInt32 = 0
    /// Lines from the last on that may have pages which nothing uses any more.
    var lineCountTouched: UInt32 = Index.linesPerGroup
    private(set) var count = 0
    /// Spill lines: number 0 is unused; the free ones are linked by their `spillLine`.
    private var spillNext: UInt32 = 1
    private var spillFree: UInt32 = 0
    private(set) var spillCount = 0

    /// An empty index that can grow to `sizeBytesMax`.
    init(sizeBytesMax: Int) throws(StoreSetupError) {
        mapping = try Mapping(sizeBytes: sizeBytesMax, what: "an index")
        spillMapping = try Mapping(sizeBytes: sizeBytesMax, what: "an index's spill lines")
        lineCountMax = UInt32(clamping: mapping.sizeBytes / IndexLine.sizeBytes) / 8 * 8
    }

    func unmap() {
        mapping.unmap()
        spillMapping.unmap()
    }

    /// Bytes of its lines.
    var sizeBytes: Int { (Int(max(lineCount, newLineCount)) + spillCount) * IndexLine.sizeBytes }

    // MARK: places

    @inline(__always) func line(_ number: UInt32) -> IndexLine {
        unsafe IndexLine(at: mapping.base + Int(number) &* IndexLine.sizeBytes)
    }
    @inline(__always) func spill(_ number: UInt32) -> IndexLine {
        unsafe IndexLine(at: spillMapping.base + Int(number) &* IndexLine.sizeBytes)
    }
    @inline(__always) static func scale(_ hash: UInt64, _ count: UInt32) -> UInt32 {
        UInt32(truncatingIfNeeded: ((hash >> 16 & 0xffff_ffff) &* UInt64(count)) >> 32)
    }
    @inline(__always) static func tag(_ hash: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: hash) }

    /// While the index is resized: whether what was in this group (by the old count) is in its new place.
    @inline(__always) private func isMoved(group: UInt32) -> Bool {
        newLineCount > lineCount ? group >= frontier : group < frontier
    }

    @inline(__always) private func homeNumber(_ hash: UInt64) -> UInt32 {
        let number = Self.scale(hash, lineCount)
        guard newLineCount != 0, isMoved(group: number / Self.linesPerGroup) else { return number }
        return Self.scale(hash, newLineCount)
    }

    /// Fetches a hash's line into the cache. Needs no lock: it is a hint.
    @inline(__always) func prefetch(_ hash: UInt64) {
        unsafe cs_prefetch(mapping.base + Int(homeNumber(hash)) &* IndexLine.sizeBytes)
    }

    /// A reference whose tag fits, or 0, read without the lock: a hint for prefetching the record.
    @inline(__always) func peek(_ hash: UInt64) -> UInt32 {
        let base = unsafe mapping.base + Int(homeNumber(hash)) &* IndexLine.sizeBytes
        let places = unsafe cs_match_bytes12(base, Self.tag(hash))
        guard places != 0 else { return 0 }
        return unsafe cs_peek32(base + 16 + places.trailingZeroBitCount &* 4)
    }

    // MARK: finding and changing

    /// Finds the reference for which `matches` is true among those with the hash's tag.
    @inline(__always)
    func find(_ hash: UInt64, _ matches: (UInt32) -> Bool) -> (line: IndexLine, place: Int)? {
        let number = homeNumber(hash)
        let home = line(number)
        if let place = Self.find(in: home, Self.tag(hash), matches) { return (home, place) }
        guard home.spilledCount != 0 else { return nil }
        var next = line(number & ~7).spillLine
        while next != 0 {
            let spilled = spill(next)
            if let place = Self.find(in: spilled, Self.tag(hash), matches) { return (spilled, place) }
            next = spilled.spillLine
        }
        return nil
    }

    @inline(__always)
    private static func find(in line: IndexLine, _ tag: UInt8, _ matches: (UInt32) -> Bool) -> Int? {
        var places = line.places(withTag: tag)
        while places != 0 {
            let place = places.trailingZeroBitCount
            let reference = line.reference(place)
            if reference != 0, matches(reference) { return place }
            places &= places &- 1
        }
        return nil
    }

    /// Adds a reference; the caller knows that its key is not there.
    mutating func insert(_ hash: UInt64, _ reference: UInt32) {
        place(hash, reference)
        count += 1
    }

    mutating func place(_ hash: UInt64, _ reference: UInt32) {
        let number = homeNumber(hash)
        let home = line(number)
        if let free = home.freePlace {
            home.set(free, tag: Self.tag(hash), reference: reference)
            return
        }
        home.spilledCount += 1
        let first = line(number & ~7)
        var next = first.spillLine
        while next != 0 {
            if let free = spill(next).freePlace {
                spill(next).set(free, tag: Self.tag(hash), reference: reference)
                return
            }
            next = spill(next).spillLine
        }
        let new = takeSpillLine()
        spill(new).spillLine = first.spillLine
        first.spillLine = new
        spill(new).set(0, tag: Self.tag(hash), reference: reference)
    }

    /// Replaces the reference `old` by `new`.
    mutating func replace(_ hash: UInt64, _ old: UInt32, by new: UInt32) {
        guard let found = find(hash, { $0 == old }) else { preconditionFailure("a live record is in the index") }
        found.line.set(found.place, tag: Self.tag(hash), reference: new)
    }

    /// Removes a reference that is there.
    mutating func remove(_ hash: UInt64, _ reference: UInt32) {
        let number = homeNumber(hash)
        let home = line(number)
        count -= 1
        if let place = Self.find(in: home, Self.tag(hash), { $0 == reference }) {
            home.set(place, tag: 0, reference: 0)
            return
        }
        let first = line(number & ~7)
        var previous = first
        var next = first.spillLine
        while next != 0 {
            let spilled = spill(next)
            if let place = Self.find(in: spilled, Self.tag(hash), { $0 == reference }) {
                spilled.set(place, tag: 0, reference: 0)
                // A count that stuck at its maximum stays: it only says that the spill lines are worth a look.
                if home.spilledCount < 255 { home.spilledCount -= 1 }
                if spilled.isEmpty {
                    previous.spillLine = spilled.spillLine
                    giveBackSpillLine(next)
                }
                return
            }
            previous = spilled
            next = spilled.spillLine
        }
        preconditionFailure("a live record is in the index")
    }

    private mutating func takeSpillLine() -> UInt32 {
        spillCount += 1
        if spillFree != 0 {
            let number = spillFree
            spillFree = spill(number).spillLine
            spill(number).clear()
            return number
        }
        precondition(spillNext < lineCountMax, "spill lines are far fewer than lines")
        spillNext += 1
        return spillNext - 1
    }

    mutating func giveBackSpillLine(_ number: UInt32) {
        spill(number).clear()
        spill(number).spillLine = spillFree
        spillFree = number
        spillCount -= 1
    }

    /// Forgets everything and gives the memory back.
    mutating func reset() {
        mapping.discard(offset: 0, count: mapping.sizeBytes)
        spillMapping.discard(offset: 0, count: spillMapping.sizeBytes)
        lineCount = Self.linesPerGroup
        newLineCount = 0
        frontier = 0
        lineCountTouched = Self.linesPerGroup
        count = 0
        spillNext = 1
        spillFree = 0
        spillCount = 0
    }

    /// Calls `body` with every reference of the groups that cover hash positions from `position` on, group by group, until
    /// it returns false. Returns the position to go on from, or nil at the end. A position is the 32 bits of
    /// the hash that choose a line, so it stays right while the index grows; a caller skips records that lie before it.
    func forEachReference(from position: UInt64, _ body: (UInt32) -> Void, until isEnough: () -> Bool) -> UInt64? {
        var position = position
        while position < 1 << 32 {
            let number = homeNumber(position << 16)
            let first = number & ~7
            let isMoved = newLineCount != 0 && isMoved(group: Self.scale(position << 16, lineCount) / 8)
            let inUse = isMoved ? newLineCount : lineCount
            for line in first..<first + Self.linesPerGroup { forEach(self.line(line), body) }
            var next = line(first).spillLine
            while next != 0 {
                forEach(spill(next), body)
                next = spill(next).spillLine
            }
            // The first position of the next group.
            position = Self.position(ofLine: first + Self.linesPerGroup, of: inUse)
            // A group of a shrinking index may be filled only up to where its contents come from.
            if isMoved, newLineCount < lineCount {
                position = min(position, Self.position(ofLine: frontier * Self.linesPerGroup, of: lineCount))
            }
            if isEnough() { return position < 1 << 32 ? position : nil }
        }
        return nil
    }

    @inline(__always) private func forEach(_ line: IndexLine, _ body: (UInt32) -> Void) {
        for place in 0..<IndexLine.placeCount where line.reference(place) != 0 { body(line.reference(place)) }
    }
    /// The first position in a line or behind it.
    private static func position(ofLine line: UInt32, of lineCount: UInt32) -> UInt64 {
        (UInt64(line) << 32 + UInt64(lineCount) - 1) / UInt64(lineCount)
    }
    /// The position of a hash for `forEachReference`.
    static func position(_ hash: UInt64) -> UInt64 { hash >> 16 & 0xffff_ffff }
}
