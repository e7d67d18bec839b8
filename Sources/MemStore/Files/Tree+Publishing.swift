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

    /// Makes the live content the published one, with a new cas, if it is not yet and nothing of it has failed.
    func publishLive(_ inode: InodeReference, _ shard: Shard) {
        guard inode.fields.state.contains(.dirty), !inode.fields.state.contains(.spoiled) else { return }
        dropPublished(inode, shard)
        if inode.fields.liveSize > 0 { resetReplaced(inode) }
        shard.retain(inode.fields.live)
        inode.fields.published = inode.fields.live
        countPublished(from: 0, to: inode.fields.publishedSize)
        inode.fields.cas = shard.nextCas()
        inode.fields.state.subtract(InodeState.ofLiveVersion.union([.stale, .won]))
        inode.fields.state.insert(.published)
    }

    /// A new value that was written after a cut to nothing has flags and an expiry of its own: none, unless a program has set
    /// them since the cut.
    private func resetReplaced(_ inode: InodeReference) {
        if inode.fields.state.contains(.resetsFlags) { inode.fields.flags = 0 }
        if inode.fields.state.contains(.resetsExptime), inode.fields.exptimeSecond != 0 { clearExpiry(of: inode) }
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
            inode.fields.state.subtract(.ofLiveVersion)
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
        if inode.fields.state.contains(.grownOnly) { publishLater(inode) }
    }

    /// Marks the live content as cut to nothing: what is written from now on is a new version, whatever happened to the one
    /// before. `awaitsContent`: by somebody who may be about to bring the new content; else the cut itself is shown within the
    /// interval.
    func markCutToNothing(_ inode: InodeReference, awaitsContent: Bool) {
        inode.fields.state.formUnion([.dirty, .grownOnly, .resetsFlags, .resetsExptime])
        inode.fields.state.remove([.spoiled, .awaitsContent])
        if awaitsContent { inode.fields.state.insert(.awaitsContent) } else { publishLater(inode) }
    }

    /// Notes that a part of the live version could not be made. A version that only grew has lost nothing by an append that
    /// failed.
    func markSpoiled(_ inode: InodeReference, byAppend: Bool) {
        let isWhole = !inode.fields.state.contains(.dirty) || inode.fields.state.contains(.grownOnly)
        if byAppend, isWhole { return }
        inode.fields.state.insert(.spoiled)
        inode.fields.state.remove(.grownOnly)
    }

    /// Nobody who cut the file is about to bring new content any more: the cut is shown within the interval.
    func showCut(_ inode: InodeReference) {
        guard inode.fields.state.contains(.awaitsContent) else { return }
        inode.fields.state.remove(.awaitsContent)
        if inode.fields.state.isSuperset(of: [.dirty, .grownOnly]) { publishLater(inode) }
    }

    /// Has a version that only grows published when the interval is over.
    private func publishLater(_ inode: InodeReference) {
        guard rules.publishesAppends, !inode.fields.state.contains(.appendQueued) else { return }
        inode.fields.state.insert(.appendQueued)
        unsafe state.pointee.appends.takeUnretainedValue()
            .append(ino: inode.ino, generation: inode.fields.generation)
    }
}

extension StoreSession {
    /// Publishes live content if the inode is dirty: one pointer swap, a new cas. A version that lacks something, since a
    /// part of it could not be written, stays unpublished unless `isSynced`: fsync(2) has told the program that all is well.
    public func publish(_ ino: Ino, isSynced: Bool = false) {
        guard let (inode, shard) = try? lockInode(ino) else { return }
        if isSynced { inode.fields.state.remove(.spoiled) }
        if inode.fields.isRegular { tree.publishLive(inode, shard) }
        shard.unlock()
    }

    /// Runs a change of live content, and notes when it fails for want of room: what the program meant to write is not there.
    /// - Parameter byAppend: it adds to the end, through an O_APPEND handle.
    func noting<R>(
        failureOf ino: Ino, byAppend: Bool = false, _ change: () throws(StoreError) -> R
    ) throws(StoreError) -> R {
        do throws(StoreError) {
            return try change()
        } catch {
            if error == .noSpace || error == .fileTooLarge, let (inode, shard) = try? lockFile(ino) {
                tree.markSpoiled(inode, byAppend: byAppend)
                shard.unlock()
            }
            throw error
        }
    }

    /// What is shown when an open file is released: its changes, unless somebody else is in the middle of his; a cut to nothing
    /// even then, within the interval. The lock of the inode's shard is held.
    func settle(_ inode: InodeReference, _ shard: Shard, _ release: HandleRelease) {
        let isLast = inode.fields.openCount == 0
        if isLast || !release.othersHoldBack {
            if isLast || release.hasChanges { tree.publishLive(inode, shard) }
            // What failed has left nothing behind.
            if !inode.fields.state.contains(.dirty) { inode.fields.state.remove(.spoiled) }
        } else if release.hasChanges, !release.othersAwaitContent {
            tree.showCut(inode)
        }
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
                if inode.fields.isRegular, inode.fields.state.isSuperset(of: [.dirty, .grownOnly]),
                    !inode.fields.state.contains(.awaitsContent)
                {
                    tree.publishLive(inode, shard)
                }
            }
            shard.unlock()
        }
        return limit
    }
}
