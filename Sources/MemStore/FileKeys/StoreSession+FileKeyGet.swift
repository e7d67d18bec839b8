// FileItems: reads of file keys. A published file is shown as an item is.

extension StoreSession {
    /// Finds the published file of a key. On a hit the shard of its inode stays locked until `endGet`.
    func fileGet(_ key: Bytes) -> ItemView {
        var view = ItemView()
        let tree = tree
        tree.lock.lockShared(treeSlot)
        let served = lockServed(key, &view)
        tree.lock.unlockShared(treeSlot)
        guard let (inode, shard) = served else { return missed(key, view) }
        show(inode, shard, in: &view)
        countAccess(inode)
        return view
    }

    /// The same with a touch, a vivify, marks (see `GetOptions`).
    func fileGet(_ key: Bytes, options: GetOptions) -> ItemView {
        fileGet(key, options, isCreated: false)
    }

    private func fileGet(_ key: Bytes, _ options: GetOptions, isCreated: Bool) -> ItemView {
        var view = ItemView()
        if options.touch != nil, !mayTouch(&view) { return view }
        let tree = tree
        tree.lock.lockShared(treeSlot)
        guard let (inode, shard) = lockServed(key, &view) else {
            tree.lock.unlockShared(treeSlot)
            guard let exptime = options.vivify else { return missed(key, view) }
            return vivify(key, exptime, options)
        }
        let exptimeBefore = inode.fields.exptime
        if let exptime = options.touch {
            guard tree.rules.allows(Access.write, inode) else {
                shard.unlock()
                tree.lock.unlockShared(treeSlot)
                view.presence = .missing
                view.refusal = .permissionDenied
                return view
            }
            touch(inode, shard, exptime, &view)
        }
        tree.lock.unlockShared(treeSlot)
        show(inode, shard, in: &view)
        view.exptimeBefore = exptimeBefore
        view.isCreated = isCreated
        if options.handlesMarks, isCreated {
            inode.fields.state.insert(.won)
            view.wins = true
        } else if options.handlesMarks {
            handleMarks(of: inode, options, &view)
        }
        if options.countsAccess { countAccess(inode) }
        return view
    }

    /// What is shown of a key that no file has: a miss, or the text of a metadata key.
    private func missed(_ key: Bytes, _ miss: ItemView) -> ItemView {
        guard tree.rules.hasMetadataKeys, let text = metadata(key) else { return miss }
        var view = ItemView()
        view.presence = .present
        view.size = text.count
        view.tail = text
        view.isFile = true
        return view
    }

    /// Whether a touch may go on; else the view says why not. Takes the memory that it may need.
    private func mayTouch(_ view: inout ItemView) -> Bool {
        if tree.rules.filesReadOnly {
            view.refusal = .permissionDenied
        } else if !tree.hasRoomForInvalidations || (try? reserve(MemoryNeed(blocks: 1))) == nil {
            view.refusal = .noMemory
        }
        return view.refusal == .done
    }

    /// Resolves a key and locks the shard of the file it serves; else the view tells why there is none. The tree's lock is held.
    private func lockServed(_ key: Bytes, _ view: inout ItemView) -> (InodeReference, Shard)? {
        let found = resolve(key, followsLast: true)
        guard found.kind == .found else {
            view.fileMiss = found.fileMiss
            return nil
        }
        let inode = tree.inode(found.ino)
        if inode.fields.isRegular { return lockIfServed(inode, &view) }
        view.fileMiss = .notRegular
        guard inode.fields.isDirectory, key[key.count - 1] == UInt8(ascii: "/") else { return nil }
        let names = tree.rules.indexNames
        for index in 0..<names.count {
            var walk = PathWalk(names[index], from: inode.ino)
            let entry = walk.run(self, followsLast: true)
            guard entry.kind == .found else {
                if entry.kind == .denied { view.fileMiss = .denied }
                continue
            }
            if let served = lockIfServed(tree.inode(entry.ino), &view) { return served }
        }
        return nil
    }

    private func lockIfServed(_ inode: InodeReference, _ view: inout ItemView) -> (InodeReference, Shard)? {
        guard inode.fields.isRegular, tree.rules.allows(Access.read, inode) else {
            view.fileMiss = inode.fields.isRegular ? .denied : .notRegular
            return nil
        }
        let shard = shard(of: inode.ino)
        shard.lock()
        let isDue = inode.fields.exptime.isDue(at: nowSecond)
        if inode.fields.state.contains(.published), !isDue {
            view.fileMiss = nil
            return (inode, shard)
        }
        shard.unlock()
        view.fileMiss = isDue ? .expired : .unpublished
        if isDue { view.presence = .expired }
        return nil
    }

