// StoreSession+FileAnnounce: for files that are made on neither door, as by a preload: no kernel asked for them, so one that
// has cached the directory has to be told.

extension StoreSession {
    /// Records that `ino` got the name `name` in `parent` and has changed. Call it when the inode is complete.
    public func announce(_ ino: Ino, as name: Bytes, in parent: Ino) {
        let tree = tree
        tree.lock.lockShared(treeSlot)
        defer { tree.lock.unlockShared(treeSlot) }
        guard let directory = try? directory(parent), let inode = tree.inodeSlot(ino), !inode.fields.isFree else {
            return
        }
        invalidateEntry(name, in: directory.ino, ino: inode.ino, token: 0)
        let shard = shard(of: inode.ino)
        shard.lock()
        _ = tree.invalidate(.content, of: inode, token: 0)
        shard.unlock()
    }

    /// Whether more can be announced; wait for it when making many files.
    public var canAnnounce: Bool { tree.hasRoomForInvalidations }
}
