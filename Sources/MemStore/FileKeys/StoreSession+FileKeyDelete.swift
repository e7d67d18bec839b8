// FileItems+Delete: delete and its variants that keep the file, on file keys.

extension StoreSession {
    /// delete, `md`. It removes the entry itself, of a symlink too.
    func fileDelete(_ key: Bytes, _ command: DeleteCommand) -> StoreResult {
        var result = StoreResult(outcome: .permissionDenied)
        if tree.rules.filesReadOnly { return result }
        guard tree.hasRoomForInvalidations else {
            result.outcome = .noMemory
            return result
        }
        if command.marksStale || command.clearsValue {
            changeFile(key, command, &result)
            return result
        }
        let removed = deleteExclusively(key, command, &result)
        if let removed { tree.freeIfUnused(removed) }
        return result
    }

    /// Returns the inode that lost a name.
    private func deleteExclusively(_ key: Bytes, _ command: DeleteCommand, _ result: inout StoreResult) -> UInt32? {
        let tree = tree
        tree.lock.lockExclusive()
        defer { tree.lock.unlockExclusive() }
        let found = resolve(key, followsLast: false)
        switch found.kind {
        case .missing: result.outcome = .notFound
        case .notDirectory: result.outcome = .notDirectory
        case .denied: result.outcome = .permissionDenied
        case .nowhere: result.outcome = .invalidPath
        case .found: return delete(found, command, &result)
        }
        return nil
    }

    private func delete(_ found: Resolution, _ command: DeleteCommand, _ result: inout StoreResult) -> UInt32? {
        let inode = tree.inode(found.ino)
        if inode.fields.isDirectory {
            result.outcome = .isDirectory
            return nil
        }
        guard let entry = tree.find(found.name, in: found.parent) else {
            preconditionFailure("a path was found whose last name is not there")
        }
        if removeIfExpired(entry) {
            result.previous = .expired
            result.outcome = .notFound
            return nil
        }
        result.outcome = deletability(of: inode, in: tree.inode(found.parent), command)
        guard result.outcome == .done else { return nil }
        result.previous = .present
        result.pendingInvalidations += invalidateEntry(
            entry.name, in: found.parent, ino: inode.ino, token: invalidationToken)
        tree.removeEntry(entry)
        tree.changeLinks(of: inode, by: -1)
        tree.touchDirectory(tree.inode(found.parent))
        let shard = shard(of: inode.ino)
        shard.lock()
        result.pendingInvalidations += tree.invalidate(.attributes, of: inode, token: invalidationToken)
        shard.unlock()
        return inode.ino
    }

    /// Whether a node may be deleted by the port. What the port cannot read, it cannot find either, but a symlink.
    private func deletability(
        of inode: InodeReference, in directory: InodeReference, _ command: DeleteCommand
    ) -> Outcome {
        let shard = shard(of: inode.ino)
        shard.lock()
        let isPublished = inode.fields.isRegular && inode.fields.state.contains(.published)
        let cas = shownCas(inode)
        shard.unlock()
        guard isPublished || inode.fields.isSymlink else { return .notFound }
        let rules = tree.rules
        guard rules.allows(Access.write | Access.search, directory), !rules.isKeptBySticky(inode, in: directory) else {
            return .permissionDenied
        }
        if let token = command.compareCas, token != cas || token == 0 { return .exists }
        return .done
    }

    /// Marks a file stale, or takes its value, flags and exptime.
    private func changeFile(_ key: Bytes, _ command: DeleteCommand, _ result: inout StoreResult) {
        do throws(StoreError) { try reserve(MemoryNeed(blocks: 1)) } catch {
            result.outcome = .noMemory
            return
        }
        switch locateForWrite(key, &result.previous) {
        case .missing: result.outcome = .notFound
        case .refused(let outcome): result.outcome = outcome
        case .existing(let inode, let shard):
            result.outcome = change(inode, shard, command)
            if result.outcome == .done {
                result.previous = .present
                result.cas = shownCas(inode)
                result.pendingInvalidations += tree.invalidate(.content, of: inode, token: invalidationToken)
            }
            shard.unlock()
        }
    }

    private func change(_ inode: InodeReference, _ shard: Shard, _ command: DeleteCommand) -> Outcome {
        guard inode.fields.state.contains(.published) else { return .notFound }
        if let token = command.compareCas, token != shownCas(inode) || token == 0 { return .exists }
        let newCas = command.newCas ?? (command.marksStale ? shard.nextCas() : inode.fields.cas)
        if command.clearsValue {
            tree.replaceContents(of: inode, with: .empty, cas: newCas, shard)
            tree.changeAttributes(of: inode) { $0.fields.flags = command.flags ?? 0 }
            tree.setExpiry(of: inode, to: command.exptime ?? .never, &state.reservation)
        }
        tree.changeAttributes(of: inode) { inode in
            inode.fields.cas = newCas
            guard command.marksStale else { return }
            inode.fields.state.insert(.stale)
            inode.fields.state.remove(.won)
        }
        if command.marksStale, !command.clearsValue, let exptime = command.exptime {
            tree.setExpiry(of: inode, to: exptime, &state.reservation)
        }
        return .done
    }
}
