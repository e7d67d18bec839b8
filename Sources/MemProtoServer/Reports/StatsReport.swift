// StatsReport: the lines of `stats`, in memcached's names and order.
import Glibc
import MemNet
import MemStore

/// What a report is made of.
struct StatsReport {
    let configuration: ServerConfiguration
    let store: StoreConfiguration
    let stored: StoreStatistics
    let counters: CommandCounters
    let net: NetCounters
    let counts: SharedCounts<ServerState.CountName>
    let connectionCounts: SharedCounts<ServedProtocol.CountName>
    let servingWorkers: Int
    let acceptErrors: UInt64
    let uptimeSeconds: UInt32
    let prefixCount: Int
    /// Each becomes `STAT <name> <value>`.
    private(set) var lines: [(name: String, value: String)] = []

    init(_ shared: ServerState) {
        configuration = shared.configuration
        store = shared.store.configuration
        stored = shared.store.statistics()
        let sums = shared.sumOfCounters()
        counters = sums.commands
        net = sums.net
        counts = shared.counts
        connectionCounts = shared.connectionCounts
        servingWorkers = shared.pool.servingCount
        acceptErrors = shared.pool.counts[.acceptErrors]
        prefixCount = shared.prefixCounts.count
        uptimeSeconds = shared.store.clock.nowSeconds &- shared.startSecond
    }

    mutating func add(_ name: String, _ value: some BinaryInteger) { lines.append((name, "\(value)")) }
    mutating func add(_ name: String, _ counter: Counter) { add(name, counter.value) }
    private mutating func add(_ name: String, text: String) { lines.append((name, text)) }

    /// The general statistics.
    mutating func general() -> [(name: String, value: String)] {
        addProcess()
        addConnections()
        addCommands()
        addServer()
        addSlabMoves()
        addLog()
        addItems()
        return lines
    }

    private mutating func addProcess() {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        add("pid", getpid())
        add("uptime", uptimeSeconds)
        add("time", time(nil))
        add("version", text: configuration.version)
        add("libevent", text: "none")
        add("pointer_size", Int.bitWidth)
        add("rusage_user", text: Self.text(usage.ru_utime))
        add("rusage_system", text: Self.text(usage.ru_stime))
    }

    private static func text(_ time: timeval) -> String {
        let fraction = String(time.tv_usec)
        return "\(time.tv_sec)." + String(repeating: "0", count: max(0, 6 - fraction.count)) + fraction
    }

    private mutating func addConnections() {
        add("max_connections", configuration.connectionsMax)
        add("curr_connections", connectionCounts[.connections])
        add("total_connections", connectionCounts[.connectionsTotal])
        if configuration.rejectsAtOnce { add("rejected_connections", connectionCounts[.rejected]) }
        add("connection_structures", connectionCounts[.connections])
        for name in ["response_obj_oom", "response_obj_count", "response_obj_bytes"] { add(name, 0) }
        let bufferBytes = configuration.workerCount * (NetLimits.readBufferBytes + NetLimits.keptInputJoinMax)
        add("read_buf_count", configuration.workerCount)
        add("read_buf_bytes", bufferBytes)
        add("read_buf_bytes_free", 0)
        add("read_buf_oom", 0)
        add("reserved_fds", configuration.workerCount * 2 + 4)
    }

    private mutating func addCommands() {
        let all = counters
        add("cmd_get", all.getHits &+ all.getMisses)
        add("cmd_set", all.sets)
        add("cmd_flush", all.flushes)
        add("cmd_touch", all.touchHits &+ all.touchMisses)
        add("cmd_meta", all.metaCommands)
        add("get_hits", all.getHits)
        add("get_misses", all.getMisses)
        add("get_expired", all.getExpired)
        add("get_flushed", all.getFlushed)
        add("delete_misses", all.deleteMisses)
        add("delete_hits", all.deleteHits)
        add("incr_misses", all.incrMisses)
        add("incr_hits", all.incrHits)
        add("decr_misses", all.decrMisses)
        add("decr_hits", all.decrHits)
        add("cas_misses", all.casMisses)
        add("cas_hits", all.casHits)
        add("cas_badval", all.casBadValues)
        add("touch_hits", all.touchHits)
        add("touch_misses", all.touchMisses)
        add("store_too_large", all.storesTooLarge)
        add("store_no_memory", all.storesWithoutMemory)
        add("auth_cmds", all.authCommands)
        add("auth_errors", all.authErrors)
        if configuration.idleTimeoutSeconds > 0 { add("idle_kicks", net.idleKicks) }
        add("bytes_read", net.bytesRead)
        add("bytes_written", net.bytesWritten)
    }

    private mutating func addServer() {
        add("limit_maxbytes", stored.memoryLimitBytes)
        add("accepting_conns", 1)
        add("listen_disabled_num", 0)
        add("time_in_listen_disabled_us", 0)
        add("threads", configuration.workerCount)
        add("conn_yields", net.yields)
        // The nearest figure: the power of two that holds the index.
        add("hash_power_level", max(16, Int.bitWidth - max(1, stored.indexBytes / 8).leadingZeroBitCount))
        add("hash_bytes", stored.indexBytes)
        add("hash_is_expanding", 0)
    }

