// MetadataText: the JSON texts of the metadata keys, byte for byte as Python 2's json module wrote them with an indent of
// one and sorted names: a comma and a blank at the end of each line but the last. Pure.

/// A JSON array or object of one level.
struct MetadataText {
    private let opening: UInt8
    private let closing: UInt8
    private var lines: [[UInt8]] = []

    /// An object, or an array.
    init(isObject: Bool) {
        opening = UInt8(ascii: isObject ? "{" : "[")
        closing = UInt8(ascii: isObject ? "}" : "]")
    }

    /// The whole text.
    var bytes: [UInt8] {
        if lines.isEmpty { return [opening, closing] }
        var text: [UInt8] = [opening]
        for (index, line) in lines.enumerated() {
            if index > 0 { text += Array(", ".utf8) }
            text += Array("\n ".utf8) + line
        }
        return text + Array("\n".utf8) + [closing]
    }

    /// A string of an array.
    mutating func add(_ name: Bytes) { lines.append(Self.string(name)) }

    /// A member with a number, as it is to be written.
    mutating func add(_ name: String, _ number: String) { lines.append(Array("\"\(name)\": \(number)".utf8)) }

    /// A member with a string. Members come in the order of their names.
    mutating func add(_ name: Bytes, base64 value: Bytes) {
        lines.append(Self.string(name) + Array(": \"".utf8) + Self.base64(value) + [UInt8(ascii: "\"")])
    }

    /// A moment in seconds, as the shortest decimal that gives the same double.
    static func seconds(_ time: Timestamp) -> String { "\(Double(time.seconds) + Double(time.nanoseconds) / 1e9)" }

    /// A string in ASCII: what is not stands as `\uXXXX`, a byte that is no UTF-8 as `\udcXX`.
    static func string(_ bytes: Bytes) -> [UInt8] {
        var text: [UInt8] = [UInt8(ascii: "\"")]
        var decoder = UTF8.ForwardParser()
        var iterator = bytes.array.makeIterator()
        var position = 0
        parsing: while true {
            switch decoder.parseScalar(from: &iterator) {
            case .valid(let encoded):
                append(UTF8.decode(encoded), to: &text)
                position += encoded.count
            case .error(let length):
                for index in position..<position + length { append(unit: 0xdc00 | UInt16(bytes[index]), to: &text) }
                position += length
            case .emptyInput: break parsing
            }
        }
        return text + [UInt8(ascii: "\"")]
    }

    private static func append(_ scalar: Unicode.Scalar, to text: inout [UInt8]) {
        let short: [Unicode.Scalar: String] = [
            "\"": "\\\"", "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\u{8}": "\\b", "\u{c}": "\\f",
        ]
        if let escape = short[scalar] {
            text += Array(escape.utf8)
        } else if scalar.value >= 0x20, scalar.value < 0x7f {
            text.append(UInt8(scalar.value))
        } else {
            for unit in Array(String(scalar).utf16) { append(unit: unit, to: &text) }
        }
    }

    private static func append(unit: UInt16, to text: inout [UInt8]) {
        let digits = String(unit, radix: 16)
        text += Array("\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8)
    }

    private static func base64(_ bytes: Bytes) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var group = 0
            for index in 0..<3 { group = group << 8 | (index < count ? Int(bytes[start + index]) : 0) }
            for index in 0..<4 {
                text.append(index <= count ? alphabet[group >> (18 - 6 * index) & 63] : UInt8(ascii: "="))
            }
        }
        return text
    }
}
