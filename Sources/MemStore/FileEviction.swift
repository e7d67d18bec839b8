// FileEviction: with --evict-files, files give way too when nothing else does: those that nobody has read for
// the longest time, found by a hand that goes round the inodes.

// The hand passes a file that was used since it came by last, and takes the mark of that away. It stays away from files
// that are open or have content that is not published yet. Directories and other nodes stay.
extension StoreSession {
    /// Inodes that the hand passes while the tree is held alone.
    private static let slotsPerStep = 512
    /// Ends of the inodes that the hand passes before it gives up: at the second it has cleared every mark.
    private static let turnsMax = 3

    /// Evicts some files. False: there is none to evict. No lock is held.
    func evictFiles() -> Bool {
        let tree = tree
        guard tree.rules.evictsFiles else { return false }
        var turns = 0
        while turns < Self.turnsMax, tree.hasRoomForNotes {
            let slice = shared.slices.begin()
            tree.lock.lockExclusive()
            let didEvict = evictStep(&turns)
            tree.lock.unlockExclusive()
            shared.slices.end(slice, .reclaim)
            if didEvict { return true }
        }
        return false
    }

    /// Moves the hand on until a segment's worth of contents is free, for a step at most. The tree's lock is held alone.
    private func evictStep(_ turns: inout Int) -> Bool {
        let tree = tree
        var hand = tree.evictionHand
        var slotsLeft = Self.slotsPerStep
        var freed = 0
        while freed < arena.segmentSizeBytes, tree.hasRoomForNotes {
            guard let inode = tree.nextNamed(from: &hand, slotsLeft: &slotsLeft) else { break }
            guard let bytes = dropIfUnused(inode) else { continue }
            freed += bytes + Limits.nodeSizeTypical
            removeNames(of: inode)
            tree.countEviction()
            tree.freeIfUnused(inode.ino, self)
        }
        if hand == 0 { turns += 1 }
        tree.evictionHand = hand
        return freed > 0
    }

    /// Frees the content of a file that may be evicted, and returns its bytes. The inode itself lives until the last kernel
    /// has forgotten it. Nil: the file stays.
    private func dropIfUnused(_ inode: InodeReference) -> Int? {
        guard inode.fields.isRegular else { return nil }
        let shard = shard(of: inode.ino)
        shard.lock()
        defer { shard.unlock() }
        guard inode.fields.openCount == 0, inode.fields.state.contains(.published), !inode.fields.state.contains(.dirty)
        else { return nil }
        if inode.fields.state.contains(.used) {
            inode.fields.state.remove(.used)
            return nil
        }
        let bytes = Int(shard.allocatedBytes(inode.fields.live)) + shard.setAsideBytes(of: inode)
        tree.dropPublished(inode, shard, self)
        shard.dropSetAside(of: inode)
        shard.release(inode.fields.live)
        inode.fields.live = .empty
        inode.fields.state.insert(.evicted)
        if inode.fields.exptime != .never { tree.setExpiry(of: inode, to: .never, self) }
        _ = tree.note(.content, of: inode, token: 0)
        return bytes
    }
}

extension Tree {
    /// Where the hand stands. The tree's lock is held alone.
    fileprivate var evictionHand: UInt32 {
        get { unsafe state.pointee.evictionHand }
        nonmutating set { unsafe state.pointee.evictionHand = newValue }
    }

    fileprivate func countEviction() {
        unsafe state.pointee.poolLock.withLock { unsafe state.pointee.evictedCount += 1 }
    }
}
