// FileOperations+Announce: for whoever makes files on neither door, as a preload does. Operations of the mount are not in
// the stream of changes, since the kernel that asked for them knows; one that did not ask has to be told.

extension StoreSession {
    /// Records that `ino` got the name `name` in `parent` and has changed. Call it when the inode is complete.
    public func announce(_ ino: Ino, as name: Bytes, in parent: Ino) {
        let tree = tree
        tree.lock.lockShared(treeSlot)
        defer { tree.lock.unlockShared(treeSlot) }
        guard let directory = try? directory(parent), let inode = tree.inodeSlot(ino), !inode.fields.isFree else {
            return
        }
        noteEntry(name, in: directory.ino, ino: inode.ino, token: 0)
        let shard = shard(of: inode.ino)
        shard.lock()
        _ = tree.note(.content, of: inode, token: 0)
        shard.unlock()
    }

    /// Whether more notices can be recorded; who makes many files waits for it.
    public var canAnnounce: Bool { tree.hasRoomForNotes }
}
