// FileLookup: from the key of a file in a remembered directory to its inode, in steps, each of which fetches the memory that the
// next one reads. Several keys at a time wait for their memory together.
import CShims

/// Where the key of a file led. It is so as long as nobody changes the tree's structure or rights, which is seen when the
/// file is read.
public struct FoundFile: BitwiseCopyable {
    /// 0 = none was found this way: the key has to be resolved.
    let ino: UInt32
    /// The tree's when it was found.
    let generation: UInt64
}

/// One key on its way. The tree's lock is held from the first step to the last.
private struct FileLookup {
    /// The key's last component, or the whole key before `begin`.
    var name: Bytes
    var directory: UInt32 = 0
    var hash: UInt32 = 0
    /// The first entry of the name's bucket; 0 = nothing is found.
    var entry: UInt32 = 0
    var ino: UInt32 = 0

    @inline(__always) init(_ key: Bytes) { name = key }

    /// Finds the directory, if it is remembered.
    @inline(__always) mutating func begin(_ session: StoreSession, _ tree: Tree, generation: UInt64) {
        let key = name
        guard let directories = session.state.directories, let nameStart = PathKey.plainNameStart(of: key),
            let found = directories.find(key[0..<nameStart], generation: generation)
        else { return }
        directory = found
        name = key[nameStart..<key.count]
        hash = tree.hash(name, in: directory)
        tree.prefetchBucket(of: hash)
    }

    @inline(__always) mutating func findEntry(_ tree: Tree) {
        guard directory != 0 else { return }
        entry = tree.firstEntry(ofHash: hash)
        if entry != 0 { tree.entry(entry).prefetch() }
    }

    @inline(__always) mutating func findInode(_ tree: Tree) {
        guard let found = tree.find(name, in: directory, hash: hash, from: entry) else { return }
        ino = found.fields.ino
        tree.inode(ino).prefetch()
    }
}

/// Keys of files that are looked up together.
///
/// SAFETY: owns its memory, `capacity` lookups; every index is checked. The bytes of a key are read until `run` returns.
@safe public struct FileLookups: ~Copyable {
    private let lookups: UnsafeMutablePointer<FileLookup>
    private let capacity: Int
    private var count = 0
    /// The tree's in the last `run`.
    private var generation: UInt64 = 0

    public init(capacity: Int) {
        self.capacity = capacity
        unsafe lookups = .allocate(capacity: capacity)
    }

    deinit { unsafe lookups.deallocate() }

    public var isEmpty: Bool { count == 0 }

    /// Adds the key of a file; returns its index.
    public mutating func add(_ key: Bytes) -> Int {
        precondition(count < capacity, "more lookups than there is room for")
        unsafe (lookups + count).initialize(to: FileLookup(key))
        count += 1
        return count - 1
    }

    /// Looks all keys up, and fetches the beginnings of their contents.
    public mutating func run(_ session: StoreSession) {
        let tree = session.tree
        tree.lock.lockShared(session.treeSlot)
        defer { tree.lock.unlockShared(session.treeSlot) }
        generation = tree.lock.generation
        for index in 0..<count { unsafe lookups[index].begin(session, tree, generation: generation) }
        for index in 0..<count { unsafe lookups[index].findEntry(tree) }
        for index in 0..<count { unsafe lookups[index].findInode(tree) }
        for index in 0..<count {
            if let (shard, root) = content(index, session, tree) { shard.prefetchPiece(of: root) }
        }
        for index in 0..<count {
            if let (shard, root) = content(index, session, tree) { shard.prefetchBytes(of: root) }
        }
    }

    /// What a file that was found serves, about.
    @inline(__always) private func content(
        _ index: Int, _ session: StoreSession, _ tree: Tree
    ) -> (Shard, ContentReference)? {
        let ino = unsafe lookups[index].ino
        guard ino != 0 else { return nil }
        let inode = tree.inode(ino)
        return inode.fields.isRegular ? (session.shard(of: ino), inode.peekedRoot) : nil
    }

    /// The file that a key led to; not known of one whose directory is not remembered, or that names nothing.
    public func found(_ index: Int) -> FoundFile {
        precondition(index >= 0 && index < count, "a lookup that is not there")
        return unsafe FoundFile(ino: lookups[index].ino, generation: generation)
    }

    public mutating func clear() { count = 0 }
}

extension StoreSession {
    /// Looks one key up.
    func lookUp(_ key: Bytes) -> FoundFile {
        let tree = tree
        tree.lock.lockShared(treeSlot)
        defer { tree.lock.unlockShared(treeSlot) }
        let generation = tree.lock.generation
        var lookup = FileLookup(key)
        lookup.begin(self, tree, generation: generation)
        lookup.findEntry(tree)
        lookup.findInode(tree)
        return FoundFile(ino: lookup.ino, generation: generation)
    }
}
