// FileDump: walking through all files that the port serves, in slices, for the commands that list keys.

/// Where a walk through the files goes on. A file that is there throughout is shown once.
public struct FileDumpCursor: Sendable {
    /// The next inode number.
    var next: UInt32 = 1
    /// The walk is over.
    public internal(set) var isAtEnd = false
    /// A walk from the first file on.
    public init() {}
}

extension StoreSession {
    /// Inodes looked at for each file that is asked for, so that a slice without files ends too.
    private static let slotsPerFile = 8

    /// Calls `body` for at most `countMax` (> 0) of the files from the cursor on that a get of their canonical key would
    /// show, without counting an access. Names do not change meanwhile: only copy.
    public func dumpFiles(_ cursor: inout FileDumpCursor, countMax: Int, _ body: (DumpedItem) -> Void) {
        guard !cursor.isAtEnd else { return }
        let tree = tree
        let buffer = FileKeyBuffer(tree.rules)
        defer { buffer.deallocate() }
        tree.lock.lockShared(treeSlot)
        defer { tree.lock.unlockShared(treeSlot) }
        var shown = 0
        var slotsLeft = countMax * Self.slotsPerFile
        while shown < countMax, let inode = tree.nextNamed(from: &cursor.next, slotsLeft: &slotsLeft) {
            guard let key = servedKey(of: inode, buffer), let item = dumped(inode, key) else { continue }
            body(item)
            shown += 1
        }
        cursor.isAtEnd = cursor.next == 0
    }

    private func servedKey(of inode: InodeReference, _ buffer: FileKeyBuffer) -> Bytes? {
        guard inode.fields.isRegular, tree.rules.allows(Access.read, inode) else { return nil }
        return buffer.key(of: inode, in: tree)
    }

    private func dumped(_ inode: InodeReference, _ key: Bytes) -> DumpedItem? {
        let shard = shard(of: inode.ino)
        shard.lock()
        defer { shard.unlock() }
        guard inode.fields.state.contains(.published), !inode.fields.exptime.isDue(at: nowSecond) else { return nil }
        let length = Int(inode.fields.publishedSize)
        return DumpedItem(
            key: key, flags: inode.fields.flags, exptime: inode.fields.exptime,
            lastAccessSecond: inode.fields.accessSecond, cas: shownCas(inode),
            wasFetched: inode.fields.state.contains(.fetched), isBinaryKey: inode.fields.state.contains(.binaryKey),
            valueLength: length,
            sizeBytes: ItemSize.bytes(
                keyLength: key.count, flags: inode.fields.flags, valueLength: length, hasCas: tree.rules.hasCas))
    }
}
