// ItemDump: walking through all cache items in slices, for the commands that list keys.

/// Where a walk through the items goes on. It stays right while the index grows: an item that is there throughout is
/// shown once.
public struct DumpCursor: Sendable {
    var shard = 0
    var position: UInt64 = 0
    /// The walk is over.
    public internal(set) var isAtEnd = false
    /// A walk from the first item on.
    public init() {}
}

/// An item as a dump shows it; `key` is valid during the callback.
public struct DumpedItem {
    public var key: Bytes
    public var flags: UInt32
    public var exptime: Exptime
    public var lastAccessSecond: UInt32
    public var cas: UInt64
    public var wasFetched: Bool
    public var isBinaryKey: Bool
    public var valueLength: Int
    /// By memcached's formula (`ItemSize`).
    public var sizeBytes: Int
}

extension StoreSession {
    /// Calls `body` for about `countMax` of the items from the cursor on, without counting an access; expired ones are left
    /// out. A shard's lock is held meanwhile: only copy.
    public func dumpItems(_ cursor: inout DumpCursor, countMax: Int, _ body: (DumpedItem) -> Void) {
        guard cursor.shard < shared.shardCount else {
            cursor.isAtEnd = true
            return
        }
        let shard = shard(number: cursor.shard)
        shard.lock()
        let next = shard.dumpItems(from: cursor.position, countMax: countMax, now: state.nowSecond, body)
        shard.unlock()
        if let next {
            cursor.position = next
            return
        }
        cursor.shard += 1
        cursor.position = 0
        cursor.isAtEnd = cursor.shard == shared.shardCount
    }
}

extension Shard {
    fileprivate func dumpItems(
        from position: UInt64, countMax: Int, now: UInt32, _ body: (DumpedItem) -> Void
    ) -> UInt64? {
        var seen = 0
        return state.index.forEachReference(from: position) { reference in
            let record = self.record(at: reference)
            // A group may begin before the position when the index has grown meanwhile.
            guard Index.position(self.hash(of: record)) >= position, !record.exptime.isDue(at: now) else { return }
            seen += 1
            body(
                DumpedItem(
                    key: record.key, flags: record.flags, exptime: record.exptime,
                    lastAccessSecond: record.lastAccessSecond, cas: record.cas(base: self.casBase(of: reference)),
                    wasFetched: record.meta.contains(.fetched), isBinaryKey: record.meta.contains(.binaryKey),
                    valueLength: record.valueLength, sizeBytes: self.itemBytes(record)))
        } until: {
            seen >= countMax
        }
    }
}
