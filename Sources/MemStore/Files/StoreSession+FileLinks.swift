// FileOperations+Links: the steps that operations on names, on both doors, are made of. The tree's
// lock is held alone in all of them.

extension StoreSession {
    /// Whether a name can be given to a new entry.
    /// - Throws: nameTooLong, invalid, exists (`.` and `..`), noEntry (empty).
    func checkNewName(_ name: Bytes) throws(StoreError) {
        guard name.count <= Limits.nameLengthMax else { throw .nameTooLong }
        guard name.count > 0 else { throw .noEntry }
        if !PathKey.isName(name) { throw .exists }
        let hasSlash = PathKey.firstIndex(of: UInt8(ascii: "/"), in: name, from: 0) < name.count
        if hasSlash || PathKey.firstIndex(of: 0, in: name, from: 0) < name.count { throw .invalid }
    }

    /// A directory that has not been removed.
    /// - Throws: notDirectory, noEntry, stale.
    func livingDirectory(_ ino: Ino) throws(StoreError) -> InodeReference {
        let inode = try directory(ino)
        guard inode.fields.linkCount > 0 else { throw .noEntry }
        return inode
    }

    /// The entry of a name; one whose inode has expired is removed, as it would be soon anyway.
    func findLiving(_ name: Bytes, in parent: UInt32) -> EntryReference? {
        guard let entry = tree.find(name, in: parent) else { return nil }
        return removeIfExpired(entry) ? nil : entry
    }

    /// The same for one entry, whose name goes in any case; the inode's further names go in slices, with whoever meets them
    /// or by the housekeeper.
    func removeIfExpired(_ entry: EntryReference) -> Bool {
        let ino = entry.fields.ino
        let inode = tree.inode(ino)
        guard inode.fields.linkCount > Self.namesPerSlice else { return removeIfExpired(ino) }
        let shard = shard(of: ino)
        shard.lock()
        let isOver = inode.fields.isOver(at: nowSecond)
        shard.unlock()
        if isOver { removeName(entry, of: inode) }
        return isOver
    }

    /// Removes all names of an inode whose time has come, and says so to whoever reads the changes.
    func removeIfExpired(_ ino: UInt32) -> Bool {
        let inode = tree.inode(ino)
        let shard = shard(of: ino)
        shard.lock()
        let isOver = inode.fields.isOver(at: nowSecond)
        if !isOver, inode.fields.exptime.isDue(at: nowSecond) { endPublished(inode, shard) }
        shard.unlock()
        guard isOver else { return false }
        // The tree is held alone: of very many names some go now, and the others in further slices.
        guard removeNames(of: inode, countMax: Self.namesPerSlice) else { return true }
        // Whoever has it open keeps it, without a time that could come again.
        shard.lock()
        tree.clearExpiry(of: inode)
        shard.unlock()
        tree.freeIfUnused(ino)
        return true
    }

    /// Ends a published value whose time has come, while another is being written. The shard is locked.
    private func endPublished(_ inode: InodeReference, _ shard: Shard) {
        tree.dropPublished(inode, shard)
        tree.clearExpiry(of: inode)
        inode.fields.state.remove(.endsExptime)
    }

    /// Names of one inode that are removed while the tree is held alone once: some hundred microseconds.
    static let namesPerSlice = 128

    /// Removes names of an inode, which kernels are told of, at most `countMax`. The tree's lock is held alone, no shard's is.
    /// - Returns: whether none is left.
    @discardableResult func removeNames(of inode: InodeReference, countMax: Int = .max) -> Bool {
        var left = countMax
        while inode.fields.firstEntry != 0, left > 0 {
            removeName(tree.entry(inode.fields.firstEntry), of: inode)
            left -= 1
        }
        return inode.fields.firstEntry == 0
    }

    private func removeName(_ entry: EntryReference, of inode: InodeReference) {
        let directory = tree.inode(entry.fields.parent)
        invalidateEntry(entry.name, in: directory.ino, ino: inode.ino, token: 0)
        tree.removeEntry(entry)
        tree.changeLinks(of: inode, by: -1)
        tree.touchDirectory(directory)
    }

    /// Removes a file whose time has come, if it still has. No lock is held.
    func expire(_ ino: UInt32) {
        let tree = tree
        shared.slices.measure(.expiry) {
            tree.lock.lockExclusive()
            if !tree.inode(ino).fields.isFree { _ = removeIfExpired(ino) }
            tree.lock.unlockExclusive()
        }
    }

    /// Removes files whose time has come, at most `limit`, so that they hold no memory until somebody asks for them.
    /// - Returns: how many were removed; `limit` means that there may be more.
    @discardableResult public func expireFiles(limit: Int) -> Int {
        for count in 0..<limit {
            guard tree.hasRoomForInvalidations, let ino = tree.firstDue(at: nowSecond) else { return count }
            expire(ino)
        }
        return limit
    }

    /// Whether a directory has no entry that is still alive; those that have expired are removed.
    func isEmpty(_ directory: InodeReference) -> Bool {
        while let entry = tree.nextEntry(of: directory, after: 0) {
            guard removeIfExpired(entry) else { return false }
        }
        return true
    }

    /// Makes a node and its entry. `mode` is masked already; group and setgid follow the directory.
    func addNode(
        _ name: Bytes, in directory: InodeReference, mode: UInt32, uid: UInt32, gid: UInt32
    ) -> InodeReference {
        let inherits = directory.fields.mode & 0o2000 != 0
        let isDirectory = mode & FileType.mask == FileType.directory.rawValue
        let inode = tree.makeInode(
            mode: inherits && isDirectory ? mode | 0o2000 : mode, uid: uid,
            gid: inherits ? directory.fields.gid : gid, nowSecond: nowSecond, &state.reservation)
        tree.addEntry(name, in: directory.ino, ino: inode.ino, &state.reservation)
        tree.touchDirectory(directory, linkChange: isDirectory ? 1 : 0)
        return inode
    }
}
