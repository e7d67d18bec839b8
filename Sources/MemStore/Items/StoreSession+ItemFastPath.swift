// The two commonest ways through the store: reading a small item, and setting one whose record has the right size. What is
// not as common goes the general way (Items.swift, Items+Store.swift), which does the same.
import CShims
import Glibc

/// A small value in place, in few enough words to be returned in registers.
///
/// SAFETY: of a hit the value is lent: the shard is locked, so nothing moves it, until `endGet`.
@safe public struct QuickView {
    /// The value; nil when there is none to be shown this way.
    @usableFromInline let base: UnsafeRawPointer?
    @usableFromInline let length: UInt32
    /// The inode's number when `isLeft`.
    public let flags: UInt32
    /// 0 unless it was asked for.
    public let cas: UInt64
    /// Whose lock is held.
    @usableFromInline let shard: Int32
    /// Whether the item is there, or why not.
    public let presence: Presence

    /// The value is shown: the shard stays locked until `endGet`.
    @inlinable public var isHit: Bool { unsafe base != nil }
    /// The key was looked for in vain: nothing is locked, and there is no need to look again.
    @inlinable public var isMiss: Bool { presence != .present }
    /// A file was found whose value is not shown this way: the shard stays locked, `beginGet(_:hash:after:)` must follow.
    @inlinable public var isLeft: Bool { unsafe base == nil && shard >= 0 }
    /// The value's bytes; copy them before `endGet`.
    @inlinable public var value: Bytes { unsafe Bytes(base, count: Int(length)) }

    @unsafe @inline(__always)
    init(
        _ base: UnsafeRawPointer?, length: Int = 0, flags: UInt32 = 0, cas: UInt64 = 0, shard: Int32 = -1,
        presence: Presence = .present
    ) {
        unsafe self.base = base
        self.length = UInt32(truncatingIfNeeded: length)
        self.flags = flags
        self.cas = cas
        self.shard = shard
        self.presence = presence
    }
}

extension StoreSession {
    /// Finds a small item or a small file in a remembered directory, as `beginGet` does. Neither a hit nor a miss: ask
    /// `beginGet(_:hash:after:)`, since the value is large, or there is more to find out about a file.
    public func beginQuickGet(_ key: Bytes, hash: UInt64, withCas: Bool) -> QuickView {
        if shared.prefixes.matches(key) { return beginQuickGet(lookUp(key), withCas: withCas) }
        let shard = shard(ofHash: hash)
        shard.lock()
        var presence = Presence.missing
        guard let reference = shard.find(key, hash, now: state.nowSecond, &presence) else {
            shard.unlock()
            return unsafe QuickView(nil, presence: presence)
        }
        let segment = shard.segment(of: reference)
        let record = unsafe Record(at: arena.address(ofSegment: segment) + shard.offset(of: reference))
        if record.meta.contains(.content) {
            shard.unlock()
            return unsafe QuickView(nil)
        }
        record.use(at: state.nowSecond)
        shard.state.hits[Int(arena[segment].log.rawValue)] &+= 1
        return unsafe QuickView(
            record.inlineValueStart, length: record.inlineValue.count, flags: record.flags,
            cas: withCas ? record.cas(base: arena[segment].casBase) : 0, shard: Int32(shard.number))
    }

    /// Ends the loan of a hit.
    public func endGet(_ view: QuickView) {
        precondition(view.shard >= 0, "a loan is ended that was not made")
        shard(number: Int(view.shard)).unlock()
    }

    /// Sets an item in place, if there is one whose record has room for just this. False: nothing was done, `store` it.
    ///
    /// The item keeps its place in its queue, where a new record would be the youngest; so the set counts as a use, which
    /// saves it once when its turn to go comes.
    public func overwrite(_ key: Bytes, hash: UInt64, value: Bytes, flags: UInt32, exptime: Exptime) -> Bool {
        if shared.prefixes.matches(key) { return false }
        let shard = shard(ofHash: hash)
        shard.lock()
        defer { shard.unlock() }
        guard let found = shard.state.index.find(hash, { shard.record(at: $0).hasKey(key) }) else { return false }
        let reference = found.line.reference(found.place)
        let segment = shard.segment(of: reference)
        let record = unsafe Record(at: arena.address(ofSegment: segment) + shard.offset(of: reference))
        let now = state.nowSecond
        guard !record.exptime.isDue(at: now), record.fits(value.count, flags: flags, exptime: exptime) else {
            return false
        }
        let cas = shard.nextCas()
        let base = arena[segment].casBase
        guard !Record.needsWideCas(cas, base: base) else {
            shard.takeBack(cas: cas)
            return false
        }
        shard.state.statistics.itemBytes += value.count - record.valueLength
        shard.state.statistics.itemsStoredTotal += 1
        record.overwrite(
            value, flags: flags, exptime: exptime, casDifference: UInt32(truncatingIfNeeded: cas &- base), now)
        return true
    }
}
