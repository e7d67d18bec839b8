// Publishing: the two contents of a file. Programs on the mount see the live one, the ports serve the published one.
//
//       open, write, write …        close (or fsync, or an interval for logs)
//     ──────────┬────────────────────────────┬─────────────►
//     live      │ a version of its own       │ the same as what is published again
//     published │ stays as it was            │ one pointer changes, a new cas is given
//
// While nobody writes, both are one content with two holders. The first change makes the live one a version of its own
// (dirty), which copies no more than what is changed. Publishing lets go of the old published content and takes a holder of
// the live one: readers that are being sent the old one keep it until they are done.
//
// What is not published: a version in which a change failed for want of room (spoiled), until the file is cut to nothing or
// an fsync that follows has said so; a file that somebody else is still writing to other than by appending (the table of
// handles knows). A file that only grows (grownOnly) is a log and is published by an interval while it stays open. A file that
// was cut to nothing and written anew loses the flags and the exptime of the value before, as with any storage command; one
// that was appended to, touched or renamed keeps them. The ports replace both contents in one step (`replaceContents`).
//
// docs/semantics.md says for each way to write when it shows; docs/decisions/0007-publishing.md says why.
import CShims

// Everything here: the lock of the inode's shard is held, and the inode is a regular file.
extension Tree {
    private func countPublished(from old: UInt64, to new: UInt64) {
        unsafe cs_add64(&state.pointee.publishedBytes, new &- old)
    }

    /// Bytes of all published contents.
    var publishedBytes: UInt64 { unsafe cs_load64(&state.pointee.publishedBytes) }

    /// Makes the live content the published one, with a new cas, if it is not yet and no change of it has failed.
    func publishLive(_ inode: InodeReference, _ shard: Shard) {
        if !inode.fields.state.contains(.spoiled) { showLive(inode, shard) }
    }

    /// The same, whatever has failed.
    func showLive(_ inode: InodeReference, _ shard: Shard) {
        guard inode.fields.state.contains(.dirty) else {
            // What failed has changed nothing.
            inode.fields.state.subtract(.difference)
            return
        }
        releasePublished(inode, shard)
        shard.retain(inode.fields.live)
        inode.fields.published = inode.fields.live
        countPublished(from: 0, to: inode.fields.publishedSize)
        inode.fields.cas = shard.nextCas()
        if inode.fields.state.contains(.endsFlags) { inode.fields.flags = 0 }
        if inode.fields.state.contains(.endsExptime), inode.fields.exptime != .never {
            clearExpiry(of: inode)
        }
        inode.fields.state.subtract(InodeState.difference.union([.stale, .won]))
        inode.fields.state.insert(.published)
        tell(.published(inode))
    }

    /// Ends the published content: the port misses from now on.
    func dropPublished(_ inode: InodeReference, _ shard: Shard) {
        guard inode.fields.state.contains(.published) else { return }
        releasePublished(inode, shard)
        tell(.published(inode))
    }

    /// Lets go of the published content, where another takes its place or the inode ends.
    func releasePublished(_ inode: InodeReference, _ shard: Shard) {
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
        releasePublished(inode, shard)
        shard.dropSetAside(of: inode)
        shard.release(inode.fields.live)
        if let live {
            inode.fields.live = live
            shard.noteOwner(of: live, ino: inode.ino)
        } else {
            shard.retain(content)
            inode.fields.live = content
            inode.fields.state.subtract(.difference)
        }
        inode.fields.published = content
        shard.noteOwner(of: content, ino: inode.ino)
        countPublished(from: 0, to: content.size)
        inode.fields.cas = cas
        inode.fields.state.insert(.published)
        inode.fields.mtime = .now()
        inode.fields.ctime = inode.fields.mtime
        tell(.published(inode))
    }

    /// Changes the published content alone, in place where nobody else holds its memory; it is a new version then.
    func changePublished(of inode: InodeReference, _ shard: Shard, _ change: (inout Content) -> Void) {
        let sizeBefore = inode.fields.publishedSize
        var published = inode.fields.published
        change(&published)
        inode.fields.published = published
        countPublished(from: sizeBefore, to: published.size)
        inode.fields.cas = shard.nextCas()
        tell(.published(inode))
    }

