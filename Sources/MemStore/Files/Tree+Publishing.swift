// Publishing: the two contents of a file, the live one that programs on the mount see and
// the published one that the port serves. While nobody writes they are one content with two holders.
import CShims

// Everything here: the lock of the inode's shard is held, and the inode is a regular file.
extension Tree {
    private func countPublished(from old: UInt64, to new: UInt64) {
        unsafe cs_add64(&state.pointee.publishedBytes, new &- old)
    }

    /// Bytes of all published contents.
    var publishedBytes: UInt64 { unsafe cs_load64(&state.pointee.publishedBytes) }

    /// Makes the live content the published one, with a new cas, if it is not yet.
    func publishLive(_ inode: InodeReference, _ shard: Shard) {
        guard inode.fields.state.contains(.dirty) else { return }
        dropPublished(inode, shard)
        shard.retain(inode.fields.live)
        inode.fields.published = inode.fields.live
        countPublished(from: 0, to: inode.fields.publishedSize)
        inode.fields.cas = shard.nextCas()
        inode.fields.state.remove([.dirty, .grownOnly, .stale, .won])
        inode.fields.state.insert(.published)
    }

    /// Ends the published content: the port misses from now on.
    func dropPublished(_ inode: InodeReference, _ shard: Shard) {
        guard inode.fields.state.contains(.published) else { return }
        countPublished(from: inode.fields.publishedSize, to: 0)
        shard.release(inode.fields.published)
        inode.fields.published = .empty
        inode.fields.state.remove(.published)
    }

    /// Puts a content that the port brought in the place of both, or of the published one beside a `live` one that has
    /// grown and stays dirty. The one holder of each becomes the inode.
    func replaceContents(
        of inode: InodeReference, with content: Content, live: Content? = nil, cas: UInt64, _ shard: Shard
    ) {
        dropPublished(inode, shard)
        shard.dropSetAside(of: inode)
        shard.release(inode.fields.live)
        if let live {
            inode.fields.live = live
            shard.noteOwner(of: live, ino: inode.ino)
        } else {
            shard.retain(content)
            inode.fields.live = content
            inode.fields.state.remove([.dirty, .grownOnly])
        }
        inode.fields.published = content
        shard.noteOwner(of: content, ino: inode.ino)
        countPublished(from: 0, to: content.size)
        inode.fields.cas = cas
        inode.fields.state.insert(.published)
        inode.fields.mtime = .now()
        inode.fields.ctime = inode.fields.mtime
    }

    /// Changes the published content alone, in place where nobody else holds its memory; it is a new version then.
    func changePublished(of inode: InodeReference, _ shard: Shard, _ change: (inout Content) -> Void) {
        let sizeBefore = inode.fields.publishedSize
        var published = inode.fields.published
        change(&published)
        inode.fields.published = published
        countPublished(from: sizeBefore, to: published.size)
        inode.fields.cas = shard.nextCas()
    }

    /// Marks the live content as about to differ. `growsAtEnd`: by an append through an O_APPEND handle.
    func markDirty(_ inode: InodeReference, growsAtEnd: Bool) {
        if !inode.fields.state.contains(.dirty) {
            inode.fields.state.insert(.dirty)
            inode.fields.state.insert(.grownOnly)
        }
        guard growsAtEnd else {
            inode.fields.state.remove(.grownOnly)
            return
        }
        guard rules.publishesAppends, inode.fields.state.isSuperset(of: [.grownOnly]),
            !inode.fields.state.contains(.appendQueued)
        else { return }
        inode.fields.state.insert(.appendQueued)
        unsafe state.pointee.appends.takeUnretainedValue()
            .append(ino: inode.ino, generation: inode.fields.generation)
    }
}

extension StoreSession {
    /// Publishes live content if the inode is dirty: one pointer swap, a new cas.
    public func publish(_ ino: Ino) {
        guard let (inode, shard) = try? lockInode(ino) else { return }
        if inode.fields.isRegular { tree.publishLive(inode, shard) }
        shard.unlock()
    }

    /// Publishes files that grow by O_APPEND and whose interval is over, at most `limit`; call it some times a second.
    /// - Returns: how many were looked at; `limit` means that there may be more.
    @discardableResult public func publishDueAppends(limit: Int) -> Int {
        let tree = tree
        for count in 0..<limit {
            guard let due = unsafe tree.state.pointee.appends.takeUnretainedValue().takeDue() else { return count }
            guard let (inode, shard) = try? lockInode(Ino(UInt64(due.ino))) else { continue }
            if inode.fields.generation == due.generation {
                inode.fields.state.remove(.appendQueued)
                if inode.fields.isRegular, inode.fields.state.isSuperset(of: [.dirty, .grownOnly]) {
                    tree.publishLive(inode, shard)
                }
            }
            shard.unlock()
        }
        return limit
    }
}
