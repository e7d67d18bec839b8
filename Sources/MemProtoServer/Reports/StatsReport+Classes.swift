// `stats items` and `stats slabs`: memcached's statistics by size class, for a store that has none. Items are counted for
// the class that memcached would give them; a figure that has no class stands with one class, always the same
// (`ClassFigures`), so that the sums over all classes are right.
import MemStore

extension StatsReport {
    /// `stats items`: the lines of the classes that hold items, and of the one that has the wholes.
    mutating func items(_ totals: [Dump.ClassTotal], now: UInt32, _ figures: ClassFigures) -> [(
        name: String, value: String
    )] {
        let wholes = figures.classOfWholes(totals)
        let isEmpty = !totals.contains { $0.count > 0 }
        for (number, total) in totals.enumerated() where total.count > 0 || number == wholes && !isEmpty {
            let name = "items:\(number):"
            func whole(_ count: Int) -> Int { number == wholes ? count : 0 }
            add(name + "number", total.count)
            if snapshot.configuration.hasMaintainer {
                addZeros(name, ["number_hot", "number_warm"])
                add(name + "number_cold", total.count)
                addZeros(name, ["age_hot", "age_warm"])
            }
            add(name + "age", now &- min(now, total.oldestSecond))
            add(name + "mem_requested", total.bytes)
            add(name + "evicted", whole(snapshot.stored.evictions))
            add(name + "evicted_nonzero", whole(snapshot.stored.evictedExpiring))
            add(name + "evicted_time", whole(snapshot.stored.lastEvictedIdleSeconds))
            add(name + "outofmemory", whole(Int(snapshot.counters.storesWithoutMemory.value)))
            addZeros(name, ["tailrepairs"])
            add(name + "reclaimed", whole(snapshot.stored.reclaimed))
            add(name + "expired_unfetched", whole(snapshot.stored.expiredUnfetched))
            add(name + "evicted_unfetched", whole(snapshot.stored.evictedUnfetched))
            if snapshot.configuration.hasMaintainer { addZeros(name, ["evicted_active"]) }
            add(name + "crawler_reclaimed", whole(snapshot.stored.crawlerReclaimed))
            add(name + "crawler_items_checked", whole(snapshot.stored.crawlerChecked))
            addZeros(name, ["lrutail_reflocked"])
            guard snapshot.configuration.hasMaintainer else { continue }
            addZeros(
                name,
                [
                    "moves_to_cold", "moves_to_warm", "moves_within_lru", "direct_reclaims", "hits_to_hot",
                    "hits_to_warm",
                ])
            add(name + "hits_to_cold", whole(Int(snapshot.counters.getHits.value)))
            addZeros(name, ["hits_to_temp"])
        }
        return lines
    }

    /// `stats slabs`: the pages and chunks that memcached would need. A class that has counted something stays, as there.
    mutating func slabs(_ totals: [Dump.ClassTotal], _ figures: ClassFigures) -> [(name: String, value: String)] {
        let wholes = figures.classOfWholes(totals)
        var active = 0
        var allPages = 0
        for (number, total) in totals.enumerated() where total.count > 0 || number == wholes {
            active += 1
            let chunkSize = SlabClass.chunkSizes[number - 1]
            let perPage = SlabClass.pageSizeBytes / chunkSize
            let used = chunkSize == SlabClass.chunkSizeMax ? max(total.count, total.bytes / chunkSize) : total.count
            let pages = max(1, (used + perPage - 1) / perPage)
            allPages += pages
            add("\(number):chunk_size", chunkSize)
            add("\(number):chunks_per_page", perPage)
            add("\(number):total_pages", pages)
            add("\(number):total_chunks", pages * perPage)
            add("\(number):used_chunks", used)
            add("\(number):free_chunks", pages * perPage - used)
            add("\(number):free_chunks_end", 0)
            for (name, count) in [
                ("get_hits", snapshot.counters.getHits), ("cmd_set", snapshot.counters.sets),
                ("delete_hits", snapshot.counters.deleteHits),
                ("incr_hits", snapshot.counters.incrHits), ("decr_hits", snapshot.counters.decrHits),
                ("cas_hits", snapshot.counters.casHits),
                ("cas_badval", snapshot.counters.casBadValues), ("touch_hits", snapshot.counters.touchHits),
            ] { add("\(number):" + name, number == wholes ? count : 0) }
        }
        add("active_slabs", active)
        // Pages are not given back: the figure rises by whole ones, and only when items need more than they ever did.
        add("total_malloced", figures.pagesMax(with: allPages) * SlabClass.pageSizeBytes)
        return lines
    }

    private mutating func addZeros(_ prefix: String, _ names: [String]) {
        for name in names { add(prefix + name, 0) }
    }
}