    /// Marks the live content as about to differ. `growsAtEnd`: by an append through an O_APPEND handle.
    func markDirty(_ inode: InodeReference, growsAtEnd: Bool) {
        if !inode.fields.state.contains(.dirty) {
            inode.fields.state.insert(.dirty)
            if !inode.fields.state.contains(.spoiled) { inode.fields.state.insert(.grownOnly) }
        }
        guard growsAtEnd else {
            inode.fields.state.remove(.grownOnly)
            return
        }
        queueGrowth(of: inode)
    }

    /// Marks the live content as cut to nothing: what failed before is gone, and what comes is another value.
    func markRenewed(_ inode: InodeReference, _ shard: Shard) {
        shard.state.renewalCount &+= 1
        inode.fields.state.remove([.spoiled, .failureUnreported])
        inode.fields.state.insert([.dirty, .grownOnly, .endsFlags, .endsExptime])
    }

    /// Has a file that has only grown published when its interval is over.
    func queueGrowth(of inode: InodeReference) {
        guard rules.publishesAppends, inode.fields.hasGrown, !inode.fields.state.contains(.appendQueued) else { return }
        inode.fields.state.insert(.appendQueued)
        unsafe state.pointee.appends.takeUnretainedValue()
            .append(ino: inode.ino, generation: inode.fields.generation)
    }
}

extension StoreSession {
    /// Publishes live content if the inode is dirty: one pointer swap, a new cas.
    /// - Returns: false if it is held back, since a change of it has failed for want of room.
    @discardableResult public func publish(_ ino: Ino) -> Bool {
        guard let (inode, shard) = try? lockInode(ino) else { return true }
        defer { shard.unlock() }
        guard inode.fields.isRegular else { return true }
        tree.publishLive(inode, shard)
        return !inode.fields.state.isSuperset(of: [.dirty, .spoiled])
    }

    /// fsync(2): publishes live content. The first one after a change has failed says so instead; a program that goes on
    /// and asks again wants the file as it is.
    /// - Throws: noSpace.
    public func syncFile(_ ino: Ino) throws(StoreError) {
        guard let (inode, shard) = try? lockInode(ino) else { return }
        defer { shard.unlock() }
        guard inode.fields.isRegular else { return }
        if inode.fields.state.isSuperset(of: [.dirty, .failureUnreported]) {
            inode.fields.state.remove(.failureUnreported)
            throw .noSpace
        }
        tree.showLive(inode, shard)
    }

    /// Has a cut to nothing by a program that appends, and keeps the file open, published within the interval.
    public func publishCutSoon(_ ino: Ino) {
        guard let (inode, shard) = try? lockInode(ino) else { return }
        if inode.fields.isRegular { tree.queueGrowth(of: inode) }
        shard.unlock()
    }

    /// Runs a change of the live content. One that fails for want of room spoils the version: what is published stays.
    func spoilingOnFailure<R>(
        _ ino: Ino, isAppending: Bool = false, isOpen: Bool = true, _ change: () throws(StoreError) -> R
    ) throws(StoreError) -> R {
        do throws(StoreError) {
            return try change()
        } catch {
            if error.isWantOfRoom { spoil(ino, isAppending: isAppending, isOpen: isOpen) }
            throw error
        }
    }

    private func spoil(_ ino: Ino, isAppending: Bool, isOpen: Bool) {
        guard let (inode, shard) = try? lockInode(ino) else { return }
        defer { shard.unlock() }
        let isDirty = inode.fields.state.contains(.dirty)
        // A log is as it was without the line for which there was no room, and a file that nobody writes as well.
        if isAppending, !isDirty || inode.fields.hasGrown { return }
        guard inode.fields.isRegular, isOpen || isDirty else { return }
        inode.fields.state.remove(.grownOnly)
        inode.fields.state.insert([.spoiled, .failureUnreported])
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
                if inode.fields.isRegular, inode.fields.hasGrown {
                    tree.publishLive(inode, shard)
                }
            }
            shard.unlock()
        }
        return limit
    }
}
