// Items: finding and reading cache items.
import CShims
import Glibc

extension StoreSession {
    // MARK: keys

    /// Whether the key begins with a prefix and a slash, and so names a file of the tree (or none).
    public func isFileKey(_ key: Bytes) -> Bool { shared.prefixes.matches(key) }

    /// The hash of a key: XXH3 with the store's random seed.
    public func hash(_ key: Bytes) -> UInt64 { unsafe cs_hash(key.pointer, key.count, shared.seed) }

    /// Hints for a batch: first `prefetchIndex` for every key, then `prefetchRecord`, then the gets.
    public func prefetchIndex(_ hash: UInt64) { shard(ofHash: hash).state.index.prefetch(hash) }
    public func prefetchRecord(_ hash: UInt64) {
        let shard = shard(ofHash: hash)
        let reference = shard.state.index.peek(hash)
        if reference != 0 { shard.prefetch(reference) }
    }

    // MARK: reading

    /// Finds the item or published file of `key`. On a hit the shard stays locked until `endGet(view)`; between the
    /// two calls do nothing but copy. `endGet` is right after a miss too, and does nothing.
    public func beginGet(_ key: Bytes, hash: UInt64) -> ItemView {
        if shared.prefixes.matches(key) { return fileGet(key) }
        var view = ItemView()
        let shard = shard(ofHash: hash)
        shard.lock()
        guard let reference = shard.find(key, hash, now: state.nowSecond, &view.presence) else {
            shard.unlock()
            return view
        }
        shard.show(shard.record(at: reference), at: reference, in: &view)
        shard.use(reference, at: state.nowSecond)
        return view
    }

    /// The same with a touch, a vivify, marks (see `GetOptions`).
    public func beginGet(_ key: Bytes, hash: UInt64, options: GetOptions) -> ItemView {
        if shared.prefixes.matches(key) { return fileGet(key, options: options) }
        let shard = shard(ofHash: hash)
        // The first lookup consumes the reason of an absence: it is kept for the attempts that follow.
        var presence = Presence.missing
        do throws(StoreError) {
            return try withMemory { () throws(StoreError) in
                var view = ItemView()
                view.presence = presence
                shard.lock()
                if let reference = shard.find(key, hash, now: state.nowSecond, &view.presence) {
                    if read(key, hash, reference, in: shard, options, &view) { return .done(view) }
                } else {
                    guard let exptime = options.vivify else {
                        shard.unlock()
                        return .done(view)
                    }
                    if vivify(key, hash, exptime, in: shard, options, &view) { return .done(view) }
                }
                // A new version of the record needs a segment.
                shard.unlock()
                if view.presence != .present { presence = view.presence }
                return .needs(MemoryNeed(segments: 1))
            }
        } catch {
            var refused = ItemView()
            refused.refusal = .noMemory
            return refused
        }
    }

    /// Reads a record with options, under the shard's lock. False: a segment is needed first.
    private func read(
        _ key: Bytes, _ hash: UInt64, _ reference: Reference, in shard: Shard, _ options: GetOptions,
        _ view: inout ItemView
    ) -> Bool {
        var reference = reference
        let record = shard.record(at: reference)
        shard.show(record, at: reference, in: &view)
        if let exptime = options.touch, !record.setExptime(exptime) {
            var fields = record.fields(casBase: shard.casBase(of: reference))
            fields.exptime = exptime
            guard let moved = shard.rewrite(reference, hash, fields, &state.reservation) else { return false }
            reference = moved
            let before = view.exptime
            shard.show(shard.record(at: reference), at: reference, in: &view)
            view.exptimeBefore = before
        }
        if let exptime = options.touch { view.exptime = exptime }
        let current = shard.record(at: reference)
        if options.handlesMarks { handleMarks(current, options, &view) }
        if options.countsAccess { shard.use(reference, at: state.nowSecond) }
        return true
    }

    /// The marks of a stale item and of the one client that may recache it.
    /// Source: memcached's protocol.txt, "meta get", flags R, W, X, Z.
    private func handleMarks(_ record: Record, _ options: GetOptions, _ view: inout ItemView) {
        view.hadWinner = record.meta.contains(.won)
        view.isStale = record.meta.contains(.stale)
        guard !view.hadWinner else { return }
        let exptime = options.recachesBeforeTouch ? view.exptimeBefore : view.exptime
        let left = exptime.secondsLeft(at: state.nowSecond)
        let isDue = options.recacheBelowSeconds.map { exptime != .never && left < $0 } ?? false
        if view.isStale || isDue {
            record.meta.insert(.won)
            view.wins = true
        }
    }

    /// Creates an empty item on a miss. False: a segment is needed first.
    private func vivify(
        _ key: Bytes, _ hash: UInt64, _ exptime: Exptime, in shard: Shard, _ options: GetOptions,
        _ view: inout ItemView
    ) -> Bool {
        var fields = RecordFields(exptime: exptime, cas: options.newCas ?? shard.nextCas())
        if options.isBinaryKey { fields.marks.insert(.binaryKey) }
        if options.countsAccess { fields.marks.insert(.fetched) }
        fields.lastAccessSecond = state.nowSecond
        guard let reference = shard.add(key, hash, fields, .empty, .empty, replacing: nil, &state.reservation) else {
            return false
        }
        view.absence = view.presence
        shard.show(shard.record(at: reference), at: reference, in: &view)
        if options.handlesMarks {
            shard.record(at: reference).meta.insert(.won)
            view.wins = true
        }
        view.isCreated = true
        // The creation is the first fetch, and shows the state before it.
        view.wasFetched = false
        return true
    }

    /// Ends the loan of `beginGet`.
    public func endGet(_ view: ItemView) {
        if view.shard >= 0 { shard(number: Int(view.shard)).unlock() }
    }
}

extension Shard {
    /// The live record of a key. One whose time has come is removed, and `presence` tells; also of one that went before.
    @inline(__always)
    func find(_ key: Bytes, _ hash: UInt64, now: UInt32, _ presence: inout Presence) -> Reference? {
        guard let found = state.index.find(hash, { record(at: $0).hasKey(key) }) else {
            if !state.departed.isEmpty, case let reason = state.departed.take(hash), reason != .missing {
                presence = reason
            }
            return nil
        }
        let reference = found.line.reference(found.place)
        if record(at: reference).exptime.isDue(at: now) {
            presence = .expired
            expire(reference, hash)
            return nil
        }
        presence = .present
        return reference
    }

    /// Counts a use of a record, and the hit of its queue.
    @inline(__always)
    func use(_ reference: Reference, at second: UInt32) {
        record(at: reference).use(at: second)
        state.hits[Int(arena[segment(of: reference)].log.rawValue)] &+= 1
    }

    @inline(__always) func casBase(of reference: Reference) -> UInt64 { arena[segment(of: reference)].casBase }

    /// Fills in a view of a record.
    @inline(__always)
    func show(_ record: Record, at reference: Reference, in view: inout ItemView) {
        let meta = record.meta
        view.presence = .present
        view.shard = Int32(number)
        view.flags = record.flags
        view.cas = record.cas(base: casBase(of: reference))
        view.exptime = record.exptime
        view.exptimeBefore = view.exptime
        view.lastAccessSecond = record.lastAccessSecond
        view.wasFetched = meta.contains(.fetched)
        view.isBinaryKey = meta.contains(.binaryKey)
        if let content = record.content {
            show(content, in: &view)
        } else {
            view.tail = record.inlineValue
            view.size = view.tail.count
        }
    }
}
