// ExtendedWords: the words of `-o`: memcached's, memfisd's own, and mount
// options when there is a mount point.

/// What the words of all `-o` options say.
struct ExtendedWords: Equatable {
    /// Seconds after which an idle connection is closed; 0 = never.
    var idleTimeoutSeconds = 0
    /// Unsent log lines of one watcher, in bytes.
    var watcherBufferBytes = 256 << 10
    /// memcached's unit of a chunk in KiB; only its rule about -I is kept.
    var trackSizes = false
    var allowsDebugCommands = false
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
            for word in list.split(separator: ",") {
                let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                try result.take(
                    name: String(parts[0]), value: parts.count == 2 ? String(parts[1]) : nil, mounts: mounts)
            }
        }
        return result
    }

    private mutating func take(name: String, value: String?, mounts: Bool) throws(StartFailure) {
        noteSettings(name: name, value: value)
        switch name {
        case "relaxed_privileges": break
        case "debug_commands": allowsDebugCommands = true
        case "metadata_keys": hasMetadataKeys = true
        case "track_sizes": trackSizes = true
        case "idle_timeout": idleTimeoutSeconds = try Self.number(name, value, 0...Int(UInt32.max))
        case "watcher_logbuf_size": watcherBufferBytes = try Self.number(name, value, 1...(1 << 20)) << 10
        default:
            if mounts, try mount.take(name: name, value: value) { return }
            guard let takesValue = Self.meaningless[name] else {
                throw StartFailure("Illegal suboption \"\(name)\"", .wrongValue)
            }
            if takesValue == .required, value == nil {
                throw StartFailure("Missing argument for suboption \"\(name)\"", .wrongValue)
            }
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

    private enum ValueRule { case none, optional, required }

    /// memcached's words that tune what this store does not have.
    private static let meaningless: [String: ValueRule] = [
        "maxconns_fast": .none, "no_maxconns_fast": .none, "hashpower": .required, "no_hashexpand": .none,
        "slab_reassign": .none, "no_slab_reassign": .none, "slab_automove": .optional, "no_slab_automove": .none,
        "slab_automove_ratio": .required, "slab_automove_window": .required, "slab_automove_freeratio": .required,
        "tail_repair_time": .required, "hash_algorithm": .required, "lru_crawler": .none, "no_lru_crawler": .none,
        "lru_crawler_sleep": .required, "lru_crawler_tocrawl": .required, "lru_maintainer": .none,
        "no_lru_maintainer": .none, "hot_lru_pct": .required, "warm_lru_pct": .required, "hot_max_factor": .required,
        "warm_max_factor": .required, "temporary_ttl": .required, "worker_logbuf_size": .required,
        "slab_sizes": .required, "slab_chunk_max": .required, "inline_ascii_resp": .none,
        "no_inline_ascii_resp": .none, "modern": .none, "no_modern": .none, "no_chunked_items": .none,
        "resp_obj_mem_limit": .required, "read_buf_mem_limit": .required, "drop_privileges": .none,
        "no_drop_privileges": .none, "sock_cookie_id": .required,
    ]
}
