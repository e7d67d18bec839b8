// IndexLine: one cache line of the index. Twelve places, each an 8-bit tag and a 32-bit reference.
//
//     0 ... 11   tags
//    12 ... 15   spilled count of this line (8 bits), number of a spill line (24)
//    16 ... 63   twelve references; 0 = free
import CShims

/// A line in place.
///
/// SAFETY: points into the index's mapping; the shard's lock is held.
@safe struct IndexLine {
    static let placeCount = 12
    static let sizeBytes = 64
    private let base: UnsafeMutableRawPointer

    @inline(__always) @unsafe init(at base: UnsafeMutableRawPointer) { unsafe self.base = base }

    /// A bit for each place whose tag is `tag`; a free place may be among them.
    @inline(__always) func places(withTag tag: UInt8) -> UInt32 {
        unsafe cs_match_bytes12(base, tag)
    }
    @inline(__always) func reference(_ place: Int) -> UInt32 {
        unsafe base.load(fromByteOffset: 16 &+ place &* 4, as: UInt32.self)
    }
    @inline(__always) func set(_ place: Int, tag: UInt8, reference: UInt32) {
        unsafe base.storeBytes(of: tag, toByteOffset: place, as: UInt8.self)
        unsafe base.storeBytes(of: reference, toByteOffset: 16 &+ place &* 4, as: UInt32.self)
    }
    @inline(__always) func tag(_ place: Int) -> UInt8 { unsafe base.load(fromByteOffset: place, as: UInt8.self) }

    /// The first free place, or nil.
    @inline(__always) var freePlace: Int? {
        for place in 0..<Self.placeCount where reference(place) == 0 { return place }
        return nil
    }
    var isEmpty: Bool {
        for place in 0..<Self.placeCount where reference(place) != 0 { return false }
        return true
    }

    @inline(__always) private var header: UInt32 {
        get { unsafe base.load(fromByteOffset: 12, as: UInt32.self) }
        nonmutating set { unsafe base.storeBytes(of: newValue, toByteOffset: 12, as: UInt32.self) }
    }
    /// How many references that belong into this line are in its group's spill lines. Sticks at 255.
    @inline(__always) var spilledCount: UInt32 {
        get { header & 0xff }
        nonmutating set { header = header & ~0xff | min(newValue, 255) }
    }
    /// In a group's first line: its first spill line. In a spill line: the next one. 0 = none.
    @inline(__always) var spillLine: UInt32 {
        get { header >> 8 }
        nonmutating set { header = header & 0xff | newValue << 8 }
    }
    func clear() { unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: Self.sizeBytes) }
}
