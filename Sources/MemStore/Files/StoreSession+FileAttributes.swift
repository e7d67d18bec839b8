// FileOperations+Attributes: stat, chmod, chown, truncate, utimensat, readlink, statfs.

extension StoreSession {
    /// stat(2) of the live content.
    /// - Throws: stale.
    public func attributes(of ino: Ino) throws(StoreError) -> Attributes {
        let tree = tree
        tree.lock.lockShared(treeSlot)
        defer { tree.lock.unlockShared(treeSlot) }
        let (inode, shard) = try lockInode(ino)
        defer { shard.unlock() }
        return attributes(of: inode, shard)
    }

    /// chmod, chown, truncate, utimensat. A truncate without an open handle (`isOpen` false) publishes at once.
    /// - Throws: isDirectory, invalid, fileTooLarge, noSpace (truncate), stale.
    public func setAttributes(of ino: Ino, _ changes: AttributeChanges, isOpen: Bool) throws(StoreError) -> Attributes {
        if let size = changes.size {
            try spoilingOnFailure(ino, isOpen: isOpen) { () throws(StoreError) in
                try setSize(of: ino, to: size, isOpen: isOpen)
            }
        }
        let changesRights =
            changes.mode != nil || changes.uid != nil || changes.gid != nil || changes.clearedMode != 0
        let tree = tree
        if changesRights {
            tree.lock.lockExclusive()
        } else {
            tree.lock.lockShared(treeSlot)
        }
        defer {
            if changesRights {
                tree.lock.unlockExclusive()
            } else {
                tree.lock.unlockShared(treeSlot)
            }
        }
        let (inode, shard) = try lockInode(ino)
        defer { shard.unlock() }
        tree.changeAttributes(of: inode) { inode in
            if let uid = changes.uid { inode.fields.uid = uid }
            if let gid = changes.gid { inode.fields.gid = gid }
            if let mode = changes.mode {
                let kept = UInt32(inode.fields.mode) & FileType.mask
                inode.fields.mode = UInt16(kept | mode & (changes.dropsSetgid ? 0o5777 : 0o7777))
            }
            inode.fields.mode &= ~UInt16(changes.clearedMode & 0o7777)
            setTimes(of: inode, changes)
        }
        return attributes(of: inode, shard)
    }

    /// One moment for all times that become now. A new size is a modification.
    private func setTimes(of inode: InodeReference, _ changes: AttributeChanges) {
        let now = Timestamp.now()
        func moment(_ time: AttributeChanges.Time) -> Timestamp {
            switch time {
            case .now: now
            case .at(let timestamp): timestamp
            }
        }
        if let atime = changes.atime { inode.fields.atime = moment(atime) }
        if let mtime = changes.mtime ?? changes.size.map({ _ in .now }) { inode.fields.mtime = moment(mtime) }
        inode.fields.ctime = now
    }

    /// Clears suid, and sgid where the group may execute. The tree's lock is held alone, the shard's too.
    /// Source: inode(7), chown(2): a directory keeps them.
    private func dropPrivileges(of inode: InodeReference) {
        guard !inode.fields.isDirectory else { return }
        tree.changeAttributes(of: inode) { inode in
            inode.fields.mode &= ~0o4000
            if inode.fields.mode & 0o010 != 0 { inode.fields.mode &= ~0o2000 }
        }
    }

    /// Whether `dropPrivileges` would change something. The lock of the shard is held.
    func hasPrivileges(_ inode: InodeReference) -> Bool {
        inode.fields.mode & 0o4000 != 0 || inode.fields.mode & 0o2010 == 0o2010
    }

    /// Clears suid and sgid of a file that was or will be written to. No lock is held.
    func clearPrivileges(of ino: Ino) {
        tree.lock.lockExclusive()
        defer { tree.lock.unlockExclusive() }
        guard let (inode, shard) = try? lockInode(ino) else { return }
        dropPrivileges(of: inode)
        shard.unlock()
    }

    // MARK: truncate

