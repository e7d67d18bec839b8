// The replies of the protocol as the comparison counts them: a line without its changing parts.
enum DifferentialReplies {
    /// What became of one command's lines.
    struct Outcomes {
        var hits = 0
        var misses = 0
        var errors = 0
        var silent = 0

        mutating func add(_ reply: String) {
            if reply.contains("ERROR") || reply.hasPrefix("MEMLIMIT") || reply.hasPrefix("BADCLASS") {
                errors += 1
            } else if ["EN", "NF", "NS", "EX", "NOT_FOUND", "NOT_STORED", "EXISTS"].contains(reply) {
                misses += 1
            } else if reply != "END" {
                hits += 1
            }
        }
    }

    /// Each of these must be met often.
    static let all = [
        "STORED", "NOT_STORED", "EXISTS", "NOT_FOUND", "DELETED", "TOUCHED", "OK", "END", "VALUE", "MN", "VERSION",
        "number",
        "HD", "VA", "EN", "NS", "EX", "NF", "ME", "RESET", "ERROR", "<closed>", "token W", "token Z",
        "CLIENT_ERROR bad command line format", "CLIENT_ERROR bad data chunk",
        "CLIENT_ERROR invalid numeric delta argument", "CLIENT_ERROR invalid exptime argument",
        "CLIENT_ERROR cannot increment or decrement non-numeric value", "CLIENT_ERROR options flags are too long",
        "CLIENT_ERROR duplicate flag", "CLIENT_ERROR invalid flag", "CLIENT_ERROR error decoding key",
        "CLIENT_ERROR bad token in command line format", "CLIENT_ERROR invalid numeric initial value",
        "CLIENT_ERROR invalid numeric delta value", "CLIENT_ERROR invalid or duplicate flag",
        "CLIENT_ERROR opaque token too long", "CLIENT_ERROR invalid mode for ms M token",
        "CLIENT_ERROR invalid mode for ma M token", "CLIENT_ERROR usage: stats detail on|off|dump",
        "CLIENT_ERROR bad command line", "CLIENT_ERROR Illegal slab id",
        "CLIENT_ERROR sleep must be one second or less",
        "CLIENT_ERROR automove window too low or too high",
        "CLIENT_ERROR flush_all not allowed", "CLIENT_ERROR watch commands not allowed",
        "CLIENT_ERROR stats cachedump not allowed", "ERROR metadump not allowed",
        "SERVER_ERROR object too large for cache", "SERVER_ERROR: shutdown not enabled",
        "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m",
        "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes", "BADCLASS invalid class id",
        "ERROR failed to start lru crawler thread",
        "ERROR hot and warm pcts must not exceed 80", "ERROR hot/warm age factors must be greater than 0",
        "ERROR cannot pipeline other commands before metadump",
        "SAME src and dst class are identical", "BADCLASS invalid src or dst class id",
    ]

    /// The lines of an answer without the values' bytes, and the marks that meta answers carry.
    static func lines(of answer: String) -> [String] {
        var lines: [String] = []
        var rest = answer.utf8[...]
        while !rest.isEmpty {
            let end = rest.firstIndex(of: 10).map { rest.index(after: $0) } ?? rest.endIndex
            let line = String(decoding: rest[..<end].filter { $0 != 13 && $0 != 10 }, as: UTF8.self)
            rest = rest[end...]
            if line.isEmpty { continue }
            lines.append(line)
            let words = line.split(separator: " ")
            if ["HD", "VA"].contains(words.first) {
                lines += ["W", "Z", "X"].filter { words.contains($0[...]) }.map { "token " + $0 }
            }
            let length =
                words.first == "VALUE"
                ? Int(words[safe: 3] ?? "") : words.first == "VA" ? Int(words[safe: 1] ?? "") : nil
            if let length { rest = rest.dropFirst(length + 2) }
        }
        return lines
    }

    /// A line without what changes from one time to the next.
    static func form(of line: String) -> String {
        if all.contains(line) { return line }
        let word = String(line.prefix { $0 != " " })
        if UInt64(word) != nil { return "number" }
        if ["ERROR", "CLIENT_ERROR", "SERVER_ERROR", "BADCLASS", "SAME", "BUSY", "NOSPARE"].contains(word) {
            return line
        }
        return word
    }
}

extension Array {
    /// The element at `index`, or nil.
    subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
