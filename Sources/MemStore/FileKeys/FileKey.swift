// FileKey: from an inode to the key that names it, the reverse of PathResolver.
import Glibc

/// Memory for one key: the path is made at the end of it, the key at its begin.
///
/// SAFETY: its own memory, from `init` to `deallocate`; the key is valid until the next one is made.
@safe struct FileKeyBuffer {
    private let memory: UnsafeMutablePointer<UInt8>
    private let sizeBytes: Int

    /// Memory for the keys of a store with these rules.
    init(_ rules: ServingRules) {
        var prefixMax = 0
        for index in 0..<rules.prefixes.count { prefixMax = max(prefixMax, rules.prefixes[index].count) }
        sizeBytes = prefixMax + Limits.escapedPathLengthMax + Limits.pathLengthMax
        unsafe memory = .allocate(capacity: sizeBytes)
    }

    func deallocate() { unsafe memory.deallocate() }

    /// The key of a file by its first name. Nil: no key names it, or the serving user may not list or
    /// search a directory above it. The tree's lock is held.
    func key(of inode: InodeReference, in tree: Tree) -> Bytes? {
        guard let path = path(of: inode, in: tree) else { return nil }
        let rules = tree.rules
        // The prefix of the deepest directory above the file; of those that are alike the longest.
        var best: Int?
        for index in 0..<rules.prefixes.count where Self.isBelow(path, rules.directories[index]) {
            if let best, rules.directories[index].count <= rules.directories[best].count { continue }
            let key = key(path, prefix: index, rules)
            // Another prefix may take what this one makes.
            if PathKey.prefix(of: key, in: rules) == index { best = index }
        }
        return best.map { key(path, prefix: $0, rules) }
    }

    private static func isBelow(_ path: Bytes, _ directory: Bytes) -> Bool {
        guard path.count > directory.count, path[directory.count] == UInt8(ascii: "/") else { return false }
        return path[0..<directory.count].equals(directory)
    }

    private func key(_ path: Bytes, prefix index: Int, _ rules: ServingRules) -> Bytes {
        let prefix = rules.prefixes[index]
        unsafe prefix.copy(to: UnsafeMutableRawPointer(memory))
        let rest = path[rules.directories[index].count..<path.count]
        let length = unsafe PathKey.escape(rest, into: memory + prefix.count)
        return unsafe Bytes(UnsafeRawPointer(memory), count: prefix.count + length)
    }

    /// The path from the root on, written from its end to its begin. Nil: the serving user would not find it by listing one
    /// directory after the other, so its name is not told.
    func path(of inode: InodeReference, in tree: Tree) -> Bytes? {
        var start = sizeBytes
        var inode = inode
        while inode.ino != Tree.rootIno {
            // A directory that was removed has no name any more.
            guard inode.fields.firstEntry != 0 else { return nil }
            let entry = tree.entry(inode.fields.firstEntry)
            start -= entry.name.count + 1
            guard sizeBytes - start <= Limits.pathLengthMax else { return nil }
            unsafe memory[start] = UInt8(ascii: "/")
            unsafe entry.name.copy(to: UnsafeMutableRawPointer(memory + start + 1))
            inode = tree.inode(entry.fields.parent)
            guard tree.rules.allows(Access.read | Access.search, inode) else { return nil }
        }
        return unsafe Bytes(UnsafeRawPointer(memory + start), count: sizeBytes - start)
    }
}

extension StoreSession {
    /// The canonical key of a file: its prefix and its escaped path by the name that it got first. Nil: no key names it,
    /// or the serving user may not list or search a directory above it.
    public func key(of ino: Ino) -> [UInt8]? {
        let tree = tree
        let buffer = FileKeyBuffer(tree.rules)
        defer { buffer.deallocate() }
        tree.lock.lockShared(treeSlot)
        defer { tree.lock.unlockShared(treeSlot) }
        guard let inode = tree.inodeSlot(ino), !inode.fields.isFree, inode.fields.firstEntry != 0 else { return nil }
        return buffer.key(of: inode, in: tree)?.array
    }
}
