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

    /// Replies of the protocol that the comparison does not meet, with the reason and where they are tested.
    static let elsewhere = [
        ("SERVER_ERROR out of memory storing object", "what fits differs", "SetBatchTests, storage.txt"),
        ("ERROR Too many open connections", "connections are counted otherwise", "LiveServerTests"),
        ("WATCHER_TOO_MANY log watcher limit reached", "it takes twenty connections", "WatchTests"),
        ("CLIENT_ERROR unauthenticated and its kin", "a run has one user", "AuthTests, users.txt"),
        ("CLIENT_ERROR invalid shutdown mode", "the next word ends the server", "options.txt"),
        ("ITEM", "the order of items is another one", "admin.txt"),
        ("ERROR cannot pipeline other commands before mgdump", "only 1.6.45 has mgdump", "DumpTests"),
        ("ERROR key dump not allowed", "only 1.6.45 has mgdump", "options.txt"),
        ("CLIENT_ERROR lru crawler disabled", "memcached's thread ends some time after disable", "admin.txt"),
        ("ERROR failed to stop lru crawler thread", "the same", "admin.txt"),
        ("CLIENT_ERROR slab reassignment disabled", "an option of the start", "options.txt"),
    ]

    private static let known = Set(all)

    /// Each of these must be met often.
    static let all = [
        "STORED", "NOT_STORED", "EXISTS", "NOT_FOUND", "DELETED", "TOUCHED", "OK", "END", "VALUE", "MN", "VERSION",
        "number",
        "HD", "VA", "EN", "NS", "EX", "NF", "ME", "RESET", "ERROR", "<closed>", "token W", "token Z", "token X", "STAT",
        "PREFIX",
        "NOSPARE source class has no spare pages", "ERROR an unknown error happened",
        "CLIENT_ERROR stats detail not allowed",
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
        let bytes = Array(answer.utf8)
        var at = 0
        while at < bytes.count {
            let next = DifferentialAnswers.lineEnd(bytes, from: at)
            var end = next
            while end > at, bytes[end - 1] == 10 || bytes[end - 1] == 13 { end -= 1 }
            let line = bytes[at..<end]
            at = next
            if line.isEmpty { continue }
            let valueSize = DifferentialAnswers.valueSize(behind: bytes[line.startIndex..<next])
            at = min(bytes.count, at + valueSize)
            if line.first == UInt8(ascii: "V"), line.starts(with: "VALUE ".utf8) {
                lines.append("VALUE")
                continue
            }
            let text = String(decoding: line, as: UTF8.self)
            lines.append(text)
            if text.hasPrefix("HD") || text.hasPrefix("VA") {
                let words = text.split(separator: " ")
                lines += ["W", "Z", "X"].filter { words.contains($0[...]) }.map { "token " + $0 }
            }
        }
        return lines
    }

    /// A line without what changes from one time to the next.
    static func form(of line: String) -> String {
        if known.contains(line) { return line }
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
