// MetadataKeys: keys that show what is known of files, for the scripts of the proof of concept. Off unless asked for: a URL
// with `%3F` would let a stranger read them. They are read only, and a file of the same name wins.
import Glibc

/// Memory of a session for the one text that it lends at a time.
///
/// SAFETY: owned by the session's state, changed only by the session's thread between two loans.
@safe struct LentText {
    private var memory: UnsafeMutableRawBufferPointer? = nil

    /// Copies a text and lends it until the next one.
    mutating func lend(_ text: [UInt8]) -> Bytes {
        deallocate()
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, text.count), alignment: 1)
        unsafe memory.copyBytes(from: text)
        unsafe self.memory = memory
        return unsafe Bytes(UnsafeRawBufferPointer(rebasing: memory[..<text.count]))
    }

    mutating func deallocate() {
        unsafe memory?.deallocate()
        unsafe memory = nil
    }
}

/// What a metadata key asks for.
enum MetadataQuery {
    /// `<key of a file or directory>?attr`, `?xttr`: the key is as long as `keyLength`.
    case attributes(keyLength: Int)
    case extendedAttributes(keyLength: Int)
    /// A directory's own key, without a slash at its end but for the root.
    case entries
    /// `<prefix>/?cntr`: the last inode number given. `/?free`: how many of them are in use no more.
    case lastNumber
    case removedCount
    /// `<prefix>/?node=00000001`: the path of an inode.
    case path(number: UInt64)

    /// Reads the part of a key behind its prefix; `key` is the whole.
    init?(_ rest: Bytes, of key: Bytes) {
        func ends(_ suffix: StaticString) -> Bool {
            let length = suffix.utf8CodeUnitCount
            return rest.count > length && rest[rest.count - length..<rest.count].equals(suffix.bytes)
        }
        if rest.equals(("/?cntr" as StaticString).bytes) {
            self = .lastNumber
        } else if rest.equals(("/?free" as StaticString).bytes) {
            self = .removedCount
        } else if let number = Self.number(rest) {
            self = .path(number: number)
        } else if ends("?attr") {
            self = .attributes(keyLength: key.count - 5)
        } else if ends("?xttr") {
            self = .extendedAttributes(keyLength: key.count - 5)
        } else if rest.count == 1 || rest[rest.count - 1] != UInt8(ascii: "/") {
            self = .entries
        } else {
            return nil
        }
    }

    /// The number of `/?node=%08i`.
    private static func number(_ rest: Bytes) -> UInt64? {
        let label: StaticString = "/?node="
        let start = label.utf8CodeUnitCount
        guard rest.count >= start + 8, rest[0..<start].equals(label.bytes) else { return nil }
        let digits = rest[start..<rest.count]
        guard digits.count == 8 || digits[0] != UInt8(ascii: "0") else { return nil }
        return Numeral.parse(digits)
    }
}

extension StoreSession {
    /// The text of a metadata key that no file has; nil when the key asks for nothing that there is, or its text is longer
    /// than an item may be. The tree's lock is not held.
    func metadata(_ key: Bytes) -> Bytes? {
        let tree = tree
        guard let prefix = PathKey.prefix(of: key, in: tree.rules) else { return nil }
        guard let query = MetadataQuery(key[tree.rules.prefixes[prefix].count..<key.count], of: key) else { return nil }
        tree.lock.lockShared(treeSlot)
        let text = text(query, key)
        tree.lock.unlockShared(treeSlot)
        guard let text, text.count <= shared.itemSizeMaxBytes else { return nil }
        return state.lentText.lend(text)
    }

    /// Whether the port must not make a file of this name, since it would hide a metadata key.
    func isMetadataKey(_ key: Bytes) -> Bool {
        guard tree.rules.hasMetadataKeys, let prefix = PathKey.prefix(of: key, in: tree.rules) else { return false }
        switch MetadataQuery(key[tree.rules.prefixes[prefix].count..<key.count], of: key) {
        case .entries, nil: return false
        default: return true
        }
    }

    // MARK: the texts; the tree's lock is held

    private func text(_ query: MetadataQuery, _ key: Bytes) -> [UInt8]? {
        switch query {
        case .attributes(let length):
            return node(key[0..<length]).map(attributeText)
        case .extendedAttributes(let length):
            return node(key[0..<length]).map(extendedText)
        case .entries:
            return node(key).flatMap(entriesText)
        case .lastNumber:
            return Array("\(tree.lastInoGiven)".utf8)
        case .removedCount:
            let counts = tree.counts
            return Array("\(Int(tree.lastInoGiven) - counts.files - counts.directories - counts.others)".utf8)
        case .path(let number):
            return pathText(number)
        }
    }

    private func node(_ key: Bytes) -> InodeReference? {
        let found = resolve(key, followsLast: false)
        return found.kind == .found ? tree.inode(found.ino) : nil
    }

    private func attributeText(_ inode: InodeReference) -> [UInt8] {
        let shard = shard(of: inode.ino)
        let attributes = shard.state.lock.withLock { self.attributes(of: inode, shard) }
        var text = MetadataText(isObject: true)
        text.add("st_atime", MetadataText.seconds(attributes.atime))
        text.add("st_ctime", MetadataText.seconds(attributes.ctime))
        text.add("st_gid", "\(attributes.gid)")
        text.add("st_ino", "\(attributes.ino.rawValue)")
        text.add("st_mode", "\(attributes.mode)")
        text.add("st_mtime", MetadataText.seconds(attributes.mtime))
        text.add("st_nlink", "\(attributes.linkCount)")
        text.add("st_size", "\(attributes.size)")
        text.add("st_uid", "\(attributes.uid)")
        return text.bytes
    }

    private func extendedText(_ inode: InodeReference) -> [UInt8] {
        let shard = shard(of: inode.ino)
        var pairs: [(name: [UInt8], value: [UInt8])] = []
        shard.state.lock.withLock {
            forEachExtendedAttribute(of: inode, shard) { name, value in pairs.append((name.array, value.array)) }
        }
        var text = MetadataText(isObject: true)
        for pair in pairs.sorted(by: { $0.name.lexicographicallyPrecedes($1.name) }) {
            pair.name.withBytes { name in pair.value.withBytes { text.add(name, base64: $0) } }
        }
        return text.bytes
    }

    /// The names in a directory that the serving user may read.
    private func entriesText(_ directory: InodeReference) -> [UInt8]? {
        guard directory.fields.isDirectory, tree.rules.allows(Access.read, directory) else { return nil }
        var text = MetadataText(isObject: false)
        text.add(.dot)
        text.add(.dotDot)
        var position = DirectoryCookie.parent
        while let entry = tree.nextEntry(of: directory, after: position) {
            position = entry.fields.cookie
            if !isDue(tree.inode(entry.fields.ino)) { text.add(entry.name) }
        }
        return text.bytes
    }

    private func isDue(_ inode: InodeReference) -> Bool {
        shard(of: inode.ino).state.lock.withLock { inode.fields.isOver(at: nowSecond) }
    }

    private func pathText(_ number: UInt64) -> [UInt8]? {
        if number == Ino.root.rawValue { return Bytes.slash.array }
        guard let inode = tree.inodeSlot(Ino(number)), !inode.fields.isFree, inode.fields.firstEntry != 0 else {
            return nil
        }
        let buffer = FileKeyBuffer(tree.rules)
        defer { buffer.deallocate() }
        return buffer.path(of: inode, in: tree)?.array
    }
}
