// ItemListing: what a door that shows cache items as files asks: their keys in an order that stays, whole values.

/// An item of a listing; `key` is valid during the callback.
public struct ListedItem {
    public var key: Bytes
    public var hash: UInt64
    public var valueLength: Int
    /// Where the listing goes on behind this item; above 0 and below 2^48.
    public var cookie: UInt64
}

/// A cache item as a file shows it.
public struct ItemStatus: Sendable {
    public var valueLength: Int
    public var flags: UInt32
    public var exptime: Exptime
    /// Second of the store's clock.
    public var lastAccessSecond: UInt32
    /// 0 when the store keeps none.
    public var cas: UInt64
}

/// Where a listing goes on: a shard, a position in its index, and how many items of that position were shown.
private struct ListingPlace {
    private static let positionShift: UInt64 = 10
    private static let shardShift: UInt64 = 42
    var shard = 0
    var position: UInt64 = 0
    var shownCount = 0

    init(shard: Int, position: UInt64, shownCount: Int = 0) {
        self.shard = shard
        self.position = position
        self.shownCount = shownCount
    }

    init(cookie: UInt64) {
        shard = Int(cookie >> Self.shardShift)
        position = cookie >> Self.positionShift & 0xffff_ffff
        shownCount = Int(cookie & (1 << Self.positionShift - 1))
    }

    var cookie: UInt64 {
        UInt64(shard) << Self.shardShift | position << Self.positionShift | UInt64(shownCount)
    }
}

extension StoreSession {
    /// The user and the group by whose rights the port reads and writes files.
    public var servingUid: UInt32 { tree.rules.uid }
    /// See `servingUid`.
    public var servingGid: UInt32 { tree.rules.gid }
    /// The unix time of second 0 of the store's clock.
    public var unixOfEpoch: Int64 { tree.unixOfEpoch }

    /// Calls `body` for each cache item behind `cookie` (0 = from the start) until it returns false. Items that exist
    /// throughout are shown exactly once. No lock is held meanwhile.
    public func listItems(behind cookie: UInt64, _ body: (ListedItem) -> Bool) {
        var place = ListingPlace(cookie: cookie)
        while place.shard < shared.shardCount {
            let shard = shard(number: place.shard)
            shard.lock()
            let (items, next) = shard.listedGroup(from: place.position, now: nowSecond)
            shard.unlock()
            guard show(items, from: place, body) else { return }
            place =
                next.map { ListingPlace(shard: place.shard, position: $0) }
                ?? ListingPlace(shard: place.shard + 1, position: 0)
        }
    }

    private func show(
        _ items: [GroupItem], from place: ListingPlace, _ body: (ListedItem) -> Bool
    ) -> Bool {
        var shown = ListingPlace(shard: place.shard, position: .max)
        for item in items {
            let position = Index.position(item.hash)
            shown.shownCount = position == shown.position ? shown.shownCount + 1 : 1
            shown.position = position
            if position == place.position, shown.shownCount <= place.shownCount { continue }
            let goesOn = item.key.withBytes { key in
                body(ListedItem(key: key, hash: item.hash, valueLength: item.valueLength, cookie: shown.cookie))
            }
            guard goesOn else { return false }
        }
        return true
    }

    /// What there is to know of a cache item, without counting a use; nil for a miss and for the key of a file.
    public func itemStatus(_ key: Bytes) -> ItemStatus? {
        readItem(key) { status, _ in status }
    }

    /// A copy of a cache item's value, without counting a use; nil for a miss and for the key of a file.
    public func wholeItem(_ key: Bytes) -> [UInt8]? { itemCopy(key)?.value }

    /// The same with what there is to know of the item as it was then.
    public func itemCopy(_ key: Bytes) -> (status: ItemStatus, value: [UInt8])? {
        guard
            let (status, tail, lease) = readItem(
                key,
                { status, view in
                    (status, view.tail.array, view.headLength > 0 ? self.lease(view) : ContentLease())
                })
        else { return nil }
        var value: [UInt8] = []
        value.reserveCapacity(lease.length + tail.count)
        while value.count < lease.length {
            let run = pinRun(lease, at: value.count, maxLength: lease.length - value.count)
            unsafe value.append(contentsOf: run.buffer)
            unpin(run)
        }
        if !lease.isEmpty { release(lease) }
        return (status, value + tail)
    }

    /// Shows an item to `body` while its shard is locked.
    private func readItem<R>(_ key: Bytes, _ body: (ItemStatus, ItemView) -> R) -> R? {
        if isFileKey(key) { return nil }
        var options = GetOptions()
        options.countsAccess = false
        let view = beginGet(key, hash: hash(key), options: options)
        defer { endGet(view) }
        guard view.isHit else { return nil }
        let status = ItemStatus(
            valueLength: view.size, flags: view.flags, exptime: view.exptime, lastAccessSecond: view.lastAccessSecond,
            cas: view.cas)
        return body(status, view)
    }
}

/// An item of one group of the index.
private struct GroupItem {
    var key: [UInt8]
    var hash: UInt64
    var valueLength: Int
}

extension Shard {
    /// The items of the first group from a position on that has some, in the order of their hashes, and the position behind
    /// it; nil at the end. The shard's lock is held.
    fileprivate func listedGroup(from position: UInt64, now: UInt32) -> ([GroupItem], UInt64?) {
        var items: [GroupItem] = []
        let next = state.index.forEachReference(from: position) { reference in
            let record = self.record(at: reference)
            let hash = self.hash(of: record)
            // A group may begin before the position when the index has grown meanwhile.
            guard Index.position(hash) >= position, !record.exptime.isDue(at: now) else { return }
            items.append(GroupItem(key: record.key.array, hash: hash, valueLength: record.valueLength))
        } until: {
            !items.isEmpty
        }
        // Of one position, the rest of the hash decides, so that the order is the same each time.
        items.sort { (Index.position($0.hash), $0.hash) < (Index.position($1.hash), $1.hash) }
        return (items, next)
    }
}
