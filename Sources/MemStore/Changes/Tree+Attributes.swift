// Tree+Attributes: the places where attributes and live contents change (see TreeChange.swift).

// In all of them the lock of the inode's shard is held; for mode, owner and links the tree's lock is held alone too.
extension Tree {
    /// Changes attributes of an inode.
    @inline(__always) func changeAttributes(of inode: InodeReference, _ change: (InodeReference) -> Void) {
        change(inode)
        tell(.attributes(inode))
    }

    /// Sets mtime and ctime to one moment, now.
    @inline(__always) func touch(_ inode: InodeReference) {
        changeAttributes(of: inode) { inode in
            inode.fields.mtime = .now()
            inode.fields.ctime = inode.fields.mtime
        }
    }

    /// Changes the content that programs on the mount see, and so its times.
    @inline(__always) func changeLive(of inode: InodeReference, _ change: (inout Content) -> Void) {
        var live = inode.fields.live
        change(&live)
        inode.fields.live = live
        inode.fields.mtime = .now()
        inode.fields.ctime = inode.fields.mtime
        tell(.live(inode))
    }

    /// Gives a new symlink its target, or takes a file's content. The times stay.
    func setLive(of inode: InodeReference, to content: Content) {
        inode.fields.live = content
        tell(.live(inode))
    }
}

// The tree's lock is held alone, no shard's is.
extension Tree {
    /// Changes an inode's link count, and so its ctime.
    func changeLinks(of inode: InodeReference, by change: Int) {
        shard(of: inode.ino).state.lock.withLock {
            changeAttributes(of: inode) { inode in
                inode.fields.linkCount = UInt32(Int(inode.fields.linkCount) + change)
                inode.fields.ctime = .now()
            }
        }
    }

    /// Sets the times of a directory whose entries changed.
    func touchDirectory(_ directory: InodeReference, linkChange: Int = 0) {
        shard(of: directory.ino).state.lock.withLock {
            directory.fields.linkCount = UInt32(Int(directory.fields.linkCount) + linkChange)
            touch(directory)
        }
    }
}
