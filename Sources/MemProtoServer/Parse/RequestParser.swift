// RequestParser: from the words of a line to a request, by the rules of the newest memcached. Pure static functions.
import MemStore

/// A storage command's line.
struct StorageRequest {
    var key: Bytes
    var mode: StoreMode
    /// The client's flags, cut to 32 bits.
    var flags: UInt32
    /// The client's number for the expiry, cut to 32 bits.
    var exptimeNumber: Int64
    /// Value bytes that follow the line, without their line end.
    var length: Int
    /// The token of `cas`.
    var compareCas: UInt64?
    var isNoreply: Bool
}

/// What became of a storage command's line.
enum StorageLine {
    case request(StorageRequest)
    /// Malformed, but `length` value bytes and a line end follow, which have to be swallowed.
    case malformed(length: Int, isNoreply: Bool)
    /// Malformed, and what follows is the next command.
    case unreadable(isNoreply: Bool)
}

/// The rules for the lines of the classic commands.
enum RequestParser {
    /// Longest value that a line may announce. Source: memcached 1.6.45's answers.
    static let valueLengthMax = 2_147_483_645

    /// `set`, `add`, `replace`, `append`, `prepend`, `cas`.
    ///
    /// - Parameter isKey: the second word may be a key.
    static func storage(_ fields: Fields, mode: StoreMode, isCas: Bool, isKey: Bool) -> StorageLine {
        let isNoreply = fields.endsWithNoreply
        guard fields.count >= 5, let length = valueLength(fields[4]) else { return .unreadable(isNoreply: isNoreply) }
        guard isKey, let flags = Number.unsignedLong(fields[2]),
            let exptime = Number.signedLong(fields[3])
        else { return .malformed(length: length, isNoreply: isNoreply) }
        var compareCas: UInt64?
        if isCas {
            guard fields.count >= 6, let token = Number.unsigned64(fields[5]) else {
                return .malformed(length: length, isNoreply: isNoreply)
            }
            compareCas = token
        }
        return .request(
            StorageRequest(
                key: fields[1], mode: mode, flags: UInt32(truncatingIfNeeded: flags),
                exptimeNumber: Int64(Int32(truncatingIfNeeded: exptime)), length: length, compareCas: compareCas,
                isNoreply: isNoreply))
    }

    /// The length of a data block, 0 ... `valueLengthMax`.
    static func valueLength(_ field: Bytes) -> Int? {
        guard let number = Number.signed32(field), number >= 0, Int(number) <= valueLengthMax else { return nil }
        return Int(number)
    }

    /// The line without the carriage return that may end it.
    @inline(__always) static func withoutReturn(_ line: Bytes) -> Bytes {
        guard line.count > 0, line[line.count - 1] == 0x0d else { return line }
        return line[0..<line.count - 1]
    }

    /// The number of words that spaces separate.
    static func wordCount(_ line: Bytes) -> Int {
        var count = 0
        for index in 0..<line.count where line[index] != 0x20 && (index == 0 || line[index - 1] == 0x20) { count += 1 }
        return count
    }

    /// The first key of an input that begins with `get ` or `set `; a guess that is good enough to fetch its memory by.
    static func firstKey(_ input: Bytes) -> Bytes? {
        guard input.count > 8 else { return nil }
        let word = input.word32(at: 0)
        guard word == 0x20_74_65_67 || word == 0x20_74_65_73 else { return nil }
        let start = input[4..<min(input.count, 4 + Limits.cacheKeyLengthMax)]
        // The key of a get is mostly the line's last word, that of a set never.
        let end = start.index(of: word == 0x20_74_65_67 ? 0x0d : 0x20, from: 0)
        return end > 0 ? start[0..<end] : nil
    }

    /// Whether a line that begins so may have any number of keys: that of a get, behind at most 100 spaces.
    static func isOpenEndedGet(_ head: Bytes) -> Bool {
        var start = 0
        while start < head.count, start <= Limit.leadingSpacesMax, head[start] == 0x20 { start += 1 }
        guard start <= Limit.leadingSpacesMax else { return false }
        let rest = head[start..<head.count]
        return rest.starts(with: "get ") || rest.starts(with: "gets ") || rest.starts(with: "gat ")
            || rest.starts(with: "gats ")
    }

    /// The key, as far as it is there, in the beginning of a line that has one.
    static func key(ofBeginning head: Bytes) -> Bytes? {
        let fields = Fields(head)
        return fields.count >= 2 ? fields[1] : nil
    }
}
