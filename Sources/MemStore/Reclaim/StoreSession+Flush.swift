// Flush: how flush_all empties the shards. Whole logs and the index go; no record is looked at but those with contents.
import CShims
import Glibc

extension StoreSession {
    /// memcached's flush_all: at `second` of the store's clock (nil: at once) all cache items stored before are gone. Files
    /// stay. A later call replaces one that is pending.
    public func flushItems(at second: UInt32?) {
        guard let second, second > state.nowSecond else {
            unsafe cs_store32(&shared.flushSecond, 0)
            return dropItems(storedBefore: state.nowSecond)
        }
        unsafe cs_store32(&shared.flushSecond, second)
    }

    /// Carries a pending flush_all out, once.
    func flushDueItems(_ now: UInt32) {
        shared.flushLock.lock()
        let flush = unsafe cs_load32(&shared.flushSecond)
        let isDue = flush != 0 && flush <= now
        if isDue { unsafe cs_store32(&shared.flushSecond, 0) }
        shared.flushLock.unlock()
        if isDue { dropItems(storedBefore: flush) }
    }

    private func dropItems(storedBefore second: UInt32) {
        for number in 0..<shared.shardCount {
            let shard = shard(number: number)
            shared.slices.measure(.release) {
                shard.lock()
                shard.dropItems(storedBefore: second)
                shard.unlock()
            }
        }
    }
}

extension Shard {
    /// Removes all cache items. Some of those that were not used since `second` are remembered: a command that looks for one
    /// of them counts it as flushed. Source: memcached 1.6.45's statistics.
    func dropItems(storedBefore second: UInt32) {
        var noted = 0
        for kind in [LogKind.probation, .main] {
            countFiles(bytes: log(kind).attachedBytes)
            if state.compaction.segment != 0, arena[state.compaction.segment].log == kind {
                state.compaction = Compaction()
            }
            var segment = log(kind).oldest
            while segment != 0 {
                let next = arena[segment].next
                if arena[segment].attachedBytes > 0 || noted < TombstoneCache.placeCount {
                    visitRecords(of: segment) { reference in
                        let record = self.record(at: reference)
                        if noted < TombstoneCache.placeCount, record.lastAccessSecond < second {
                            self.state.departed.insert(self.hash(of: record), .flushed)
                            noted += 1
                        }
                        if let content = record.content { self.release(content) }
                    }
                }
                removeFromDeadList(segment)
                giveBack(segment: segment)
                segment = next
            }
            state.logs[Int(kind.rawValue)] = LogState()
        }
        arena.charge(bytes: -state.index.sizeBytes)
        state.index.reset()
        arena.charge(bytes: state.index.sizeBytes)
        state.statistics.itemCount = 0
        state.statistics.itemBytes = 0
        state.statistics.expiringCount = 0
    }
}
