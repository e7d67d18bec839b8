// ControlName: names of the files that stand for cache items, and their keys. Pure.
import MemStore

/// A key as a file's name: `/`, `%` and the bytes up to 0x20 stand as `%XX` (capital hex), all others for themselves, and
/// the keys `.` and `..` are escaped whole.
enum ControlName {
    private static let digits = Array("0123456789ABCDEF".utf8)

    /// The name of a key; nil when it would be longer than a name may be.
    static func name(ofKey key: Bytes) -> [UInt8]? {
        let isDots = key.count <= 2 && (0..<key.count).allSatisfy { key[$0] == UInt8(ascii: ".") }
        var name: [UInt8] = []
        for index in 0..<key.count {
            let byte = key[index]
            if isDots || isEscaped(byte) {
                name += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            } else {
                name.append(byte)
            }
        }
        return name.count <= Limits.nameLengthMax ? name : nil
    }

    /// The key of a name; nil when it is not the name of any key.
    static func key(ofName name: Bytes) -> [UInt8]? {
        var key: [UInt8] = []
        var index = 0
        while index < name.count {
            let byte = name[index]
            index += 1
            guard byte == UInt8(ascii: "%") else {
                key.append(byte)
                continue
            }
            guard index + 1 < name.count, let high = digits.firstIndex(of: name[index]),
                let low = digits.firstIndex(of: name[index + 1])
            else { return nil }
            key.append(UInt8(high << 4 | low))
            index += 2
        }
        guard !key.isEmpty, key.count <= Limits.cacheKeyLengthMax else { return nil }
        // Two names of one key would be two files of one item.
        let canonical = key.withBytes { self.name(ofKey: $0) }
        return canonical == name.array ? key : nil
    }

    private static func isEscaped(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte == UInt8(ascii: "%") || byte == UInt8(ascii: "/")
    }
}
