// PathResolver: from a path to an inode, as open(2) goes, by the serving user's
// rights.

/// Where a path leads.
struct Resolution {
    enum Kind {
        /// To `ino`.
        case found
        /// `name` is missing in the directory `parent`; `rest` follows it.
        case missing
        /// Something before the end is no directory.
        case notDirectory
        /// A directory on the way may not be searched.
        case denied
        /// Nowhere: out of the tree, through too many symlinks, or over the length of paths.
        case nowhere
    }
    var kind = Kind.nowhere
    var ino: UInt32 = 0
    /// The directory of the last component looked at, and the component. For a symlink that was followed: of its target.
    var parent: UInt32 = 0
    var name = Bytes.empty
    var rest = Bytes.empty

    /// What a read says that did not find its file.
    var fileMiss: FileMiss? {
        switch kind {
        case .found: nil
        case .missing, .notDirectory: .absent
        case .denied: .denied
        case .nowhere: .nowhere
        }
    }
}

/// A walk along a path. The tree's lock is held, by the session's slot or alone, from the start until the result,
/// whose bytes lie in the path or in the session's scratch memory, is used up.
struct PathWalk {
    /// Scratch memory of a session: a decoded path, and two that symlinks lead through in turn.
    static let scratchSizeBytes = 3 * bufferSizeBytes
    private static let bufferSizeBytes = 8192

    private var directory: UInt32
    private var rest: Bytes
    private(set) var linksLeft = Limits.symlinksFollowedMax
    private var usesLastBuffer = false

    /// A walk along `path` from `directory` on.
    init(_ path: Bytes, from directory: UInt32) {
        self.directory = directory
        rest = path
    }

    /// Walks to the end. `followsLast`: a symlink at the end is followed too.
    mutating func run(_ session: StoreSession, followsLast: Bool) -> Resolution {
        let tree = session.tree
        var resolution = Resolution()
        while true {
            var start = 0
            while start < rest.count, rest[start] == UInt8(ascii: "/") { start += 1 }
            guard start < rest.count else {
                resolution.kind = .found
                resolution.ino = directory
                return resolution
            }
            let end = PathKey.firstIndex(of: UInt8(ascii: "/"), in: rest, from: start)
            let name = rest[start..<end]
            let behind = rest[end..<rest.count]
            guard tree.rules.allows(Access.search, tree.inode(directory)) else {
                resolution.kind = .denied
                return resolution
            }
            if name.count <= 2, !PathKey.isName(name) {
                if name.count == 2 {
                    // What the mount shows as its root's parent is another filesystem's directory.
                    guard directory != Tree.rootIno else { return resolution }
                    directory = tree.parent(of: directory)
                }
                rest = behind
                continue
            }
            guard name.count <= Limits.nameLengthMax else { return resolution }
            resolution.parent = directory
            resolution.name = name
            guard let entry = tree.find(name, in: directory) else {
                resolution.kind = .missing
                resolution.rest = behind
                return resolution
            }
            let inode = tree.inode(entry.fields.ino)
            if inode.fields.isDirectory, !behind.isEmpty {
                directory = inode.ino
                rest = behind
                continue
            }
            if inode.fields.isSymlink, followsLast || !behind.isEmpty {
                guard follow(inode, behind, session) else { return resolution }
                continue
            }
            resolution.kind = behind.isEmpty ? .found : .notDirectory
            resolution.ino = inode.ino
            return resolution
        }
    }

    /// Goes on with a symlink's target and what is behind it. False when that leads nowhere.
    private mutating func follow(_ link: InodeReference, _ behind: Bytes, _ session: StoreSession) -> Bool {
        let target = link.fields.live
        let length = Int(target.size)
        guard linksLeft > 0, length + behind.count <= Self.bufferSizeBytes else { return false }
        linksLeft -= 1
        let buffer = unsafe session.tree.scratch(slot: session.treeSlot) + Self.bufferSizeBytes
        let start = unsafe usesLastBuffer ? buffer + Self.bufferSizeBytes : buffer
        usesLastBuffer.toggle()
        // What is behind may lie in the other buffer, never in this one.
        unsafe behind.copy(to: start + length)
        let shard = session.shard(of: link.ino)
        shard.lock()
        let count = unsafe shard.read(target, at: 0, into: UnsafeMutableRawBufferPointer(start: start, count: length))
        shard.unlock()
        precondition(count == length, "a symlink's target is shorter than its size")
        rest = unsafe Bytes(start, count: length + behind.count)
        guard length > 0, rest[0] == UInt8(ascii: "/") else { return length > 0 }
        directory = Tree.rootIno
        return cutMountPoint(session.tree.rules.mountPoints)
    }

