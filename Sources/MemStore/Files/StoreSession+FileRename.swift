// FileOperations+Rename: renameat2(2), one step for both doors.

extension StoreSession {
    /// renameat2(2): one step for both doors.
    /// - Throws: noEntry, exists (`noReplace`), isDirectory, notDirectory, notEmpty, invalid (a directory into itself),
    ///   nameTooLong, noSpace, stale.
    public func rename(
        _ name: Bytes, in parent: Ino, to newName: Bytes, in newParent: Ino, mode: RenameMode,
        caller: Caller = Caller(uid: 0, gid: 0)
    ) throws(StoreError) {
        guard name.count <= Limits.nameLengthMax else { throw .nameTooLong }
        if name.count <= 2, !PathKey.isName(name) { throw .busy }
        try checkNewName(newName)
        if newName.count > name.count { try makeFileRoom(for: growth(ofEntryWithName: newName.count, inodeCount: 0)) }
        // With no memory left there may still be room for the new name, and a name that takes another's place needs none.
        if mode.leavesWhiteout {
            try makeFileRoom(for: growth(ofEntryWithName: name.count, inodeCount: 1))
            try reserve(MemoryNeed(blocks: 2 * Tree.blocksPerNode))
        } else {
            try? reserve(MemoryNeed(blocks: Tree.blocksPerNode))
        }
        let replaced = try renameExclusively(name, in: parent, to: newName, in: newParent, mode: mode, caller)
        if let replaced { tree.freeIfUnused(replaced) }
    }

    /// Returns the inode whose place was taken.
    private func renameExclusively(
        _ name: Bytes, in parent: Ino, to newName: Bytes, in newParent: Ino, mode: RenameMode, _ caller: Caller
    ) throws(StoreError) -> UInt32? {
        let tree = tree
        tree.lock.lockExclusive()
        defer { tree.lock.unlockExclusive() }
        let source = try directory(parent)
        let target = try livingDirectory(newParent)
        guard let entry = findLiving(name, in: source.ino) else { throw .noEntry }
        let inode = tree.inode(entry.fields.ino)
        let present = findLiving(newName, in: target.ino)
        if mode.isNoReplace, present != nil { throw .exists }
        if inode.fields.isDirectory, isInside(target.ino, inode.ino) { throw .invalid }
        guard let present else {
            if mode == .exchange { throw .noEntry }
            let blocks = tree.blocksForEntry(nameLength: newName.count, inodeCount: 0)
            guard tree.hasRoomForNode, holds(MemoryNeed(blocks: blocks)) else { throw .noSpace }
            move(entry, from: source, to: newName, in: target)
            if mode.leavesWhiteout { leaveWhiteout(name, in: source, caller) }
            return nil
        }
        let other = tree.inode(present.fields.ino)
        if other.ino == inode.ino { return nil }
        if mode == .exchange {
            if other.fields.isDirectory, isInside(source.ino, other.ino) { throw .invalid }
            exchange(entry, present)
            return nil
        }
        if other.fields.isDirectory {
            guard inode.fields.isDirectory else { throw .isDirectory }
            guard isEmpty(other) else { throw .notEmpty }
        } else if inode.fields.isDirectory {
            throw .notDirectory
        }
        replace(present, by: entry)
        if mode.leavesWhiteout { leaveWhiteout(name, in: source, caller) }
        return other.ino
    }

    /// Source: renameat2(2): a whiteout is a character device 0/0; tmpfs makes it without any permission.
    private func leaveWhiteout(_ name: Bytes, in directory: InodeReference, _ caller: Caller) {
        _ = addNode(
            name, in: directory, mode: FileType.characterDevice.rawValue, uid: caller.uid, gid: caller.gid)
    }

    /// Whether `directory` is `top` or lies below it.
    private func isInside(_ directory: UInt32, _ top: UInt32) -> Bool {
        var current = directory
        while current != top {
            let above = tree.parent(of: current)
            if above == current { return false }
            current = above
        }
        return true
    }

    private func move(_ entry: EntryReference, from source: InodeReference, to name: Bytes, in target: InodeReference) {
        let inode = tree.inode(entry.fields.ino)
        // In this order, since the memory that is there for a name must not go with the old one.
        tree.addEntry(name, in: target.ino, ino: inode.ino, &state.reservation)
        tree.removeEntry(entry)
        tree.changeLinks(of: inode, by: 0)
        let moved = inode.fields.isDirectory ? 1 : 0
        tree.touchDirectory(source, linkChange: -moved)
        tree.touchDirectory(target, linkChange: moved)
    }

    /// The entry `present` stays where it is and gets the other's inode.
    private func replace(_ present: EntryReference, by entry: EntryReference) {
        let inode = tree.inode(entry.fields.ino)
        let other = tree.inode(present.fields.ino)
        let source = tree.inode(entry.fields.parent)
        let target = tree.inode(present.fields.parent)
        tree.removeEntry(entry)
        tree.detach(present)
        tree.attach(present, to: inode)
        tree.changeLinks(of: inode, by: 0)
        // A directory takes the place of a directory: the target loses one `..` and gets another.
        let moved = inode.fields.isDirectory ? 1 : 0
        tree.changeLinks(of: other, by: moved == 1 ? -2 : -1)
        tree.touchDirectory(source, linkChange: -moved)
        tree.touchDirectory(target)
    }

    private func exchange(_ one: EntryReference, _ two: EntryReference) {
        let first = tree.inode(one.fields.ino)
        let second = tree.inode(two.fields.ino)
        tree.detach(one)
        tree.detach(two)
        tree.attach(one, to: second)
        tree.attach(two, to: first)
        tree.changeLinks(of: first, by: 0)
        tree.changeLinks(of: second, by: 0)
        let change = (second.fields.isDirectory ? 1 : 0) - (first.fields.isDirectory ? 1 : 0)
        tree.touchDirectory(tree.inode(one.fields.parent), linkChange: change)
        tree.touchDirectory(tree.inode(two.fields.parent), linkChange: -change)
    }
}
