// `stats settings`: memcached's settings in its order. What has no meaning here shows memcached's default, or what the
// operator gave.
import MemStore

extension ServerConfiguration {
    /// A setting as the daemon knows it, else `fallback`.
    func setting(_ name: String, else fallback: String) -> String { settingLines[name] ?? fallback }

    /// memcached's LRU maintainer was not turned off.
    var hasMaintainer: Bool { setting("lru_maintainer_thread", else: "yes") == "yes" }

    /// Connections over the limit are refused at once (memcached's maxconns_fast).
    var rejectsAtOnce: Bool { setting("maxconns_fast", else: "yes") == "yes" }

    /// All lines of `stats settings`.
    func settings(memoryLimitBytes: Int, verbosity: Int, countsPrefixes: Bool) -> [(name: String, value: String)] {
        func yes(_ isSo: Bool) -> String { isSo ? "yes" : "no" }
        let own: [(String, String)] = [
            ("maxbytes", "\(memoryLimitBytes)"), ("maxconns", "\(connectionsMax)"), ("tcpport", "\(tcpPort ?? 0)"),
            ("udpport", "0"), ("inter", listenHosts.isEmpty ? "NULL" : listenHosts.joined(separator: ",")),
            ("verbosity", "\(verbosity)"), ("oldest", "0"), ("evictions", evictsItems ? "on" : "off"),
            ("domain_socket", unixPath ?? "NULL"), ("umask", String(unixMode, radix: 8)),
            ("shutdown_command", yes(allowsShutdown)), ("growth_factor", "1.25"), ("chunk_size", "48"),
            ("num_threads", "\(workerCount)"), ("num_threads_per_udp", "\(workerCount)"),
            ("stat_key_prefix", String(decoding: [prefixDelimiter], as: UTF8.self)),
            ("detail_enabled", yes(countsPrefixes)), ("reqs_per_event", "\(commandsPerTurn ?? 20)"),
            ("cas_enabled", yes(hasCas)), ("tcp_backlog", "\(backlog)"), ("binding_protocol", "auto-negotiate"),
            ("auth_enabled_sasl", "no"), ("auth_enabled_ascii", usersFile ?? "no"),
            ("item_size_max", "\(itemSizeMaxBytes)"), ("maxconns_fast", "yes"), ("hashpower_init", "0"),
            ("slab_reassign", "yes"), ("slab_automove", "1"), ("slab_automove_ratio", "0.80"),
            ("slab_automove_window", "10"), ("slab_chunk_max", "\(SlabClass.chunkSizeMax)"), ("lru_crawler", "yes"),
            ("lru_crawler_sleep", "100"), ("lru_crawler_tocrawl", "0"), ("tail_repair_time", "0"),
            ("flush_enabled", yes(allowsFlush)), ("dump_enabled", yes(allowsDumps)), ("hash_algorithm", "xxh3"),
            ("lru_maintainer_thread", "yes"), ("lru_segmented", "yes"), ("hot_lru_pct", "20"),
            ("warm_lru_pct", "40"), ("hot_max_factor", "0.20"), ("warm_max_factor", "2.00"), ("temp_lru", "no"),
            ("temporary_ttl", "61"), ("idle_timeout", "\(idleTimeoutSeconds)"), ("watcher_logbuf_size", "262144"),
            ("worker_logbuf_size", "65536"), ("read_buf_mem_limit", "0"), ("track_sizes", "no"),
            ("inline_ascii_response", "no"), ("num_napi_ids", "0"), ("memory_file", "(null)"),
            ("client_flags_size", "4"),
        ]
        return own.map { ($0.0, settingLines[$0.0] ?? $0.1) }
    }
}
