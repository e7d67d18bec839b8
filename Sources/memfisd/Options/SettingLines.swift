// SettingLines: what options that mean nothing to the store change in `stats settings`, so that an operator finds there what
// was asked for.

extension ExtendedWords {
    /// Settings in KiB on the command line and in bytes in the statistics.
    private static let kibibytes: [String: String] = [
        "slab_chunk_max": "slab_chunk_max", "worker_logbuf_size": "worker_logbuf_size",
        "watcher_logbuf_size": "watcher_logbuf_size",
    ]

    /// The same in MiB.
    private static let mebibytes: [String: String] = ["read_buf_mem_limit": "read_buf_mem_limit"]

    /// Words whose value is shown as it was given, and the setting's name.
    private static let values: [String: String] = [
        "hashpower": "hashpower_init", "slab_automove": "slab_automove", "slab_automove_ratio": "slab_automove_ratio",
        "slab_automove_window": "slab_automove_window", "tail_repair_time": "tail_repair_time",
        "lru_crawler_sleep": "lru_crawler_sleep", "lru_crawler_tocrawl": "lru_crawler_tocrawl",
        "hot_lru_pct": "hot_lru_pct", "warm_lru_pct": "warm_lru_pct", "hot_max_factor": "hot_max_factor",
        "warm_max_factor": "warm_max_factor", "temporary_ttl": "temporary_ttl",
    ]

    /// What words without a value say.
    private static let fixed: [String: [(String, String)]] = [
        "slab_reassign": [("slab_reassign", "yes")], "no_slab_reassign": [("slab_reassign", "no")],
        "no_slab_automove": [("slab_automove", "0")], "lru_crawler": [("lru_crawler", "yes")],
        "no_lru_crawler": [("lru_crawler", "no")],
        "lru_maintainer": [("lru_maintainer_thread", "yes"), ("lru_segmented", "yes")],
        "no_lru_maintainer": [("lru_maintainer_thread", "no"), ("lru_segmented", "no")],
        "temporary_ttl": [("temp_lru", "yes")], "track_sizes": [("track_sizes", "yes")],
        "inline_ascii_resp": [("inline_ascii_response", "yes")],
        "maxconns_fast": [("maxconns_fast", "yes")], "no_maxconns_fast": [("maxconns_fast", "no")],
        "no_modern": [
            ("maxconns_fast", "no"), ("slab_reassign", "no"), ("slab_automove", "0"), ("lru_crawler", "no"),
            ("lru_maintainer_thread", "no"),
            ("lru_segmented", "no"),
        ],
    ]

    /// Remembers what a word of `-o` changes in the statistics. A wrong value is judged elsewhere.
    mutating func noteSettings(name: String, value: String?) {
        for (setting, text) in Self.fixed[name] ?? [] { settingLines[setting] = text }
        guard let value else { return }
        if let setting = Self.values[name] { settingLines[setting] = value }
        if let setting = Self.kibibytes[name], let number = Int(value), number <= 1 << 40 {
            settingLines[setting] = "\(number << 10)"
        }
        if let setting = Self.mebibytes[name], let number = Int(value), number <= 1 << 30 {
            settingLines[setting] = "\(number << 20)"
        }
    }
}

extension Settings {
    /// The same of memcached's letters.
    static func settingLines(_ options: Options) -> [String: String] {
        let factor = String(Int(min(options.memory.slabGrowthFactor, 1e6) * 100 + 0.5))
        let padded = String(repeating: "0", count: max(0, 3 - factor.count)) + factor
        var lines = [
            "growth_factor": padded.dropLast(2) + "." + padded.suffix(2), "chunk_size": "\(options.memory.slabMinSize)",
        ]
        if options.listening.protocol == "ascii" || options.listening.authFile != nil {
            lines["binding_protocol"] = "ascii"
        }
        return lines
    }
}