    private func setSize(of ino: Ino, to size: UInt64, isOpen: Bool) throws(StoreError) {
        guard size <= Limits.fileSizeMax else { throw .fileTooLarge }
        // A cut has to work when there is no memory. When there is some, its last piece is to take no more than it has.
        defer { endCut() }
        if size > 0 { try? reserve(MemoryNeed(segments: 1)) }
        let (inode, shard) = try lockFile(
            ino, reserving: { need(forSizeOf: $0, $1, to: size, isOpen: isOpen) },
            drawsOnReserve: { _ in true })
        defer { shard.unlock() }
        let wasClean = !inode.fields.state.contains(.dirty)
        // It is published again below; until then the lock is held.
        if wasClean, !isOpen { tree.dropPublished(inode, shard) }
        if size == 0 { tree.markRenewed(inode, shard) } else { tree.markDirty(inode, growsAtEnd: false) }
        if size <= inode.fields.liveSize { shard.dropSetAside(of: inode) }
        tree.changeLive(of: inode) { shard.truncate(&$0, to: size, &state.reservation) }
        guard !isOpen else { return }
        if wasClean || (size == 0 && inode.fields.state.contains(.published)) {
            tree.showLive(inode, shard)
        } else if inode.fields.state.contains(.published) {
            // Somebody else is in the middle of writing: what is published is cut, what they wrote stays theirs.
            tree.changePublished(of: inode, shard) { shard.truncate(&$0, to: size, &state.reservation) }
        }
    }

    /// What `setSize` may take at most: of the live content, and of a published one that is cut beside it.
    private func need(forSizeOf inode: InodeReference, _ shard: Shard, to size: UInt64, isOpen: Bool) -> MemoryNeed {
        let isDirty = inode.fields.state.contains(.dirty)
        // By path a clean file's published content goes first.
        var bytes = shard.pieceBytes(forSizeOf: inode.fields.live, to: size, holderCount: isOpen || isDirty ? 1 : 2)
        if !isOpen, isDirty, inode.fields.state.contains(.published) {
            bytes += shard.pieceBytes(forSizeOf: inode.fields.published, to: size, holderCount: 1)
        }
        return shard.need(forPieces: bytes)
    }

    /// Locks a regular file with as much in reserve as `need` says of it at that moment, and with room for what files
    /// take more then, which `growth` says.
    /// - Throws: isDirectory, invalid, noSpace, stale.
    func lockFile(
        _ ino: Ino, reserving need: (InodeReference, Shard) -> MemoryNeed,
        drawsOnReserve: (InodeReference) -> Bool = { _ in false },
        growth: (InodeReference, Shard) -> Int = { _, _ in 0 }
    ) throws(StoreError) -> (InodeReference, Shard) {
        try withMemory { () throws(StoreError) in
            let (inode, shard) = try lockFile(ino)
            let needed = need(inode, shard)
            let grown = limitsFiles ? growth(inode, shard) : 0
            if holds(needed), hasFileRoom(for: grown) { return .done((inode, shard)) }
            defer { shard.unlock() }
            return .needs(needed, growth: grown, drawsOnCutReserve: drawsOnReserve(inode))
        }
    }

    // MARK: symlinks and the whole

    /// readlink(2): copies the target into `buffer`, returns its whole length.
    /// - Throws: invalid (no symlink), stale.
    @unsafe public func readSymlink(_ ino: Ino, into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) -> Int {
        let (inode, shard) = try lockInode(ino)
        defer { shard.unlock() }
        guard inode.fields.isSymlink else { throw .invalid }
        let target = inode.fields.live
        let length = min(buffer.count, Int(target.size))
        if length > 0 {
            _ = unsafe shard.read(target, at: 0, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<length]))
        }
        return Int(target.size)
    }

    /// statfs(2).
    public func filesystemStatistics() -> FilesystemStatistics {
        let arena = arena
        let blockSize = 4096
        let limit = arena.limitBytes
        let used = arena.usedBytes
        let pinned = min(limit, max(0, used - evictableBytes - (tree.rules.evictsFiles ? fileBytes : 0)))
        let available = (limit - pinned) / blockSize
        let nodes = tree.counts
        // An inode takes an entry too, and a file seldom takes nothing else: a figure, not a bound.
        let inodesFree = UInt64(limit - pinned) / UInt64(Limits.nodeSizeTypical)
        let inodes = UInt64(nodes.files + nodes.directories + nodes.others) + inodesFree
        return FilesystemStatistics(
            blockSize: UInt64(blockSize), blocks: UInt64(limit / blockSize),
            blocksFree: UInt64(max(0, limit - used) / blockSize), blocksAvailable: UInt64(available), inodes: inodes,
            inodesFree: inodesFree)
    }
}

extension Tree {
    /// Counts of regular files, directories and other nodes.
    var counts: (files: Int, directories: Int, others: Int) {
        unsafe state.pointee.poolLock.withLock {
            unsafe (state.pointee.fileCount, state.pointee.directoryCount, state.pointee.otherNodeCount)
        }
    }
}