    /// The cas that clients see.
    func shownCas(_ inode: InodeReference) -> UInt64 { tree.rules.hasCas ? inode.fields.cas : 0 }

    func show(_ inode: InodeReference, _ shard: Shard, in view: inout ItemView) {
        shard.show(inode.fields.published, in: &view)
        view.presence = .present
        view.flags = inode.fields.flags
        view.cas = shownCas(inode)
        view.exptimeBefore = inode.fields.exptime
        view.exptime = inode.fields.exptime
        view.lastAccessSecond = inode.fields.accessSecond
        view.wasFetched = inode.fields.state.contains(.fetched)
        view.isBinaryKey = inode.fields.state.contains(.binaryKey)
        view.isFile = true
    }

    /// Counts a read through the port. A line that says so already is not written.
    @inline(__always) func countAccess(_ inode: InodeReference) {
        if inode.fields.accessSecond != nowSecond { inode.fields.accessSecond = nowSecond }
        if !inode.fields.state.isSuperset(of: [.fetched, .used]) { inode.fields.state.insert([.fetched, .used]) }
    }

    /// Sets the exptime of a file that has just been found, and tells of it; returns with the shard locked as before.
    private func touch(_ inode: InodeReference, _ shard: Shard, _ exptime: Exptime, _ view: inout ItemView) {
        guard exptime != inode.fields.exptime else { return }
        tree.setExpiry(of: inode, to: exptime, &state.reservation)
        tree.changeAttributes(of: inode) { $0.fields.ctime = .now() }
        view.pendingInvalidations += tree.invalidate(.attributes, of: inode, token: invalidationToken)
        guard tree.isRecording else { return }
        // A kernel must not keep the names for longer than the file lives. The shards of the directories may be
        // locked only without this one; the names stay while the tree's lock is held.
        shard.unlock()
        view.pendingInvalidations += invalidateNames(of: inode)
        shard.lock()
    }

    /// Records all names of an inode as changed. The tree's lock is held, no shard's is.
    ///
    /// Of very many names not all are told: a kernel may then keep one of them for some moments longer than the file lives,
    /// until the name is removed, of which it is told.
    func invalidateNames(of inode: InodeReference) -> Int {
        var noticed = 0
        var left = Self.namesNotedMax
        var reference = inode.fields.firstEntry
        while reference != 0, left > 0 {
            left -= 1
            let entry = tree.entry(reference)
            noticed += invalidateEntry(entry.name, in: entry.fields.parent, ino: inode.ino, token: invalidationToken)
            reference = entry.fields.nextLink
        }
        return noticed
    }

    private static let namesNotedMax = 1024

    /// The same for an inode that was found before, if it is still there. No lock is held.
    func invalidateNames(of number: UInt32, generation: UInt32) -> Int {
        let tree = tree
        guard tree.isRecording else { return 0 }
        tree.lock.lockShared(treeSlot)
        defer { tree.lock.unlockShared(treeSlot) }
        let shard = shard(of: number)
        shard.lock()
        let inode = tree.existingInode(number)
        let isSame = inode?.fields.generation == generation
        shard.unlock()
        // One that has a name stays while the tree's lock is held.
        guard let inode, isSame else { return 0 }
        return invalidateNames(of: inode)
    }

    /// The marks of `mg`: who may recache.
    private func handleMarks(of inode: InodeReference, _ options: GetOptions, _ view: inout ItemView) {
        view.isStale = inode.fields.state.contains(.stale)
        view.hadWinner = inode.fields.state.contains(.won)
        guard !view.hadWinner else { return }
        view.wins = view.isStale
        let exptime = options.recachesBeforeTouch ? view.exptimeBefore : inode.fields.exptime
        if let limit = options.recacheBelowSeconds, exptime != .never, exptime.secondsLeft(at: nowSecond) < limit {
            view.wins = true
        }
        if view.wins { inode.fields.state.insert(.won) }
    }

    /// Creates an empty file on a miss and shows it.
    private func vivify(_ key: Bytes, _ exptime: Exptime, _ options: GetOptions) -> ItemView {
        var command = StoreCommand(mode: .add, exptime: exptime)
        command.newCas = options.newCas
        command.isBinaryKey = options.isBinaryKey
        let result = fileStore(key, .bytes(.empty), command)
        var view = ItemView()
        // notStored: somebody else was faster, so it is a hit now.
        guard result.outcome == .done || result.outcome == .notStored else {
            view.refusal = result.outcome
            return view
        }
        var again = options
        again.vivify = nil
        view = fileGet(key, again, isCreated: result.outcome == .done)
        view.pendingInvalidations += result.pendingInvalidations
        return view
    }
}
