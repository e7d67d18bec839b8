// FileItems+Store: storage commands on file keys: they write as open(2) with
// O_CREAT would, whole or not at all.

/// Where a storage command's path leads.
enum FilePlace {
    /// To a file that may be written; its shard is locked.
    case existing(InodeReference, Shard)
    /// To a name that is missing, with so many components to make.
    case missing(componentCount: Int)
    case refused(Outcome)
}

extension StoreSession {
    /// A storage command on a file key. Ends a pending value, whatever the outcome.
    func fileStore(_ key: Bytes, _ source: ValueSource, _ command: StoreCommand) -> StoreResult {
        var value = FileValue(source)
        var result = StoreResult(outcome: .permissionDenied)
        result.size = source.count
        if !tree.rules.filesReadOnly { storeFile(key, &value, command, &result) }
        value.end(self)
        return result
    }

    private func storeFile(_ key: Bytes, _ value: inout FileValue, _ command: StoreCommand, _ result: inout StoreResult)
    {
        guard tree.hasRoomForInvalidations else {
            result.outcome = .noMemory
            return
        }
        do throws(StoreError) {
            result.outcome = try withMemory { () throws(StoreError) in
                let wanted = command.tellsSize ? Access.read | Access.write : Access.write
                switch locateForWrite(key, &result.previous, wanted: wanted) {
                case .refused(let outcome): return .done(outcome)
                case .existing(let inode, let shard):
                    let isPublished = inode.fields.state.contains(.published)
                    if isPublished { result.previous = .present }
                    let plan = StorePlan.decide(command, existingCas: isPublished ? shownCas(inode) : nil)
                    return attempt(storeExisting(inode, shard, plan, &value, command, &result))
                case .missing(let componentCount):
                    let plan = StorePlan.decide(command, existingCas: nil)
                    return attempt(storeMissing(key, componentCount, plan, &value, command, &result))
                }
            }
        } catch {
            result.outcome = .noMemory
        }
    }

    /// What follows from a step towards storing a file. No lock is held.
    func attempt(_ step: StoreStep) -> Attempt<Outcome> {
        switch step {
        case .done: return .done(.done)
        case .refused(let outcome): return .done(outcome)
        case .again: return .again
        case .reserve(let need, let growth): return .needs(need, growth: growth)
        case .privileged(let ino):
            clearPrivileges(of: ino)
            return .again
        }
    }

    /// Resolves a key that is to be written. A file whose time has come is removed on the way.
    /// `wanted`: the right to read too where the answer tells of the content.
    func locateForWrite(_ key: Bytes, _ previous: inout Presence, wanted: UInt16 = Access.write) -> FilePlace {
        let tree = tree
        while true {
            tree.lock.lockShared(treeSlot)
            let found = resolve(key, followsLast: true)
            guard found.kind == .found else {
                let place = missingPlace(found, key)
                tree.lock.unlockShared(treeSlot)
                return place
            }
            let inode = tree.inode(found.ino)
            guard inode.fields.isRegular, tree.rules.allows(wanted, inode) else {
                let isDirectory = inode.fields.isDirectory
                let isRegular = inode.fields.isRegular
                tree.lock.unlockShared(treeSlot)
                return .refused(isDirectory ? .isDirectory : isRegular ? .permissionDenied : .invalidPath)
            }
            let shard = shard(of: inode.ino)
            shard.lock()
            let isDue = inode.fields.isOver(at: nowSecond)
            if isDue { shard.unlock() }
            tree.lock.unlockShared(treeSlot)
            guard isDue else { return .existing(inode, shard) }
            previous = .expired
            expire(inode.ino)
        }
    }

    private func missingPlace(_ found: Resolution, _ key: Bytes) -> FilePlace {
        switch found.kind {
        case .notDirectory: return .refused(.notDirectory)
        case .denied: return .refused(.permissionDenied)
        case .nowhere, .found: return .refused(.invalidPath)
        case .missing: break
        }
        if key[key.count - 1] == UInt8(ascii: "/") { return .refused(.invalidPath) }
        if isMetadataKey(key) { return .refused(.permissionDenied) }
        var components = PathComponents(found.rest)
        var count = 1
        while let name = components.next() {
            guard PathKey.isName(name) else { return .refused(.invalidPath) }
            count += 1
        }
        return .missing(componentCount: count)
    }

    // MARK: an existing file; its shard is locked at the begin and open at the end

    private func storeExisting(
        _ inode: InodeReference, _ shard: Shard, _ plan: StorePlan, _ value: inout FileValue, _ command: StoreCommand,
        _ result: inout StoreResult
    ) -> StoreStep {
        switch plan {
        case .refuse(let outcome):
            shard.unlock()
            return .refused(outcome)
        case .append, .prepend:
            return join(inode, shard, &value, plan, command, &result)
        case .put, .putStale, .create:
            break
        }
        let need = value.needForMaking(self).joined(with: MemoryNeed(blocks: 1))
        // What is replaced makes room for what replaces it.
        let growth = limitsFiles ? value.growth(in: shard) - Int(shard.allocatedBytes(inode.fields.live)) : 0
        guard holds(need), hasFileRoom(for: growth) else {
            shard.unlock()
            return .reserve(need, growth: growth)
        }
        if hasPrivileges(inode) {
            // Nobody may run what is stored now with the rights of what was there.
            shard.unlock()
            return .privileged(Ino(UInt64(inode.ino)))
        }
        guard let content = value.makeContent(in: shard, &state.reservation) else {
            shard.unlock()
            value.materialize(self)
            return .again
        }
        let (exptime, generation) = (inode.fields.exptime, inode.fields.generation)
        finish(inode, shard, content, plan, command, &result)
        let hasNewExptime = inode.fields.exptime != exptime
        shard.unlock()
        if hasNewExptime { result.pendingInvalidations += invalidateNames(of: inode.ino, generation: generation) }
        return .done
    }

