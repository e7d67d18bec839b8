// PortMetrics+Items: cache items, and memcached's lines about its slabs, crawler and log.
import MemStore

extension PortMetrics {
    private static func movesSlabs(_ snapshot: PortSnapshot) -> Bool {
        snapshot.configuration.setting("slab_reassign", else: "yes") == "yes"
    }
    private static func hasCrawler(_ snapshot: PortSnapshot) -> Bool {
        snapshot.configuration.setting("lru_crawler", else: "yes") == "yes"
    }
    private static func hasMaintainer(_ snapshot: PortSnapshot) -> Bool { snapshot.configuration.hasMaintainer }

    static let slabMoves = joined(
        absent(
            [
                "slab_reassign_rescues", "slab_reassign_chunk_rescues", "slab_reassign_inline_reclaim",
                "slab_reassign_busy_items", "slab_reassign_busy_deletes", "slab_reassign_busy_nomem",
            ], if: movesSlabs),
        absent(["slab_reassign_last_busy_status"], as: "none", if: movesSlabs),
        absent(["slab_reassign_running", "slabs_moved"], if: movesSlabs))

    static let log = joined(
        absent(["lru_crawler_running", "lru_crawler_starts"], if: hasCrawler),
        absent(["lru_maintainer_juggles"], if: hasMaintainer), absent(["malloc_fails"]), watchers,
        absent(["unexpected_napi_ids", "round_robin_fallback"]))

    private static let watchers: [Source] = [
        counter("log_worker_dropped", "Lines for watchers that were dropped.") { $0.counts[.logDropped] },
        counter("log_worker_written", "Lines made for watchers.") { $0.counts[.logWritten] },
        counter("log_watcher_skipped", "Lines that a slow watcher did not get.") { $0.counts[.logSkipped] },
        counter("log_watcher_sent", "Lines sent to watchers.") { $0.counts[.logSent] },
        gauge("log_watchers", "Watchers.") { $0.counts[.watchers] },
    ]

    static let items = joined(
        stored, absent(["slab_global_page_pool"]), unfetched, absent(["evicted_active"], if: hasMaintainer), removed,
        absent(["lrutail_reflocked"]),
        absent(
            ["moves_to_cold", "moves_to_warm", "moves_within_lru", "direct_reclaims", "lru_bumps_dropped"],
            if: hasMaintainer))

    private static let stored: [Source] = [
        gauge("bytes", in: .bytes, of: .store, "Bytes of items, by memcached's formula.") {
            UInt64(clamping: $0.stored.itemBytes)
        },
        gauge("curr_items", of: .store, "Items.") { UInt64(clamping: $0.stored.itemCount) },
        counter("total_items", of: .store, "Items that were ever stored.") {
            UInt64(clamping: $0.stored.itemsStoredTotal)
        },
    ]

    private static let unfetched: [Source] = [
        counter("expired_unfetched", of: .store, "Items that expired without being read.") {
            UInt64(clamping: $0.stored.expiredUnfetched)
        },
        counter("evicted_unfetched", of: .store, "Items that were evicted without being read.") {
            UInt64(clamping: $0.stored.evictedUnfetched)
        },
    ]

    private static let removed: [Source] = [
        counter("evictions", of: .store, "Items evicted.") { UInt64(clamping: $0.stored.evictions) },
        counter("reclaimed", of: .store, "Expired items replaced or removed on access.") {
            UInt64(clamping: $0.stored.reclaimed)
        },
        counter("crawler_reclaimed", of: .store, "Expired items removed in the background.") {
            UInt64(clamping: $0.stored.crawlerReclaimed)
        },
        counter("crawler_items_checked", of: .store, "Items looked at in the background.") {
            UInt64(clamping: $0.stored.crawlerChecked)
        },
    ]
}
