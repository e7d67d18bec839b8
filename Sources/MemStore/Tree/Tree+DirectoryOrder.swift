// DirectoryOrder: the order of a directory's entries for readdir. A treap in the
// entries themselves: ordered by cookie, a heap by a priority that is computed from the reference.

// Cookies only grow, so a new entry goes to the end, and readdir goes on behind any cookie whether its entry is
// still there or not. All of this is guarded by the tree's lock.
extension Tree {
    /// An entry's priority: a bijection of its reference, so no two are equal.
    func priority(_ reference: UInt32) -> UInt32 {
        var mixed = unsafe reference ^ UInt32(truncatingIfNeeded: state.pointee.seed)
        mixed = (mixed ^ (mixed >> 16)) &* 0x7FEB_352D
        mixed = (mixed ^ (mixed >> 15)) &* 0x846C_A68B
        return mixed ^ (mixed >> 16)
    }

    /// Gives an entry the directory's next cookie and puts it at the end.
    func appendToOrder(_ entry: EntryReference, of directory: InodeReference) {
        directory.fields.lastCookie += 1
        entry.fields.cookie = directory.fields.lastCookie
        entry.fields.right = 0
        let own = priority(entry.reference)
        var above: EntryReference?
        var current = directory.fields.orderTop
        while current != 0, priority(current) > own {
            let node = self.entry(current)
            above = node
            current = node.fields.right
        }
        entry.fields.left = current
        if let above { above.fields.right = entry.reference } else { directory.fields.orderTop = entry.reference }
    }

    /// Takes an entry out of the order.
    func removeFromOrder(_ entry: EntryReference, of directory: InodeReference) {
        var place = Place.top
        var current = directory.fields.orderTop
        while current != entry.reference {
            precondition(current != 0, "an entry is missing from its directory's order")
            let node = self.entry(current)
            if node.fields.cookie < entry.fields.cookie {
                place = .right(node)
                current = node.fields.right
            } else {
                place = .left(node)
                current = node.fields.left
            }
        }
        var smaller = entry.fields.left
        var larger = entry.fields.right
        while smaller != 0, larger != 0 {
            if priority(smaller) > priority(larger) {
                put(smaller, at: place, of: directory)
                let node = self.entry(smaller)
                place = .right(node)
                smaller = node.fields.right
            } else {
                put(larger, at: place, of: directory)
                let node = self.entry(larger)
                place = .left(node)
                larger = node.fields.left
            }
        }
        put(smaller != 0 ? smaller : larger, at: place, of: directory)
    }

    /// Where a subtree hangs.
    private enum Place {
        case top
        case left(EntryReference)
        case right(EntryReference)
    }

    private func put(_ reference: UInt32, at place: Place, of directory: InodeReference) {
        switch place {
        case .top: directory.fields.orderTop = reference
        case .left(let node): node.fields.left = reference
        case .right(let node): node.fields.right = reference
        }
    }

    /// The first entry of a directory behind `cookie`.
    func nextEntry(of directory: InodeReference, after cookie: UInt64) -> EntryReference? {
        var best: EntryReference?
        var current = directory.fields.orderTop
        while current != 0 {
            let node = entry(current)
            if node.fields.cookie > cookie {
                best = node
                current = node.fields.left
            } else {
                current = node.fields.right
            }
        }
        return best
    }
}
