// ToldTree: a plain copy of a tree, kept by what the tree tells of its changes, or read from it in one piece.
#if OBSERVED
    @testable import MemStore

    /// A tree in plain Swift.
    struct PlainTree: Equatable {
        struct Node: Equatable {
            var attributes = InodeAttributes()
            /// What programs on the mount see; a symlink's target.
            var live: [UInt8] = []
            var published: [UInt8]?
            var extended: [UInt8] = []
        }
        struct InodeAttributes: Equatable {
            var mode: UInt16 = 0
            var device: UInt32 = 0
            var uid: UInt32 = 0
            var gid: UInt32 = 0
            var linkCount: UInt32 = 0
            var times: [Timestamp] = []
            var generation: UInt32 = 0
            var flags: UInt32 = 0
            var exptimeSecond: UInt32 = 0
            var cas: UInt64 = 0
            var isStale = false
            var isBinaryKey = false
        }
        struct Name: Hashable {
            var parent: UInt32
            var name: [UInt8]
        }

        var nodes: [UInt32: Node] = [:]
        var names: [Name: UInt32] = [:]

        /// What differs, in words; nil = nothing.
        func difference(from other: PlainTree) -> String? {
            if self == other { return nil }
            var lines: [String] = []
            for ino in Set(nodes.keys).union(other.nodes.keys).sorted() where nodes[ino] != other.nodes[ino] {
                let (mine, theirs) = (nodes[ino], other.nodes[ino])
                if mine == nil || theirs == nil {
                    lines.append(
                        "inode \(ino): \(mine == nil ? "missing" : "there") and \(theirs == nil ? "missing" : "there")")
                } else if mine?.attributes != theirs?.attributes {
                    lines.append("inode \(ino): \(mine!.attributes) and \(theirs!.attributes)")
                } else {
                    let same = [
                        mine?.live == theirs?.live, mine?.published == theirs?.published,
                        mine?.extended == theirs?.extended,
                    ]
                    lines.append("inode \(ino): live, published, extended equal: \(same)")
                }
            }
            for name in Set(names.keys).union(other.names.keys) where names[name] != other.names[name] {
                let text = String(decoding: name.name, as: UTF8.self)
                lines.append("name \(text) in \(name.parent): \(names[name] ?? 0) and \(other.names[name] ?? 0)")
            }
            return lines.joined(separator: "\n")
        }
    }

    extension Tree {
        func plainAttributes(of inode: InodeReference) -> PlainTree.InodeAttributes {
            let fields = inode.fields
            return PlainTree.InodeAttributes(
                mode: fields.mode, device: fields.isDevice ? fields.liveRoot : 0, uid: fields.uid, gid: fields.gid,
                linkCount: fields.linkCount, times: [fields.atime, fields.mtime, fields.ctime],
                generation: fields.generation, flags: fields.flags, exptimeSecond: fields.exptimeSecond,
                cas: fields.cas,
                isStale: fields.state.contains(.stale), isBinaryKey: fields.state.contains(.binaryKey))
        }

        func plainBytes(_ content: Content, of inode: InodeReference) -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: Int(content.size))
            let count = unsafe bytes.withUnsafeMutableBytes {
                unsafe shard(of: inode.ino).read(content, at: 0, into: $0)
            }
            precondition(count == bytes.count)
            return bytes
        }

        func plainLive(of inode: InodeReference) -> [UInt8] {
            inode.fields.isRegular || inode.fields.isSymlink ? plainBytes(inode.fields.live, of: inode) : []
        }

        func plainPublished(of inode: InodeReference) -> [UInt8]? {
            inode.fields.state.contains(.published) ? plainBytes(inode.fields.published, of: inode) : nil
        }

        /// All of the tree as it is now. Nobody changes it meanwhile.
        ///
        /// `seen` has the large contents of an earlier reading: one in the same place, of the same size and file time is taken
        /// to have the same bytes, or reading would be most of a long run.
        func plain(seen: inout SeenContents) -> PlainTree {
            var contents = SeenContents()
            var tree = PlainTree()
            for number in 1...lastInoGiven {
                guard let inode = existingInode(number) else { continue }
                func read(_ content: Content) -> [UInt8] {
                    guard content.size > 8192 else { return plainBytes(content, of: inode) }
                    let place = SeenContents.Place(
                        root: content.root, size: content.size, mtime: "\(inode.fields.mtime)")
                    let bytes = seen.bytes[place] ?? plainBytes(content, of: inode)
                    contents.bytes[place] = bytes
                    return bytes
                }
                let hasBytes = inode.fields.isRegular || inode.fields.isSymlink
                tree.nodes[number] = PlainTree.Node(
                    attributes: plainAttributes(of: inode), live: hasBytes ? read(inode.fields.live) : [],
                    published: inode.fields.state.contains(.published) ? read(inode.fields.published) : nil,
                    extended: plainBytes(inode.fields.extended, of: inode))
                guard inode.fields.isDirectory else { continue }
                var position = DirectoryCookie.parent
                while let entry = nextEntry(of: inode, after: position) {
                    position = entry.fields.cookie
                    tree.names[PlainTree.Name(parent: number, name: entry.name.array)] = entry.fields.ino
                }
            }
            seen = contents
            return tree
        }
    }

    /// Large contents by where they lie.
    struct SeenContents {
        struct Place: Hashable {
            var root: UInt32
            var size: UInt64
            var mtime: String
        }
        var bytes: [Place: [UInt8]] = [:]
    }

    /// Hears of a tree's changes and keeps a copy by them.
    ///
    /// SAFETY: used by the one thread that changes the tree.
    final class ToldTree: @unchecked Sendable {
        /// What a change is of, without whose.
        enum Kind: CaseIterable { case attributes, live, published, extendedAttributes, name, nameGone, inodeGone }

        private let tree: Tree
        private(set) var copy: PlainTree
        private(set) var counts: [Kind: Int] = [:]
        /// Not heard: what a place that forgets to tell would leave out.
        var deafTo: Kind?

        /// Begins with what there is.
        init(_ tree: Tree) {
            self.tree = tree
            var seen = SeenContents()
            copy = tree.plain(seen: &seen)
            tree.observe(TreeObserver { [unowned self] in hear($0) })
        }

        private func hear(_ change: TreeChange) {
            switch change {
            case .attributes(let inode): note(.attributes, inode) { _ in }
            case .live(let inode): note(.live, inode) { $0.live = tree.plainLive(of: inode) }
            case .published(let inode):
                note(.published, inode) {
                    $0.live = tree.plainLive(of: inode)
                    $0.published = tree.plainPublished(of: inode)
                }
            case .extendedAttributes(let inode):
                note(.extendedAttributes, inode) { $0.extended = tree.plainBytes(inode.fields.extended, of: inode) }
            case .inodeGone(let inode):
                if isHeard(.inodeGone) { copy.nodes[inode.ino] = nil }
            case .name(let entry):
                if isHeard(.name) { copy.names[name(of: entry)] = entry.fields.ino }
            case .nameGone(let entry):
                if isHeard(.nameGone) { copy.names[name(of: entry)] = nil }
            }
        }

        private func isHeard(_ kind: Kind) -> Bool {
            counts[kind, default: 0] += 1
            return kind != deafTo
        }

        private func note(_ kind: Kind, _ inode: InodeReference, _ change: (inout PlainTree.Node) -> Void) {
            guard isHeard(kind) else { return }
            var node = copy.nodes[inode.ino] ?? PlainTree.Node()
            node.attributes = tree.plainAttributes(of: inode)
            change(&node)
            copy.nodes[inode.ino] = node
        }

        private func name(of entry: EntryReference) -> PlainTree.Name {
            PlainTree.Name(parent: entry.fields.parent, name: entry.name.array)
        }
    }
#endif
