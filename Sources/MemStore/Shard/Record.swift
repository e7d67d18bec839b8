// Record: the layout of a cache item in an item log. Twelve bytes of header, then only the fields it needs, the
// key, and the value or the place of its content.
//
//     0   word: key length (8 bits), value length (15), nine bits of meta
//     4   cas, as a difference to the segment's base (32 bits)
//     8   second of the last access (30 bits), uses (2)
//    12   [flags 4] [exptime 4] [cas 8] [content: root 4, size 8]
//         key, value, padding to 8
import CShims
import Glibc

/// The meta bits of a record.
struct RecordMeta: OptionSet {
    let rawValue: UInt32
    static let flags = RecordMeta(rawValue: 1 << 23)
    static let exptime = RecordMeta(rawValue: 1 << 24)
    /// The cas does not fit as a difference, and has its full width.
    static let wideCas = RecordMeta(rawValue: 1 << 25)
    /// The value is a content of its own.
    static let content = RecordMeta(rawValue: 1 << 26)
    static let dead = RecordMeta(rawValue: 1 << 27)
    static let fetched = RecordMeta(rawValue: 1 << 28)
    static let stale = RecordMeta(rawValue: 1 << 29)
    static let won = RecordMeta(rawValue: 1 << 30)
    static let binaryKey = RecordMeta(rawValue: 1 << 31)
    /// Marks that a new version of an item may inherit.
    static let marks: RecordMeta = [.fetched, .stale, .won, .binaryKey]
}

/// What a new record is made of.
struct RecordFields {
    var flags: UInt32 = 0
    var exptime = Exptime.never
    var cas: UInt64 = 0
    var marks: RecordMeta = []
    var uses: UInt32 = 0
    var lastAccessSecond: UInt32 = 0
    /// The value's content, if it has one.
    var content: Content?
}

/// A record in place.
///
/// SAFETY: points into a log segment; the shard's lock is held while one is in use, and nothing is kept across an
/// append or a reclaim.
@safe struct Record {
    private let base: UnsafeMutableRawPointer

    static let headerSizeBytes = 12
    /// Uses are counted up to here; 2 bits. Source: this layout.
    static let usesMax: UInt32 = 3
    /// Longest value that is kept inside of a record; 15 bits. Source: this layout.
    static let inlineValueLengthMax = 1 << 14

    @inline(__always) @unsafe init(at base: UnsafeMutableRawPointer) { unsafe self.base = base }

    /// Bytes of a record with these fields, rounded up to 8.
    @inline(__always)
    static func sizeBytes(_ fields: RecordFields, keyLength: Int, valueLength: Int, wideCas: Bool) -> Int {
        var size = headerSizeBytes + keyLength + valueLength
        if fields.flags != 0 { size += 4 }
        if fields.exptime != .never { size += 4 }
        if wideCas { size += 8 }
        if fields.content != nil { size += 12 }
        return (size + 7) & ~7
    }

    // MARK: fields

    @inline(__always) private var word: UInt32 {
        get { unsafe base.load(as: UInt32.self) }
        nonmutating set { unsafe base.storeBytes(of: newValue, as: UInt32.self) }
    }
    @inline(__always) var meta: RecordMeta {
        get { RecordMeta(rawValue: word & 0xff80_0000) }
        nonmutating set { word = (word & 0x007f_ffff) | newValue.rawValue }
    }
    @inline(__always) var keyLength: Int { Int(word & 0xff) }
    /// Length of an inline value.
    @inline(__always) private var inlineLength: Int { Int(word >> 8 & 0x7fff) }

    @inline(__always) private func offset(behind fields: RecordMeta) -> Int {
        let bits = word
        var offset = Self.headerSizeBytes
        if fields.contains(.flags), bits & RecordMeta.flags.rawValue != 0 { offset += 4 }
        if fields.contains(.exptime), bits & RecordMeta.exptime.rawValue != 0 { offset += 4 }
        if fields.contains(.wideCas), bits & RecordMeta.wideCas.rawValue != 0 { offset += 8 }
        if fields.contains(.content), bits & RecordMeta.content.rawValue != 0 { offset += 12 }
        return offset
    }
    @inline(__always) private var keyOffset: Int { offset(behind: [.flags, .exptime, .wideCas, .content]) }

