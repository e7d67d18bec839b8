// MetaRequest: the flags of a meta command, read once and checked in the order in which memcached complains.
import MemStore

/// The words of a meta command behind its key (and length).
struct MetaRequest {
    /// The flags' letters, one bit each.
    private var seen: UInt64 = 0
    private(set) var newExptime: Int32?
    private(set) var vivify: Int32?
    private(set) var recache: Int32?
    private(set) var compareCas: UInt64?
    private(set) var newCas: UInt64?
    private(set) var flags: UInt32?
    private(set) var initial: UInt64?
    private(set) var delta: UInt64?
    /// The letter behind M; nil without M, 0 for an M alone.
    private(set) var mode: UInt8?
    private(set) var isOpaqueTooLong = false

    /// Whether the flag was given.
    @inline(__always) func has(_ letter: StaticString) -> Bool { seen & Self.bit(letter.bytes[0]) != 0 }

    var isQuiet: Bool { has("q") }
    var isBinaryKey: Bool { has("b") }

    private static func bit(_ letter: UInt8) -> UInt64 { 1 << UInt64(letter &- 0x41) }

    /// Reads the flags from the word at `first` on; nil with the reason in `refusal`.
    init?(_ fields: Fields, from first: Int, refusal: inout Refusal) {
        if fields.count > Limit.metaFieldCountMax {
            refusal = .metaTooManyFields
            return nil
        }
        for index in first..<max(first, fields.count) {
            let reason = read(fields[index])
            if reason != .none {
                refusal = reason
                return nil
            }
        }
    }

    /// Reads one flag; `.none` if it is well formed.
    private mutating func read(_ field: Bytes) -> Refusal {
        let letter = field[0]
        if letter >= 0x30, letter <= 0x39 { return .metaInvalidFlag }
        guard letter >= 0x41, letter <= 0x7a else { return .badFormat }
        if seen & Self.bit(letter) != 0 { return .metaDuplicate }
        seen |= Self.bit(letter)
        let argument = field[1..<field.count]
        switch letter {
        case UInt8(ascii: "T"): return Self.set(&newExptime, Number.signed32(argument), else: .metaBadToken)
        case UInt8(ascii: "N"): return Self.set(&vivify, Number.signed32(argument), else: .metaBadToken)
        case UInt8(ascii: "R"): return Self.set(&recache, Number.signed32(argument), else: .metaBadToken)
        case UInt8(ascii: "C"): return Self.set(&compareCas, Number.unsigned64(argument), else: .metaBadToken)
        case UInt8(ascii: "E"): return Self.set(&newCas, Number.unsigned64(argument), else: .metaBadToken)
        case UInt8(ascii: "F"): return Self.set(&flags, Number.unsigned32(argument), else: .badFormat)
        case UInt8(ascii: "J"): return Self.set(&initial, Number.unsigned64(argument), else: .metaBadInitial)
        case UInt8(ascii: "D"): return Self.set(&delta, Number.unsigned64(argument), else: .metaBadDelta)
        case UInt8(ascii: "M"): mode = argument.isEmpty ? 0 : argument[0]
        case UInt8(ascii: "O"): isOpaqueTooLong = field.count > Limit.opaqueLengthMax
        case UInt8(ascii: "b"), UInt8(ascii: "c"), UInt8(ascii: "f"), UInt8(ascii: "h"), UInt8(ascii: "k"),
            UInt8(ascii: "l"), UInt8(ascii: "q"), UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "u"),
            UInt8(ascii: "v"), UInt8(ascii: "x"), UInt8(ascii: "I"), UInt8(ascii: "L"), UInt8(ascii: "P"):
            break
        default: return .metaInvalidFlag
        }
        return .none
    }

    private static func set<T>(_ place: inout T?, _ number: T?, else refusal: Refusal) -> Refusal {
        place = number
        return number == nil ? refusal : .none
    }
}