    /// Takes the mount point that an absolute path begins with off it. False when there is none.
    private mutating func cutMountPoint(_ mountPoints: ByteStrings) -> Bool {
        for index in 0..<mountPoints.count {
            let mountPoint = mountPoints[index]
            guard rest.count >= mountPoint.count, rest[0..<mountPoint.count].equals(mountPoint) else { continue }
            let tail = rest[mountPoint.count..<rest.count]
            guard tail.isEmpty || tail[0] == UInt8(ascii: "/") else { continue }
            rest = tail.isEmpty ? .slash : tail
            return true
        }
        return false
    }
}

extension StoreSession {
    /// Resolves a file key. The tree's lock is held (see `PathWalk`). A key that can name no file leads nowhere.
    func resolve(_ key: Bytes, followsLast: Bool) -> Resolution {
        guard let nameStart = PathKey.plainNameStart(of: key) else {
            return resolveAll(of: key, followsLast: followsLast).resolution
        }
        let directories = directories()
        let generation = tree.lock.generation
        let part = key[0..<nameStart]
        if let directory = directories.find(part, generation: generation) {
            var walk = PathWalk(key[nameStart..<key.count], from: directory)
            return walk.run(self, followsLast: followsLast)
        }
        let (resolution, isDirect) = resolveAll(of: key, followsLast: followsLast)
        // The walk came to the last component: its directory is known now.
        if isDirect, resolution.kind == .found || resolution.kind == .missing && resolution.rest.isEmpty {
            directories.insert(part, ino: resolution.parent, generation: generation)
        }
        return resolution
    }

    private func directories() -> DirectoryCache {
        if let directories = state.directories { return directories }
        let made = DirectoryCache()
        state.directories = made
        return made
    }

    /// Resolves all components of a file key; tells also whether the way led through no symlink.
    private func resolveAll(of key: Bytes, followsLast: Bool) -> (resolution: Resolution, isDirect: Bool) {
        let tree = tree
        guard let prefix = PathKey.prefix(of: key, in: tree.rules) else { return (Resolution(), false) }
        let escaped = key[tree.rules.prefixes[prefix].count..<key.count]
        let directory = tree.rules.directories[prefix]
        guard let path = path(escaped, below: directory) else { return (Resolution(), false) }
        var walk = PathWalk(path, from: Tree.rootIno)
        let resolution = walk.run(self, followsLast: followsLast)
        return (resolution, walk.linksLeft == Limits.symlinksFollowedMax)
    }

    /// The path of a key's escaped part below a prefix' directory: in place, or in the session's scratch memory.
    private func path(_ escaped: Bytes, below directory: Bytes) -> Bytes? {
        let hasEscapes = PathKey.firstIndex(of: UInt8(ascii: "%"), in: escaped, from: 0) < escaped.count
        if !hasEscapes, directory.isEmpty { return PathKey.isNameable(escaped) ? escaped : nil }
        guard directory.count <= Limits.pathLengthMax - 1 else { return nil }
        let start = unsafe tree.scratch(slot: treeSlot)
        unsafe directory.copy(to: start)
        let bytes = unsafe (start + directory.count).assumingMemoryBound(to: UInt8.self)
        guard let length = unsafe PathKey.unescape(escaped, into: bytes) else { return nil }
        guard PathKey.isNameable(unsafe Bytes(bytes, count: length)) else { return nil }
        return unsafe Bytes(start, count: directory.count + length)
    }
}
