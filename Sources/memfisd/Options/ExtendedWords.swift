// ExtendedWords: the words of `-o`: memcached's, memfisd's own, and mount
// options when there is a mount point.

/// What the words of all `-o` options say.
struct ExtendedWords: Equatable {
    /// Seconds after which an idle connection is closed; 0 = never.
    var idleTimeoutSeconds = 0
    /// Unsent log lines of one watcher, in bytes.
    var watcherBufferBytes = 256 << 10
    var trackSizes = false
    var allowsDebugCommands = false
    /// Bounds on what clients may make the server hold, in bytes; nil = the default.
    var lineLengthMax: Int?
    var getLineLengthMax: Int?
    var getKeysMax: Int?
    var inputHeldMaxBytes: Int?
    var outputHeldMaxBytes: Int?
    var halfSentMaxBytes: Int?
    /// The same in watchers and prefixes.
    var watcherCountMax: Int?
    var prefixCountMax: Int?
    var hasMetadataKeys = false
    var mount = MountWords()
    /// Words that were accepted and change nothing here.
    var meaningless: [String] = []
    /// What they and the others change in `stats settings`.
    var settingLines: [String: String] = [:]

    /// Reads the words.
    ///
    /// - Parameter lists: the values of all `-o`, each a comma list.
    /// - Parameter mounts: mount options are allowed.
    /// - Throws: StartFailure, status 1, for an unknown word or a wrong value.
    static func parse(_ lists: [String], mounts: Bool) throws(StartFailure) -> ExtendedWords {
        var result = ExtendedWords()
        for list in lists {
            // A comma at the end is allowed, an empty word elsewhere is not.
            let words = list.split(separator: ",", omittingEmptySubsequences: false)
            for word in words.last == "" ? words.dropLast() : words[...] {
                let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                try result.take(
                    name: String(parts[0]), value: parts.count == 2 ? String(parts[1]) : nil, mounts: mounts)
            }
        }
        try result.judgeShares()
        return result
    }

    /// - Throws: StartFailure, status 64, when two shares of memory are more than memcached allows.
    private func judgeShares() throws(StartFailure) {
        let shares = ["hot_lru_pct", "warm_lru_pct"].compactMap { settingLines[$0].flatMap { Int($0) } }
        if shares.count == 2, shares[0] + shares[1] > 80 {
            throw StartFailure("hot_lru_pct + warm_lru_pct cannot be more than 80% combined", .usage)
        }
    }

    private mutating func take(name: String, value: String?, mounts: Bool) throws(StartFailure) {
        noteSettings(name: name, value: value)
        switch name {
        case "relaxed_privileges": break
        case "debug_commands": allowsDebugCommands = true
        case "metadata_keys": hasMetadataKeys = true
        case "track_sizes": trackSizes = true
        case "idle_timeout": idleTimeoutSeconds = try Self.number(name, value, 0...Int(UInt32.max))
        case "line_max": lineLengthMax = try Self.number(name, value, 2...(1 << 10)) << 10
        case "watchers_max": watcherCountMax = try Self.number(name, value, 1...1000)
        case "detail_prefixes_max": prefixCountMax = try Self.number(name, value, 1...(1 << 24))
        case "get_line_max": getLineLengthMax = try Self.number(name, value, 4...(1 << 20)) << 10
        case "get_keys_max": getKeysMax = try Self.number(name, value, 1...(1 << 30))
        case "input_max": inputHeldMaxBytes = try Self.number(name, value, 1...(1 << 20)) << 20
        case "output_max": outputHeldMaxBytes = try Self.number(name, value, 1...(1 << 20)) << 20
        case "half_sent_max": halfSentMaxBytes = try Self.number(name, value, 1...(1 << 20)) << 20
        case "watcher_logbuf_size": watcherBufferBytes = try Self.number(name, value, 1...(1 << 20)) << 10
        default:
            if mounts, try mount.take(name: name, value: value) { return }
            if !mounts {
                var words = MountWords()
                if try words.take(name: name, value: value) {
                    throw StartFailure("-o \(name) needs a mount point", .wrongValue)
                }
            }
            guard let rule = ExtendedRule.all[name] else {
                throw StartFailure("Illegal suboption \"\(name)\"", .wrongValue)
            }
            try rule.judge(name, value)
            meaningless.append(name)
        }
    }

    static func number(_ name: String, _ value: String?, _ range: ClosedRange<Int>) throws(StartFailure) -> Int {
        guard let value else { throw StartFailure("Missing argument for suboption \"\(name)\"", .wrongValue) }
        guard let number = Int(value), range.contains(number) else {
            throw StartFailure(
                "-o \(name)=\(value): expected a number from \(range.lowerBound) to \(range.upperBound)", .wrongValue)
        }
        return number
    }
}
