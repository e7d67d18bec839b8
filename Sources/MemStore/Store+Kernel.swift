// Store+Kernel: queries about inodes for the threads that invalidate the kernel's caches. They have no session, since these
// threads come and go.

extension Store {
    /// Whether a kernel has been told of an inode, or is about to be, and has not forgotten it.
    public func isKnown(_ ino: Ino) -> Bool {
        if ino == .root { return true }
        return withInode(ino) { inode, _ in inode.fields.lookupCount > 0 } ?? false
    }

    /// The last byte of a regular file's live content, and where it is; nil for an empty file and for all else.
    public func lastByte(of ino: Ino) -> (offset: UInt64, byte: UInt8)? {
        let last = withInode(ino) { inode, shard -> (offset: UInt64, byte: UInt8)? in
            guard inode.fields.isRegular, inode.fields.liveSize > 0 else { return nil }
            let offset = inode.fields.liveSize - 1
            var byte: UInt8 = 0
            _ = unsafe withUnsafeMutableBytes(of: &byte) { unsafe shard.read(inode.fields.live, at: offset, into: $0) }
            return (offset, byte)
        }
        return last ?? nil
    }

    private func withInode<R>(_ ino: Ino, _ body: (InodeReference, Shard) -> R) -> R? {
        guard let number = UInt32(exactly: ino.rawValue) else { return nil }
        let shard = unsafe Shard(shared.pointee.shards + Int(number) % shared.pointee.shardCount)
        shard.lock()
        defer { shard.unlock() }
        guard let inode = tree.existingInode(number) else { return nil }
        return body(inode, shard)
    }
}
