// TreeLinks: makes and removes inodes and the entries that name them.

extension Tree {
    /// A new inode without a name, one link, times of now. The reservation holds a block.
    func makeInode(
        mode: UInt32, uid: UInt32, gid: UInt32, nowSecond: UInt32, _ reservation: inout Reservation
    ) -> InodeReference {
        let (ino, generation) = unsafe state.pointee.poolLock.withLock {
            count(type: mode & FileType.mask, by: 1)
            unsafe state.pointee.lastGeneration &+= 1
            let ino = unsafe state.pointee.inodes.allocate(units: 1, &reservation)
            unsafe state.pointee.lastIno = max(state.pointee.lastIno, ino)
            return unsafe (ino, state.pointee.lastGeneration)
        }
        let now = Timestamp.now()
        let inode = inode(ino)
        inode.fields = Inode(
            mode: UInt16(mode), state: [], uid: uid, gid: gid, linkCount: 1, atimeSeconds: now.seconds,
            mtimeSeconds: now.seconds, ctimeSeconds: now.seconds, atimeNanoseconds: now.nanoseconds,
            mtimeNanoseconds: now.nanoseconds, ctimeNanoseconds: now.nanoseconds, generation: generation,
            liveRoot: 0, publishedRoot: 0, liveSize: 0, publishedSize: 0, cas: 0, lookupCount: 0, openCount: 0,
            flags: 0, exptimeSecond: 0, firstEntry: 0, extendedRoot: 0, extendedSize: 0,
            accessSecond: nowSecond, expiryIndex: 0)
        switch mode & FileType.mask {
        case FileType.directory.rawValue:
            inode.fields.linkCount = 2
            inode.fields.lastCookie = DirectoryCookie.parent
        case FileType.regular.rawValue:
            inode.fields.state = [.dirty, .grownOnly]
        default: break
        }
        tell(.attributes(inode))
        return inode
    }

    private func count(type: UInt32, by change: Int) {
        switch type {
        case FileType.regular.rawValue: unsafe state.pointee.fileCount += change
        case FileType.directory.rawValue: unsafe state.pointee.directoryCount += change
        default: unsafe state.pointee.otherNodeCount += change
        }
    }

    /// Frees an inode without names, lookups and handles, with all its contents. No shard's lock may be held.
    func freeIfUnused(_ ino: UInt32) {
        let inode = inode(ino)
        let shard = shard(of: ino)
        shard.lock()
        guard !inode.fields.isFree, inode.fields.linkCount == 0, inode.fields.lookupCount == 0,
            inode.fields.openCount == 0
        else {
            shard.unlock()
            return
        }
        if inode.fields.isRegular {
            releasePublished(inode, shard)
            shard.dropSetAside(of: inode)
            shard.release(inode.fields.live)
        } else if inode.fields.isSymlink {
            shard.release(inode.fields.live)
        }
        shard.release(inode.fields.extended)
        // Whoever moves a block and takes this for its file sees that it is not.
        inode.fields.live = .empty
        if inode.fields.exptimeSecond != 0 { clearExpiry(of: inode) }
        tell(.inodeGone(inode))
        unsafe state.pointee.poolLock.withLock {
            count(type: inode.fields.type, by: -1)
            inode.fields.mode = 0
            unsafe state.pointee.inodes.free(ino)
        }
        shard.unlock()
    }

    /// The first inode from the number `next` on that has a name, among at most `slotsLeft` slots; both go on behind it.
    /// Nil with a `next` of 0: none follows. The tree's lock is held, so what is found stays.
    func nextNamed(from next: inout UInt32, slotsLeft: inout Int) -> InodeReference? {
        unsafe state.pointee.poolLock.withLock {
            while slotsLeft > 0 {
                guard let slot = unsafe state.pointee.inodes.nextSlot(from: next) else {
                    next = 0
                    return nil
                }
                next = slot + 1
                slotsLeft -= 1
                let inode = inode(slot)
                if !inode.fields.isFree, inode.fields.firstEntry != 0 { return inode }
            }
            return nil
        }
    }

    /// Adds an entry. The tree's lock is held alone, the name is not there yet, the reservation holds two blocks.
    /// Link counts are the caller's.
    func addEntry(_ name: Bytes, in parent: UInt32, ino: UInt32, _ reservation: inout Reservation) {
        let units = Entry.units(nameLength: name.count)
        let reference = unsafe state.pointee.poolLock.withLock {
            unsafe state.pointee.entries.allocate(units: units, &reservation)
        }
        let entry = entry(reference)
        entry.initialize(
            to: Entry(
                hashNext: 0, parent: parent, ino: 0, nextLink: 0, cookie: 0, left: 0, right: 0,
                hash: hash(name, in: parent), previousLink: 0, nameLength: UInt8(name.count)),
            name: name)
        let directory = inode(parent)
        insertIntoIndex(entry, &reservation)
        appendToOrder(entry, of: directory)
        directory.fields.entryCount += 1
        attach(entry, to: inode(ino))
    }

    /// Removes an entry. The tree's lock is held alone. Link counts are the caller's.
    func removeEntry(_ entry: EntryReference) {
        tell(.nameGone(entry))
        let directory = inode(entry.fields.parent)
        detach(entry)
        removeFromOrder(entry, of: directory)
        removeFromIndex(entry)
        directory.fields.entryCount -= 1
        unsafe state.pointee.poolLock.withLock { unsafe state.pointee.entries.free(entry.reference) }
    }

    /// Makes an entry name an inode: behind the inode's first entry, which so stays the first.
    func attach(_ entry: EntryReference, to inode: InodeReference) {
        entry.fields.ino = inode.ino
        entry.fields.previousLink = 0
        entry.fields.nextLink = 0
        if inode.fields.firstEntry == 0 {
            inode.fields.firstEntry = entry.reference
        } else {
            insert(entry, behind: self.entry(inode.fields.firstEntry))
        }
        tell(.name(entry))
    }

    private func insert(_ entry: EntryReference, behind first: EntryReference) {
        entry.fields.previousLink = first.reference
        entry.fields.nextLink = first.fields.nextLink
        if first.fields.nextLink != 0 { self.entry(first.fields.nextLink).fields.previousLink = entry.reference }
        first.fields.nextLink = entry.reference
    }

    /// Ends an entry's naming of its inode.
    func detach(_ entry: EntryReference) {
        let next = entry.fields.nextLink
        let previous = entry.fields.previousLink
        if previous != 0 {
            self.entry(previous).fields.nextLink = next
        } else {
            inode(entry.fields.ino).fields.firstEntry = next
        }
        if next != 0 { self.entry(next).fields.previousLink = previous }
    }

    /// The directory that holds a directory's one entry; the root is its own.
    func parent(of directory: UInt32) -> UInt32 {
        let first = inode(directory).fields.firstEntry
        return first == 0 ? directory : entry(first).fields.parent
    }
}