    private mutating func addSlabMoves() {
        guard configuration.setting("slab_reassign", else: "yes") == "yes" else { return }
        for name in [
            "slab_reassign_rescues", "slab_reassign_chunk_rescues", "slab_reassign_inline_reclaim",
            "slab_reassign_busy_items", "slab_reassign_busy_deletes", "slab_reassign_busy_nomem",
        ] { add(name, 0) }
        add("slab_reassign_last_busy_status", text: "none")
        add("slab_reassign_running", 0)
        add("slabs_moved", 0)
    }

    private mutating func addLog() {
        if configuration.setting("lru_crawler", else: "yes") == "yes" {
            add("lru_crawler_running", 0)
            add("lru_crawler_starts", 0)
        }
        if configuration.hasMaintainer { add("lru_maintainer_juggles", 0) }
        add("malloc_fails", 0)
        add("log_worker_dropped", counts[.logDropped])
        add("log_worker_written", counts[.logWritten])
        add("log_watcher_skipped", counts[.logSkipped])
        add("log_watcher_sent", counts[.logSent])
        add("log_watchers", counts[.watchers])
        add("unexpected_napi_ids", 0)
        add("round_robin_fallback", 0)
    }

    private mutating func addItems() {
        add("bytes", stored.itemBytes)
        add("curr_items", stored.itemCount)
        add("total_items", stored.itemsStoredTotal)
        add("slab_global_page_pool", 0)
        add("expired_unfetched", stored.expiredUnfetched)
        add("evicted_unfetched", stored.evictedUnfetched)
        if configuration.hasMaintainer { add("evicted_active", 0) }
        add("evictions", stored.evictions)
        add("reclaimed", stored.reclaimed)
        add("crawler_reclaimed", stored.crawlerReclaimed)
        add("crawler_items_checked", stored.crawlerChecked)
        add("lrutail_reflocked", 0)
        guard configuration.hasMaintainer else { return }
        for name in ["moves_to_cold", "moves_to_warm", "moves_within_lru", "direct_reclaims", "lru_bumps_dropped"] {
            add(name, 0)
        }
    }

    // MARK: ours

    private static func microseconds(_ nanoseconds: Int) -> Int { (nanoseconds + 999) / 1000 }

    /// `stats memfis`: what memcached has no name for.
    mutating func memfis(held: ConnectionMemory) -> [(name: String, value: String)] {
        add("memory_limit_bytes", stored.memoryLimitBytes)
        add("memory_allowance_bytes", stored.memoryAllowanceBytes)
        add("memory_used_bytes", stored.memoryUsedBytes)
        add("memory_live_bytes", stored.memoryLiveBytes)
        add("index_bytes", stored.indexBytes)
        add("held_by_readers_bytes", stored.heldByReadersBytes)
        add("evictable_bytes", stored.evictableBytes)
        add("file_bytes", stored.fileBytes)
        add("file_evictions", stored.fileEvictions)
        add("slices", stored.sliceCount)
        add("slice_us_max", Self.microseconds(stored.sliceNanosecondsMax.max() ?? 0))
        add("slice_us_9999", Self.microseconds(stored.sliceNanoseconds9999))
        for kind in SliceKind.allCases {
            add("slice_us_max_\(kind)", Self.microseconds(stored.sliceNanosecondsMax[kind.rawValue]))
        }
        add("files", stored.fileCount)
        add("directories", stored.directoryCount)
        add("other_nodes", stored.otherNodeCount)
        add("published_bytes", stored.publishedBytes)
        add("file_absent", counters.filesAbsent)
        add("file_denied", counters.filesDenied)
        add("file_unpublished", counters.filesUnpublished)
        add("file_not_regular", counters.filesNotRegular)
        add("file_nowhere", counters.filesNowhere)
        add("file_expired", counters.filesExpired)
        add("workers_serving", servingWorkers)
        add("coherence_waits", net.parkings)
        add("coherence_timeouts", net.parkingTimeouts)
        add("output_stalls", net.outputStalls)
        add("slow_readers_closed", net.slowReadersClosed)
        add("lines_too_long", counters.linesTooLong)
        add("gets_too_long", counters.getsTooLong)
        add("binary_closed", counters.binaryClosed)
        add("http_closed", counters.browsersClosed)
        add("input_held_bytes", held.input)
        add("input_held_closed", net.inputClosed)
        add("output_held_bytes", held.output)
        add("output_held_closed", net.outputClosed)
        add("half_sent_bytes", held.halfSent)
        add("half_sent_closed", net.halfSentClosed)
        add("detail_prefixes", prefixCount)
        add("accept_errors", acceptErrors)
        return lines
    }
}
