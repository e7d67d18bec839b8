// The short way to a published file. What is not as common is left to the general way (FileItems.swift), which serves the same.
import CShims

extension StoreSession {
    /// Shows a file that was found, if it is as most are: open to the serving user, published, its time not come. Takes the lock
    /// of its shard alone. Of a value that is not in one piece `isLeft` tells.
    public func beginQuickGet(_ found: FoundFile, withCas: Bool) -> QuickView {
        guard found.ino != 0 else { return unsafe QuickView(nil) }
        let tree = tree
        let shard = shard(of: found.ino)
        shard.lock()
        // The inode is looked at only if it is sure to be the one that was found.
        guard tree.lock.generation == found.generation, isServed(tree.inode(found.ino), tree) else {
            shard.unlock()
            return unsafe QuickView(nil)
        }
        let inode = tree.inode(found.ino)
        guard let value = shard.onePiece(of: inode.fields.published) else {
            return unsafe QuickView(nil, flags: found.ino, shard: Int32(shard.number))
        }
        countAccess(inode)
        return unsafe QuickView(
            value.pointer, length: value.count, flags: inode.fields.flags, cas: withCas ? shownCas(inode) : 0,
            shard: Int32(shard.number))
    }

    @inline(__always) private func isServed(_ inode: InodeReference, _ tree: Tree) -> Bool {
        inode.fields.isRegular && inode.fields.state.contains(.published) && tree.rules.allows(Access.read, inode)
            && !inode.fields.exptime.isDue(at: nowSecond)
    }

    /// Finds the item or published file of `key` as `beginGet` does, after a quick get that neither hit nor missed.
    public func beginGet(_ key: Bytes, hash: UInt64, after quick: QuickView) -> ItemView {
        guard quick.isLeft else { return beginGet(key, hash: hash) }
        var view = ItemView()
        let inode = tree.inode(quick.flags)
        show(inode, shard(number: Int(quick.shard)), in: &view)
        countAccess(inode)
        return view
    }
}

extension Shard {
    /// The bytes of a content that is one piece or one block and all in memory; nil of others, and of an empty one.
    @inline(__always) fileprivate func onePiece(of content: Content) -> Bytes? {
        let size = Int(truncatingIfNeeded: content.size)
        guard size > 0, size <= arena.blockSizeBytes else { return nil }
        let memory = unsafe memory(ofLeaf: ContentReference(rawValue: content.root))
        return unsafe memory.count >= size ? Bytes(memory.baseAddress, count: size) : nil
    }

    /// Fetches what leads to the bytes of a published content, then the bytes. Need no lock: they are hints.
    @inline(__always) func prefetchPiece(of root: ContentReference) {
        if let piece = root.piece { state.pieces.prefetch(piece) }
    }
    @inline(__always) func prefetchBytes(of root: ContentReference) {
        if let piece = root.piece {
            let place = state.pieces.peekPlace(piece)
            if place != 0 { prefetch(place) }
        } else if let block = root.block {
            unsafe cs_prefetch(arena.address(ofBlock: block))
            unsafe cs_prefetch(arena.address(ofBlock: block) + 64)
        }
    }
}
