// FileOperations+Names: makes and removes names: mknod, mkdir, symlink, link,
// unlink, rmdir. (rename is in FileOperations+Rename.)

extension StoreSession {
    /// Makes a node of any type (regular files, FIFOs, sockets, devices) and counts a lookup of it.
    /// Group and setgid follow the parent directory; `mode` has the type bits.
    /// - Throws: exists, noEntry, notDirectory, nameTooLong, invalid, noSpace, stale.
    public func makeNode(
        _ name: Bytes, in parent: Ino, mode: UInt32, device: UInt32, caller: Caller
    ) throws(StoreError) -> Attributes {
        guard let type = FileType(rawValue: mode & FileType.mask), type != .directory, type != .symlink else {
            throw .invalid
        }
        let isDevice = type == .characterDevice || type == .blockDevice
        return try make(name, in: parent, mode: mode, caller: caller) { inode, _ in
            if isDevice { tree.changeAttributes(of: inode) { $0.fields.liveRoot = device } }
        }
    }

    /// mkdir(2); counts a lookup.
    /// - Throws: exists, noEntry, notDirectory, nameTooLong, noSpace, tooManyLinks, stale.
    public func makeDirectory(_ name: Bytes, in parent: Ino, mode: UInt32, caller: Caller) throws(StoreError)
        -> Attributes
    {
        let mode = mode & ~FileType.mask | FileType.directory.rawValue
        return try make(name, in: parent, mode: mode, caller: caller) { _, _ in }
    }

    /// symlink(2); counts a lookup.
    /// - Throws: exists, noEntry, notDirectory, nameTooLong, noSpace, stale.
    public func makeSymlink(_ name: Bytes, in parent: Ino, target: Bytes, caller: Caller) throws(StoreError)
        -> Attributes
    {
        guard target.count > 0 else { throw .noEntry }
        guard target.count < Limits.pathLengthMax else { throw .nameTooLong }
        let unmasked = Caller(uid: caller.uid, gid: caller.gid)
        let mode = FileType.symlink.rawValue | 0o777
        return try make(
            name, in: parent, mode: mode, caller: unmasked, need(forMaking: .bytes(target)),
            growth: Shard.pieceCostBytes(capacity: target.count)
        ) { inode, shard in
            tree.setLive(of: inode, to: shard.makeContent(.bytes(target), &state.reservation))
        }
    }

    /// link(2); counts a lookup of `ino`.
    /// - Throws: notPermitted (a directory), exists, noEntry, notDirectory, nameTooLong, tooManyLinks, noSpace, stale.
    public func link(_ ino: Ino, as name: Bytes, in parent: Ino) throws(StoreError) -> Attributes {
        try checkNewName(name)
        try makeFileRoom(for: growth(ofEntryWithName: name.count, inodeCount: 0))
        try reserve(MemoryNeed(blocks: Tree.blocksPerNode))
        let tree = tree
        tree.lock.lockExclusive()
        defer { tree.lock.unlockExclusive() }
        let directory = try livingDirectory(parent)
        guard let inode = tree.inodeSlot(ino), !inode.fields.isFree else { throw .stale }
        guard !inode.fields.isDirectory else { throw .notPermitted }
        guard inode.fields.linkCount > 0 else { throw .noEntry }
        guard inode.fields.linkCount < Limits.linkCountMax else { throw .tooManyLinks }
        if findLiving(name, in: directory.ino) != nil { throw .exists }
        guard tree.hasRoomForNode else { throw .noSpace }
        tree.addEntry(name, in: directory.ino, ino: inode.ino, &state.reservation)
        tree.changeLinks(of: inode, by: 1)
        tree.touchDirectory(directory)
        return try countLookup(of: inode.ino)
    }

    /// unlink(2). The inode lives on while it has lookups or handles.
    /// - Throws: noEntry, isDirectory, notDirectory, nameTooLong, stale.
    public func unlink(_ name: Bytes, in parent: Ino) throws(StoreError) {
        guard name.count <= Limits.nameLengthMax else { throw .nameTooLong }
        let freed = try unlinkExclusively(name, in: parent)
        tree.freeIfUnused(freed)
    }

    private func unlinkExclusively(_ name: Bytes, in parent: Ino) throws(StoreError) -> UInt32 {
        let tree = tree
        tree.lock.lockExclusive()
        defer { tree.lock.unlockExclusive() }
        let directory = try directory(parent)
        guard let entry = findLiving(name, in: directory.ino) else { throw .noEntry }
        let inode = tree.inode(entry.fields.ino)
        guard !inode.fields.isDirectory else { throw .isDirectory }
        tree.removeEntry(entry)
        tree.changeLinks(of: inode, by: -1)
        tree.touchDirectory(directory)
        return inode.ino
    }

    /// rmdir(2).
    /// - Throws: noEntry, notDirectory, notEmpty, invalid (`.`), nameTooLong, stale.
    public func removeDirectory(_ name: Bytes, in parent: Ino) throws(StoreError) {
        guard name.count <= Limits.nameLengthMax else { throw .nameTooLong }
        if name.equals(.dot) { throw .invalid }
        if name.equals(.dotDot) { throw .notEmpty }
        let freed = try removeDirectoryExclusively(name, in: parent)
        tree.freeIfUnused(freed)
    }

    private func removeDirectoryExclusively(_ name: Bytes, in parent: Ino) throws(StoreError) -> UInt32 {
        let tree = tree
        tree.lock.lockExclusive()
        defer { tree.lock.unlockExclusive() }
        let directory = try directory(parent)
        guard let entry = tree.find(name, in: directory.ino) else { throw .noEntry }
        let inode = tree.inode(entry.fields.ino)
        guard inode.fields.isDirectory else { throw .notDirectory }
        guard isEmpty(inode) else { throw .notEmpty }
        tree.removeEntry(entry)
        tree.changeLinks(of: inode, by: -2)
        tree.touchDirectory(directory, linkChange: -1)
        return inode.ino
    }

    /// Makes a node, lets `fill` complete it under the lock of its shard with `need` in reserve, and counts a lookup.
    private func make(
        _ name: Bytes, in parent: Ino, mode: UInt32, caller: Caller, _ need: MemoryNeed = MemoryNeed(),
        growth: Int = 0, _ fill: (InodeReference, Shard) -> Void
    ) throws(StoreError) -> Attributes {
        try checkNewName(name)
        try makeFileRoom(for: self.growth(ofEntryWithName: name.count, inodeCount: 1) + growth)
        try reserve(need.joined(with: MemoryNeed(blocks: Tree.blocksPerNode)))
        let tree = tree
        tree.lock.lockExclusive()
        defer { tree.lock.unlockExclusive() }
        let directory = try livingDirectory(parent)
        if findLiving(name, in: directory.ino) != nil { throw .exists }
        guard tree.hasRoomForNode else { throw .noSpace }
        let inode = addNode(
            name, in: directory, mode: mode & ~(caller.umask & 0o777), uid: caller.uid, gid: caller.gid)
        let shard = shard(of: inode.ino)
        shard.lock()
        fill(inode, shard)
        shard.unlock()
        return try countLookup(of: inode.ino)
    }
}
