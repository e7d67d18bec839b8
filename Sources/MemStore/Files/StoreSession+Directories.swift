// FileOperations+Directories: readdir, stable while the directory changes.

extension StoreSession {
    /// Calls `body` for each entry behind `cookie` (0 = from the start, `.` and `..` included) until it returns false.
    /// Entries that exist throughout are shown exactly once, whatever is added or removed meanwhile.
    /// `countsLookups`: an entry for which `body` returns true counts one lookup (readdirplus), but `.` and `..`.
    /// `body` runs with locks held: it copies, and calls nothing of the store.
    /// - Throws: notDirectory, stale.
    public func readDirectory(
        _ ino: Ino, after cookie: UInt64, countsLookups: Bool, _ body: (DirectoryEntry, Attributes) -> Bool
    ) throws(StoreError) {
        let tree = tree
        tree.lock.lockShared(treeSlot)
        defer { tree.lock.unlockShared(treeSlot) }
        let directory = try directory(ino)
        if cookie < DirectoryCookie.own {
            guard show(directory.ino, as: .dot, DirectoryCookie.own, body) else { return }
        }
        if cookie < DirectoryCookie.parent {
            let parent = tree.parent(of: directory.ino)
            guard show(parent, as: .dotDot, DirectoryCookie.parent, body) else { return }
        }
        var position = max(cookie, DirectoryCookie.parent)
        while let entry = tree.nextEntry(of: directory, after: position) {
            position = entry.fields.cookie
            let inode = tree.inode(entry.fields.ino)
            let shard = shard(of: inode.ino)
            shard.lock()
            defer { shard.unlock() }
            if inode.fields.isOver(at: nowSecond) { continue }
            let attributes = attributes(of: inode, shard)
            let shown = DirectoryEntry(
                name: entry.name, ino: attributes.ino, mode: attributes.mode, cookie: position)
            guard body(shown, attributes) else { return }
            if countsLookups { inode.fields.lookupCount += 1 }
        }
    }

    private func show(
        _ ino: UInt32, as name: Bytes, _ cookie: UInt64, _ body: (DirectoryEntry, Attributes) -> Bool
    ) -> Bool {
        guard let attributes = livingAttributes(ino) else { return true }
        let entry = DirectoryEntry(name: name, ino: attributes.ino, mode: attributes.mode, cookie: cookie)
        return body(entry, attributes)
    }

    /// The attributes of an inode that has a name, unless it has expired. The tree's lock is held.
    private func livingAttributes(_ ino: UInt32) -> Attributes? {
        let inode = tree.inode(ino)
        let shard = shard(of: ino)
        shard.lock()
        defer { shard.unlock() }
        return inode.fields.isOver(at: nowSecond) ? nil : attributes(of: inode, shard)
    }
}