    @inline(__always) var flags: UInt32 {
        meta.contains(.flags) ? (unsafe base.load(fromByteOffset: Self.headerSizeBytes, as: UInt32.self)) : 0
    }
    @inline(__always) var exptime: Exptime {
        guard meta.contains(.exptime) else { return .never }
        return Exptime(second: unsafe base.load(fromByteOffset: offset(behind: .flags), as: UInt32.self))
    }
    /// Sets the expiry in place; false if the record has no field for it.
    func setExptime(_ exptime: Exptime) -> Bool {
        guard meta.contains(.exptime) else { return exptime == .never }
        unsafe base.storeBytes(of: exptime.second, toByteOffset: offset(behind: .flags), as: UInt32.self)
        return true
    }

    /// The cas, given the segment's base.
    @inline(__always) func cas(base casBase: UInt64) -> UInt64 {
        if meta.contains(.wideCas) {
            return unsafe base.loadUnaligned(fromByteOffset: offset(behind: [.flags, .exptime]), as: UInt64.self)
        }
        return casBase &+ UInt64(unsafe base.load(fromByteOffset: 4, as: UInt32.self))
    }
    /// Sets the cas in place; false if it does not fit.
    func setCas(_ cas: UInt64, base casBase: UInt64) -> Bool {
        if meta.contains(.wideCas) {
            unsafe base.storeBytes(of: cas, toByteOffset: offset(behind: [.flags, .exptime]), as: UInt64.self)
            return true
        }
        guard !Self.needsWideCas(cas, base: casBase) else { return false }
        unsafe base.storeBytes(of: UInt32(truncatingIfNeeded: cas &- casBase), toByteOffset: 4, as: UInt32.self)
        return true
    }
    @inline(__always) static func needsWideCas(_ cas: UInt64, base casBase: UInt64) -> Bool {
        cas &- casBase > UInt64(UInt32.max)
    }

    @inline(__always) private var access: UInt32 {
        get { unsafe base.load(fromByteOffset: 8, as: UInt32.self) }
        nonmutating set { unsafe base.storeBytes(of: newValue, toByteOffset: 8, as: UInt32.self) }
    }
    @inline(__always) var lastAccessSecond: UInt32 { access >> 2 }
    @inline(__always) var uses: UInt32 { access & 3 }
    /// Counts a use. Writes only where something changes, so that reading a hot item dirties no cache line.
    @inline(__always) func use(at second: UInt32) {
        let before = access
        let after = second << 2 | min(Self.usesMax, (before & 3) + 1)
        if before != after { access = after }
        if !meta.contains(.fetched) { meta.insert(.fetched) }
    }

    @inline(__always) var key: Bytes { unsafe Bytes(base + keyOffset, count: keyLength) }
    @inline(__always) func hasKey(_ key: Bytes) -> Bool {
        key.count == keyLength && (unsafe cs_equal(base + keyOffset, key.pointer.unsafelyUnwrapped, key.count))
    }

    /// The inline value.
    @inline(__always) var inlineValue: Bytes { unsafe Bytes(base + keyOffset + keyLength, count: inlineLength) }
    /// The inline value, to be changed in place.
    @unsafe var inlineValueStart: UnsafeMutableRawPointer { unsafe base + keyOffset + keyLength }

    /// The value's content, with meta `.content`.
    var content: Content? {
        guard meta.contains(.content) else { return nil }
        let at = offset(behind: [.flags, .exptime, .wideCas])
        return Content(
            root: unsafe base.load(fromByteOffset: at, as: UInt32.self),
            size: unsafe base.loadUnaligned(fromByteOffset: at + 4, as: UInt64.self))
    }

