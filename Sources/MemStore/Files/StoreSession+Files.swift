// FileOperations: what a filesystem adapter calls. This file finds inodes and
// counts who knows them; names, attributes, contents and directories are in FileOperations+….swift.

extension StoreSession {
    /// Looks `name` up in a directory and counts one lookup of the inode found (`forget` gives it back).
    /// - Throws: noEntry, notDirectory, nameTooLong, stale.
    public func lookup(_ name: Bytes, in parent: Ino) throws(StoreError) -> Attributes {
        guard name.count <= Limits.nameLengthMax else { throw .nameTooLong }
        let tree = tree
        tree.lock.lockShared(treeSlot)
        defer { tree.lock.unlockShared(treeSlot) }
        let directory = try directory(parent)
        if name.equals(.dot) { return try countLookup(of: directory.ino) }
        if name.equals(.dotDot) { return try countLookup(of: tree.parent(of: directory.ino)) }
        guard let entry = tree.find(name, in: directory.ino) else { throw .noEntry }
        return try countLookup(of: entry.fields.ino)
    }

    /// Gives `count` lookups back; an unlinked inode without lookups, handles and links is freed.
    public func forget(_ ino: Ino, count: UInt64) {
        // A kernel knows the root without a lookup; what it says of it is not counted.
        guard ino != .root, let (inode, shard) = try? lockInode(ino) else { return }
        precondition(inode.fields.lookupCount >= count, "more lookups forgotten than counted")
        inode.fields.lookupCount -= count
        let isUnused = inode.fields.lookupCount == 0 && inode.fields.linkCount == 0
        shard.unlock()
        if isUnused { tree.freeIfUnused(inode.ino) }
    }

    /// Counts one open handle, so that the inode survives unlink.
    /// - Throws: stale.
    @discardableResult public func openFile(_ ino: Ino) throws(StoreError) -> Int {
        let (inode, shard) = try lockInode(ino)
        defer { shard.unlock() }
        if inode.fields.state.contains(.evicted) { throw .stale }
        inode.fields.openCount += 1
        // A new file is not yet used by its making.
        if inode.fields.state.contains(.published) { inode.fields.state.insert(.used) }
        return Int(inode.fields.openCount)
    }

    /// Sets the access time where it is not later than the last change, or a day old.
    /// Source: mount(8), relatime.
    public func countAccess(to ino: Ino) {
        guard let (inode, shard) = try? lockInode(ino) else { return }
        defer { shard.unlock() }
        let now = Timestamp.now()
        let accessed = inode.fields.atime
        let isRecent = accessed > inode.fields.mtime && accessed > inode.fields.ctime
        if isRecent, now.seconds - accessed.seconds < 86_400 { return }
        tree.changeAttributes(of: inode) { $0.fields.atime = now }
    }

    /// Ends one open handle. It publishes a dirty inode if nobody else who is writing holds that back (`publishes`), and
    /// always when it is the last.
    public func releaseFile(_ ino: Ino, publishes: Bool = false) {
        guard let (inode, shard) = try? lockInode(ino) else { return }
        precondition(inode.fields.openCount > 0, "more handles released than opened")
        inode.fields.openCount -= 1
        let isLast = inode.fields.openCount == 0
        let isUnlinked = inode.fields.linkCount == 0
        if isLast || publishes, !isUnlinked, inode.fields.isRegular {
            tree.publishLive(inode, shard)
            if isLast { shard.dropSetAsideIfWritten(of: inode) }
            // What failed has changed nothing, and who saw it fail is gone.
            if !inode.fields.state.contains(.dirty) { inode.fields.state.subtract(.difference) }
        }
        shard.unlock()
        if isLast, isUnlinked { tree.freeIfUnused(inode.ino) }
    }

    /// Locks the shard of an inode that a caller of ours names.
    /// - Throws: stale.
    func lockInode(_ ino: Ino) throws(StoreError) -> (InodeReference, Shard) {
        guard let inode = tree.inodeSlot(ino) else { throw .stale }
        let shard = shard(of: inode.ino)
        shard.lock()
        if inode.fields.isFree {
            shard.unlock()
            throw .stale
        }
        return (inode, shard)
    }

    /// The same for a regular file.
    /// - Throws: isDirectory, invalid, stale.
    func lockFile(_ ino: Ino) throws(StoreError) -> (InodeReference, Shard) {
        let (inode, shard) = try lockInode(ino)
        let isEvicted = inode.fields.state.contains(.evicted)
        if inode.fields.isRegular, !isEvicted { return (inode, shard) }
        let isDirectory = inode.fields.isDirectory
        shard.unlock()
        if isEvicted { throw .stale }
        throw isDirectory ? .isDirectory : .invalid
    }

    /// A directory that a caller of ours names. The tree's lock is held.
    /// - Throws: notDirectory, stale.
    func directory(_ ino: Ino) throws(StoreError) -> InodeReference {
        guard let inode = tree.inodeSlot(ino), !inode.fields.isFree else { throw .stale }
        guard inode.fields.isDirectory else { throw .notDirectory }
        return inode
    }

    /// Counts a lookup of an inode that has a name, unless it has expired. The tree's lock is held.
    /// - Throws: noEntry.
    func countLookup(of ino: UInt32) throws(StoreError) -> Attributes {
        let inode = tree.inode(ino)
        let shard = shard(of: ino)
        shard.lock()
        defer { shard.unlock() }
        if inode.fields.isOver(at: nowSecond) { throw .noEntry }
        if ino != Tree.rootIno { inode.fields.lookupCount += 1 }
        return attributes(of: inode, shard)
    }

    /// What stat(2) shows. The tree's lock and that of the inode's shard are held.
    func attributes(of inode: InodeReference, _ shard: Shard) -> Attributes {
        var attributes = Attributes(ino: Ino(UInt64(inode.ino)), mode: UInt32(inode.fields.mode))
        attributes.generation = UInt64(inode.fields.generation)
        attributes.linkCount = inode.fields.linkCount
        attributes.uid = inode.fields.uid
        attributes.gid = inode.fields.gid
        attributes.atime = inode.fields.atime
        attributes.mtime = inode.fields.mtime
        attributes.ctime = inode.fields.ctime
        attributes.exptime = inode.fields.exptime
        if inode.fields.isRegular {
            attributes.size = inode.fields.liveSize
            let setAside = UInt64(shard.setAsideBytes(of: inode))
            attributes.blocks = (shard.allocatedBytes(inode.fields.live) + setAside + 511) / 512
        } else if inode.fields.isDirectory {
            attributes.size = UInt64(inode.fields.entryCount + 2) * UInt64(Limits.directorySizePerEntry)
        } else if inode.fields.isSymlink {
            attributes.size = inode.fields.liveSize
        } else if inode.fields.isDevice {
            attributes.device = inode.fields.liveRoot
        }
        return attributes
    }
}
