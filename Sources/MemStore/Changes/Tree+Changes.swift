// Change+Notes: records changes for those who must know, where they have seen what changed.

extension Tree {
    /// Whether a kernel may have cached something of the inode. The lock of its shard is held.
    private func isKnown(_ inode: InodeReference) -> Bool {
        inode.fields.lookupCount > 0 || inode.ino == Self.rootIno
    }

    /// Records a change of one inode; the lock of its shard is held.
    func note(_ kind: Change.Kind, of inode: InodeReference, token: UInt64) -> Int {
        let changes = unsafe state.pointee.changes
        return unsafe changes._withUnsafeGuaranteedRef { stream in
            guard stream.isRecording, isKnown(inode) else { return 0 }
            stream.record(kind, ino: inode.ino, token: token)
            return token == 0 ? 0 : 1
        }
    }

    /// Whether the stream takes more notices.
    var hasRoomForNotes: Bool { unsafe state.pointee.changes._withUnsafeGuaranteedRef { $0.hasRoom } }

    var isRecording: Bool { unsafe state.pointee.changes._withUnsafeGuaranteedRef { $0.isRecording } }

    func recordEntry(_ name: Bytes, in parent: UInt32, ino: UInt32, token: UInt64) {
        unsafe state.pointee.changes._withUnsafeGuaranteedRef {
            $0.record(.entry, ino: ino, parent: parent, name: name, token: token)
        }
    }
}

extension StoreSession {
    /// Records that a directory got, lost or replaced an entry, and so changed itself. The tree's lock is held, no
    /// shard's is.
    /// - Returns: notices that the token waits for.
    @discardableResult func noteEntry(_ name: Bytes, in parent: UInt32, ino: UInt32, token: UInt64) -> Int {
        let tree = tree
        guard tree.isRecording else { return 0 }
        let directory = tree.inode(parent)
        let shard = shard(of: parent)
        shard.lock()
        let isKnown = directory.fields.lookupCount > 0 || parent == Tree.rootIno
        let noticed = tree.note(.content, of: directory, token: token)
        shard.unlock()
        guard isKnown else { return 0 }
        tree.recordEntry(name, in: parent, ino: ino, token: token)
        return noticed + (token == 0 ? 0 : 1)
    }
}