    /// Bytes of the value.
    @inline(__always) var valueLength: Int {
        if let content { return Int(content.size) }
        return inlineLength
    }

    /// Bytes of the record, rounded up to 8.
    @inline(__always) var sizeBytes: Int { (keyOffset + keyLength + inlineLength + 7) & ~7 }

    /// All fields but key and value, to make another version of.
    func fields(casBase: UInt64) -> RecordFields {
        RecordFields(
            flags: flags, exptime: exptime, cas: cas(base: casBase), marks: meta.intersection(.marks), uses: uses,
            lastAccessSecond: lastAccessSecond, content: content)
    }

    // MARK: changing in place

    /// Whether a value of `length` bytes with these fields makes a record of the same layout and size.
    @inline(__always) func fits(_ length: Int, flags: UInt32, exptime: Exptime) -> Bool {
        let meta = self.meta
        let offset = keyOffset + keyLength
        return length <= Self.inlineValueLengthMax && meta.isDisjoint(with: [.wideCas, .content])
            && meta.contains(.flags) == (flags != 0) && meta.contains(.exptime) == (exptime != .never)
            && (offset + length + 7) & ~7 == (offset + inlineLength + 7) & ~7
    }

    /// Puts another value that `fits` in the place of this one. Marks are cleared, and it counts as a use.
    @inline(__always)
    func overwrite(_ value: Bytes, flags: UInt32, exptime: Exptime, casDifference: UInt32, _ second: UInt32) {
        let meta = self.meta
        if meta.contains(.flags) {
            unsafe base.storeBytes(of: flags, toByteOffset: Self.headerSizeBytes, as: UInt32.self)
        }
        if meta.contains(.exptime) {
            unsafe base.storeBytes(of: exptime.second, toByteOffset: offset(behind: .flags), as: UInt32.self)
        }
        unsafe value.copy(to: inlineValueStart)
        word = UInt32(truncatingIfNeeded: keyLength | value.count << 8) | meta.subtracting(.marks).rawValue
        unsafe base.storeBytes(of: casDifference, toByteOffset: 4, as: UInt32.self)
        access = second << 2 | min(Self.usesMax, uses + 1)
    }

    // MARK: making

    /// Writes a record here. `head` and `tail` are the two parts of an inline value (one may be empty).
    @inline(__always)
    func write(_ fields: RecordFields, key: Bytes, head: Bytes, tail: Bytes, casBase: UInt64) {
        var bits = fields.marks
        var offset = Self.headerSizeBytes
        if fields.flags != 0 {
            bits.insert(.flags)
            unsafe base.storeBytes(of: fields.flags, toByteOffset: offset, as: UInt32.self)
            offset += 4
        }
        if fields.exptime != .never {
            bits.insert(.exptime)
            unsafe base.storeBytes(of: fields.exptime.second, toByteOffset: offset, as: UInt32.self)
            offset += 4
        }
        if Self.needsWideCas(fields.cas, base: casBase) {
            bits.insert(.wideCas)
            unsafe base.storeBytes(of: fields.cas, toByteOffset: offset, as: UInt64.self)
            offset += 8
        }
        if let content = fields.content {
            bits.insert(.content)
            unsafe base.storeBytes(of: content.root, toByteOffset: offset, as: UInt32.self)
            unsafe base.storeBytes(of: content.size, toByteOffset: offset + 4, as: UInt64.self)
            offset += 12
        }
        unsafe base.storeBytes(
            of: UInt32(truncatingIfNeeded: key.count | (head.count + tail.count) << 8) | bits.rawValue, as: UInt32.self)
        unsafe base.storeBytes(
            of: UInt32(truncatingIfNeeded: fields.cas &- casBase), toByteOffset: 4, as: UInt32.self)
        access = fields.lastAccessSecond << 2 | fields.uses
        unsafe key.copy(to: base + offset)
        unsafe head.copy(to: base + offset + key.count)
        unsafe tail.copy(to: base + offset + key.count + head.count)
    }
}
