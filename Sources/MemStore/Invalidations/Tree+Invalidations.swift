// Tree+Invalidations: records what a kernel must forget, where it may have cached it.

extension Tree {
    /// Whether a kernel may have cached something of the inode. The lock of its shard is held.
    private func isKnown(_ inode: InodeReference) -> Bool {
        inode.fields.lookupCount > 0 || inode.ino == Self.rootIno
    }

    /// Records that one inode has changed; the lock of its shard is held.
    /// - Returns: invalidations that the token waits for.
    func invalidate(_ kind: Invalidation.Kind, of inode: InodeReference, token: UInt64) -> Int {
        let stream = unsafe state.pointee.invalidations
        return unsafe stream._withUnsafeGuaranteedRef { stream in
            guard stream.isRecording, isKnown(inode) else { return 0 }
            stream.record(kind, ino: inode.ino, token: token)
            return token == 0 ? 0 : 1
        }
    }

    /// Whether the stream takes more.
    var hasRoomForInvalidations: Bool { unsafe state.pointee.invalidations._withUnsafeGuaranteedRef { $0.hasRoom } }

    var isRecording: Bool { unsafe state.pointee.invalidations._withUnsafeGuaranteedRef { $0.isRecording } }

    func recordEntry(_ name: Bytes, in parent: UInt32, ino: UInt32, token: UInt64) {
        unsafe state.pointee.invalidations._withUnsafeGuaranteedRef {
            $0.record(.entry, ino: ino, parent: parent, name: name, token: token)
        }
    }
}

extension StoreSession {
    /// Records that a directory got, lost or replaced an entry, and so changed itself. The tree's lock is held, no
    /// shard's is.
    /// - Returns: invalidations that the token waits for.
    @discardableResult func invalidateEntry(_ name: Bytes, in parent: UInt32, ino: UInt32, token: UInt64) -> Int {
        let tree = tree
        guard tree.isRecording else { return 0 }
        let directory = tree.inode(parent)
        let shard = shard(of: parent)
        shard.lock()
        let isKnown = directory.fields.lookupCount > 0 || parent == Tree.rootIno
        let waited = tree.invalidate(.content, of: directory, token: token)
        shard.unlock()
        guard isKnown else { return 0 }
        tree.recordEntry(name, in: parent, ino: ino, token: token)
        return waited + (token == 0 ? 0 : 1)
    }
}
