// Tree+Invariants: walks everything and recounts. For tests.

extension StoreSession {
    /// Checks every promise that the tree's structures make of each other. Nobody else may use the store meanwhile.
    func checkTreeInvariants() {
        tree.lock.lockExclusive()
        defer { tree.lock.unlockExclusive() }
        let reached = checkDirectory(tree.inode(Tree.rootIno))
        tree.checkIndex(entryCount: reached)
        tree.checkHeap()
    }

    /// Checks a directory and all below it; returns the number of entries.
    private func checkDirectory(_ directory: InodeReference) -> Int {
        var count = 0
        var own: UInt32 = 0
        var subdirectories: UInt32 = 0
        var cookie = DirectoryCookie.parent
        while let entry = tree.nextEntry(of: directory, after: cookie) {
            precondition(entry.fields.cookie > cookie, "cookies grow along a directory's order")
            precondition(entry.fields.cookie <= directory.fields.lastCookie, "no cookie is above the last one given")
            cookie = entry.fields.cookie
            precondition(entry.fields.parent == directory.ino, "an entry knows its directory")
            let found = tree.find(entry.name, in: directory.ino)
            precondition(found?.reference == entry.reference, "an entry is found by its name")
            let inode = tree.inode(entry.fields.ino)
            precondition(!inode.fields.isFree, "an entry names an inode that exists")
            tree.checkLinks(of: inode)
            own += 1
            count += 1
            if inode.fields.isDirectory {
                subdirectories += 1
                precondition(inode.fields.firstEntry == entry.reference, "a directory has one entry")
                count += checkDirectory(inode)
            } else if inode.fields.isRegular {
                checkContents(of: inode)
            }
        }
        tree.checkOrder(of: directory)
        precondition(own == directory.fields.entryCount, "a directory counts its entries")
        precondition(directory.fields.linkCount == 2 + subdirectories, "a directory's links are its subdirectories'")
        return count
    }

    private func checkContents(of inode: InodeReference) {
        let state = inode.fields.state
        if !state.contains(.dirty) {
            precondition(state.contains(.published), "a clean file is published")
            precondition(inode.fields.live == inode.fields.published, "a clean file has one content")
        }
        precondition(inode.fields.state.contains(.published) || inode.fields.publishedRoot == 0, "no hidden content")
    }
}

extension Tree {
    fileprivate func checkLinks(of inode: InodeReference) {
        var count: UInt32 = 0
        var previous: UInt32 = 0
        var reference = inode.fields.firstEntry
        while reference != 0 {
            let entry = entry(reference)
            precondition(entry.fields.ino == inode.ino, "a link names its inode")
            precondition(entry.fields.previousLink == previous, "links are linked both ways")
            count += 1
            previous = reference
            reference = entry.fields.nextLink
        }
        let expected = inode.fields.isDirectory ? 1 : inode.fields.linkCount
        precondition(count == expected, "an inode's link count is its number of entries")
    }

    fileprivate func checkOrder(of directory: InodeReference) {
        checkSubtree(directory.fields.orderTop, below: nil)
    }

    private func checkSubtree(_ reference: UInt32, below top: UInt32?) {
        guard reference != 0 else { return }
        if let top { precondition(priority(top) > priority(reference), "the order is a heap of priorities") }
        checkSubtree(entry(reference).fields.left, below: reference)
        checkSubtree(entry(reference).fields.right, below: reference)
    }

    fileprivate func checkIndex(entryCount: Int) {
        let bucketCount = unsafe state.pointee.bucketCount
        var count = 0
        for bucket in 0..<bucketCount {
            var reference = unsafe state.pointee.buckets[bucket]
            while reference != 0 {
                let entry = entry(reference)
                precondition(entry.fields.hash == hash(entry.name, in: entry.fields.parent), "an entry keeps its hash")
                precondition(
                    Self.bucket(of: entry.fields.hash, count: bucketCount) == bucket, "an entry is in its bucket")
                count += 1
                reference = entry.fields.hashNext
            }
        }
        precondition(count == entryCount, "the index has the entries that the directories have")
        let counted = unsafe state.pointee.entryTotal
        precondition(count == counted, "the index counts its entries")
    }

    fileprivate func checkHeap() {
        let heap = unsafe state.pointee.expiry
        for index in 0..<(unsafe state.pointee.expiryCount) {
            let record = heap[index]
            let inode = inode(record.ino)
            precondition(inode.fields.expiryIndex == UInt32(index) + 1, "an inode knows its place in the heap")
            precondition(inode.fields.exptimeSecond == record.second, "the heap knows an inode's exptime")
            if index > 0 { precondition(heap[(index - 1) / 2].second <= record.second, "the heap is a heap") }
        }
    }
}
