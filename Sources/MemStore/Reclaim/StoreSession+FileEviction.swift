// FileEviction: with --evict-files, files give way too: those that nobody has used for as long as the items that are
// evicted, or for the longest time when no item is left. A hand that goes round the inodes finds them.
import CShims

// The hand passes a file that was used since it came by last, and takes the mark of that away. It stays away from files
// that are open or have content that is not published yet. Directories and other nodes stay.
extension StoreSession {
    /// Inodes that the hand passes while the tree is held alone.
    private static let slotsPerStep = 512
    /// Full sweeps before giving up; after two, every use mark has been cleared once.
    private static let turnsMax = 3

    /// Evicts some files. False: there is none to evict. No lock is held.
    func evictFiles() -> Bool {
        let tree = tree
        guard tree.rules.evictsFiles else { return false }
        var turns = 0
        while turns < Self.turnsMax, tree.hasRoomForInvalidations {
            let slice = shared.slices.begin()
            tree.lock.lockExclusive()
            let didEvict = evictStep(&turns, unusedSince: .max)
            tree.lock.unlockExclusive()
            shared.slices.end(slice, .reclaim)
            if didEvict { return true }
        }
        return false
    }

    /// Evicts files that nobody has used for as long as the item that was evicted last, so that neither files nor items stay
    /// at the cost of the other: one step, or none when the hand has found no such file in this second. False: none was. No
    /// lock is held.
    func evictFilesBesideItems() -> Bool {
        let tree = tree
        let second = unsafe shared.evictions._withUnsafeGuaranteedRef { $0.lastAccessSecond }
        guard tree.rules.evictsFiles, second > 0, unsafe cs_load32(&shared.filesPassedSecond) != nowSecond,
            tree.hasRoomForInvalidations
        else { return false }
        let slice = shared.slices.begin()
        var turns = 0
        tree.lock.lockExclusive()
        let didEvict = evictStep(&turns, unusedSince: second)
        tree.lock.unlockExclusive()
        shared.slices.end(slice, .reclaim)
        if !didEvict, turns > 0 { unsafe cs_store32(&shared.filesPassedSecond, nowSecond) }
        return didEvict
    }

    /// Moves the hand on until a segment's worth of contents is free, for a step at most. Files that were used after
    /// `second` stay. The tree's lock is held alone.
    private func evictStep(_ turns: inout Int, unusedSince second: UInt32) -> Bool {
        let tree = tree
        var hand = tree.evictionHand
        var slotsLeft = Self.slotsPerStep
        var freed = 0
        while freed < arena.segmentSizeBytes, tree.hasRoomForInvalidations {
            guard let inode = tree.nextNamed(from: &hand, slotsLeft: &slotsLeft) else { break }
            guard let bytes = dropIfUnused(inode, since: second) else { continue }
            freed += bytes + Limits.nodeSizeTypical
            removeNames(of: inode)
            tree.countEviction()
            tree.freeIfUnused(inode.ino)
        }
        if hand == 0 { turns += 1 }
        tree.evictionHand = hand
        return freed > 0
    }

    /// Frees the content of a file that may be evicted, and returns its bytes. The inode itself lives until the last kernel
    /// has forgotten it. Nil: the file stays.
    private func dropIfUnused(_ inode: InodeReference, since second: UInt32) -> Int? {
        // All names go with the content, while the tree is held alone: a file with very many is not worth the pause.
        guard inode.fields.isRegular, inode.fields.linkCount <= Self.namesPerSlice else { return nil }
        let shard = shard(of: inode.ino)
        shard.lock()
        defer { shard.unlock() }
        // What was spoiled waits for nobody.
        let isSettled = inode.fields.state.contains(.published) && !inode.fields.state.contains(.dirty)
        guard inode.fields.openCount == 0, isSettled || inode.fields.state.contains(.spoiled) else { return nil }
        if inode.fields.state.contains(.used) {
            inode.fields.state.remove(.used)
            return nil
        }
        guard inode.fields.accessSecond <= second else { return nil }
        let bytes = Int(shard.allocatedBytes(inode.fields.live)) + shard.setAsideBytes(of: inode)
        tree.dropPublished(inode, shard)
        shard.dropSetAside(of: inode)
        shard.release(inode.fields.live)
        tree.setLive(of: inode, to: .empty)
        inode.fields.state.insert(.evicted)
        if inode.fields.exptime != .never { tree.clearExpiry(of: inode) }
        _ = tree.invalidate(.content, of: inode, token: 0)
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