    /// Gives a file its new content and all that goes with it; the shard is locked. `live`: see `replaceContents`.
    func finish(
        _ inode: InodeReference, _ shard: Shard, _ content: Content, live: Content? = nil, _ plan: StorePlan,
        _ command: StoreCommand, _ result: inout StoreResult
    ) {
        tree.replaceContents(of: inode, with: content, live: live, cas: command.newCas ?? shard.nextCas(), shard)
        tree.changeAttributes(of: inode) { inode in
            switch plan {
            case .put, .create:
                inode.fields.flags = command.flags
                inode.fields.state.remove([.stale, .won, .fetched])
            case .putStale:
                inode.fields.flags = command.flags
                inode.fields.state.insert(.stale)
            case .append, .prepend, .refuse:
                inode.fields.state.remove([.stale, .won])
            }
            if command.isBinaryKey { inode.fields.state.insert(.binaryKey) }
        }
        switch plan {
        case .put: setExptime(of: inode, to: command.exptime)
        case .create(let exptime): setExptime(of: inode, to: exptime)
        case .putStale, .append, .prepend, .refuse: break
        }
        inode.fields.accessSecond = nowSecond
        result.cas = shownCas(inode)
        result.size = Int(content.size)
        result.pendingInvalidations += tree.invalidate(.content, of: inode, token: invalidationToken)
    }

    private func setExptime(of inode: InodeReference, to exptime: Exptime) {
        if inode.fields.exptime != exptime { tree.setExpiry(of: inode, to: exptime, &state.reservation) }
    }

    // MARK: a new file

    private func storeMissing(
        _ key: Bytes, _ componentCount: Int, _ plan: StorePlan, _ value: inout FileValue, _ command: StoreCommand,
        _ result: inout StoreResult
    ) -> StoreStep {
        if case .refuse(let outcome) = plan { return .refused(outcome) }
        // The file was there when the value was made a content beside its own; the new one may belong to another shard.
        value.materialize(self)
        let need = value.needForMaking(self).joined(with: Tree.need(forNodes: componentCount))
        let growth = growth(ofNodes: componentCount) + value.growth(in: shard(number: 0))
        guard holds(need), hasFileRoom(for: growth) else { return .reserve(need, growth: growth) }
        let tree = tree
        tree.lock.lockExclusive()
        defer { tree.lock.unlockExclusive() }
        let found = resolve(key, followsLast: true)
        guard found.kind == .missing, case .missing(let count) = missingPlace(found, key), count <= componentCount
        else { return .again }
        guard tree.hasRoomForNode else { return .refused(.noMemory) }
        return makeFile(found, plan, &value, command, &result)
    }

    /// Makes the directories that are missing, and the file. The tree's lock is held alone.
    private func makeFile(
        _ found: Resolution, _ plan: StorePlan, _ value: inout FileValue, _ command: StoreCommand,
        _ result: inout StoreResult
    ) -> StoreStep {
        let rules = tree.rules
        var directory = tree.inode(found.parent)
        guard rules.allows(Access.write | Access.search, directory) else { return .refused(.permissionDenied) }
        if found.parent == Tree.rootIno, found.name.equals(.controlDirectory) { return .refused(.permissionDenied) }
        // What is made below is the serving user's; a umask that takes its own rights away is seen before.
        var rest = PathComponents(found.rest)
        var name = found.name
        let directoryMode = FileType.directory.rawValue | 0o777 & ~rules.umask
        let next = rest.next()
        if next != nil, directoryMode & 0o300 != 0o300 { return .refused(.permissionDenied) }
        var following = next
        while let component = following {
            let made = addNode(name, in: directory, mode: directoryMode, uid: rules.uid, gid: rules.gid)
            result.pendingInvalidations += invalidateEntry(
                name, in: directory.ino, ino: made.ino, token: invalidationToken)
            directory = made
            name = component
            following = rest.next()
        }
        let mode = FileType.regular.rawValue | 0o666 & ~rules.umask
        let inode = addNode(name, in: directory, mode: mode, uid: rules.uid, gid: rules.gid)
        result.pendingInvalidations += invalidateEntry(
            name, in: directory.ino, ino: inode.ino, token: invalidationToken)
        let shard = shard(of: inode.ino)
        shard.lock()
        guard let content = value.makeContent(in: shard, &state.reservation) else {
            preconditionFailure("a value for a new file is no content yet")
        }
        finish(inode, shard, content, plan, command, &result)
        shard.unlock()
        return .done
    }
}

/// How an attempt to store ended.
enum StoreStep {
    case done
    case refused(Outcome)
    /// What was found is not so any more.
    case again
    /// The file would run with rights of its own, which must be cleared first.
    case privileged(Ino)
    /// Memory must be taken first, and files must have room for so many bytes more.
    case reserve(MemoryNeed, growth: Int = 0)
}

/// Cuts a path into components; slashes are skipped.
struct PathComponents {
    private var rest: Bytes
    init(_ path: Bytes) { rest = path }

    mutating func next() -> Bytes? {
        var start = 0
        while start < rest.count, rest[start] == UInt8(ascii: "/") { start += 1 }
        guard start < rest.count else { return nil }
        let end = PathKey.firstIndex(of: UInt8(ascii: "/"), in: rest, from: start)
        defer { rest = rest[end..<rest.count] }
        return rest[start..<end]
    }
}
