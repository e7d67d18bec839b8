// PortMetrics+Commands: what clients asked for, and what they got.
import MemStore

extension PortMetrics {
    static let commands: [Source] = [
        counter("cmd_get", "Keys read.") { $0.counters.getHits &+ $0.counters.getMisses },
        counter("cmd_set", "Values stored.") { $0.counters.sets.value },
        counter("cmd_flush", "flush_all commands.") { $0.counters.flushes.value },
        counter("cmd_touch", "Keys touched.") { $0.counters.touchHits &+ $0.counters.touchMisses },
        counter("cmd_meta", "Meta commands.") { $0.counters.metaCommands.value },
        counter("get_hits", "Keys read that were there.") { $0.counters.getHits.value },
        counter("get_misses", "Keys read that were not there.") { $0.counters.getMisses.value },
        counter("get_expired", "Keys read whose time was over.") { $0.counters.getExpired.value },
        counter("get_flushed", "Keys read that flush_all had removed.") { $0.counters.getFlushed.value },
        counter("delete_misses", "Deletions of what was not there.") { $0.counters.deleteMisses.value },
        counter("delete_hits", "Deletions.") { $0.counters.deleteHits.value },
        counter("incr_misses", "Increments of what was not there.") { $0.counters.incrMisses.value },
        counter("incr_hits", "Increments.") { $0.counters.incrHits.value },
        counter("decr_misses", "Decrements of what was not there.") { $0.counters.decrMisses.value },
        counter("decr_hits", "Decrements.") { $0.counters.decrHits.value },
        counter("cas_misses", "cas commands on what was not there.") { $0.counters.casMisses.value },
        counter("cas_hits", "cas commands that stored.") { $0.counters.casHits.value },
        counter("cas_badval", "cas commands with another version.") { $0.counters.casBadValues.value },
        counter("touch_hits", "Keys touched that were there.") { $0.counters.touchHits.value },
        counter("touch_misses", "Keys touched that were not there.") { $0.counters.touchMisses.value },
        counter("store_too_large", "Values refused for their size.") { $0.counters.storesTooLarge.value },
        counter("store_no_memory", "Values refused for want of memory.") { $0.counters.storesWithoutMemory.value },
        counter("auth_cmds", "Attempts to authenticate.") { $0.counters.authCommands.value },
        counter("auth_errors", "Attempts to authenticate that failed.") { $0.counters.authErrors.value },
        counter("idle_kicks", "Connections closed for their silence.", if: kicks) { $0.net.idleKicks.value },
        counter("bytes_read", in: .bytes, "Bytes received.") { $0.net.bytesRead.value },
        counter("bytes_written", in: .bytes, "Bytes sent.") { $0.net.bytesWritten.value },
    ]

    private static func kicks(_ snapshot: PortSnapshot) -> Bool { snapshot.configuration.idleTimeoutSeconds > 0 }

    static let server = joined(
        limit, absent(["accepting_conns"], as: "1"), absent(["listen_disabled_num", "time_in_listen_disabled_us"]),
        workers, absent(["hash_is_expanding"]))

    private static let limit: [Source] = [
        gauge("limit_maxbytes", in: .bytes, of: .store, "The limit of memory.") {
            UInt64(clamping: $0.stored.memoryLimitBytes)
        }
    ]

    private static let workers: [Source] = [
        gauge("threads", "Workers.") { UInt64(clamping: $0.configuration.workerCount) },
        counter("conn_yields", "Turns that ended so that others were served.") { $0.net.yields.value },
        // The nearest figure: the power of two that holds the index.
        word("hash_power_level", "Bits of the size of memcached's hash table.") {
            "\(max(16, Int.bitWidth - max(1, $0.stored.indexBytes / 8).leadingZeroBitCount))"
        },
        gauge("hash_bytes", in: .bytes, of: .store, "Memory of the index.") { UInt64(clamping: $0.stored.indexBytes) },
    ]
}
