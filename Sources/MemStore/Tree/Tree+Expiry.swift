// TreeExpiry: which inodes expire next. A binary heap of the inodes that have an
// exptime, so that none is looked for among all the others.

/// An inode in the heap.
struct ExpiryRecord: BitwiseCopyable {
    var second: UInt32
    var ino: UInt32
}

extension Tree {
    /// Puts an inode into the heap, moves it, or takes it out (`exptime` never). The caller has the lock of its shard
    /// and, for a new one, a block in the reservation.
    func setExpiry(of inode: InodeReference, to exptime: Exptime, _ reservation: inout Reservation) {
        if exptime == .never { return clearExpiry(of: inode) }
        changeAttributes(of: inode) { $0.fields.exptimeSecond = exptime.second }
        let record = ExpiryRecord(second: exptime.second, ino: inode.ino)
        unsafe state.pointee.poolLock.lock()
        defer { unsafe state.pointee.poolLock.unlock() }
        if inode.fields.expiryIndex == 0 {
            let count = unsafe state.pointee.expiryCount
            unsafe state.pointee.expiry.append(record, count: count, &reservation)
            unsafe state.pointee.expiryCount = count + 1
            inode.fields.expiryIndex = UInt32(count) + 1
        }
        place(record, at: Int(inode.fields.expiryIndex) - 1)
    }

    /// Lets an inode never expire, and takes it out of the heap. The caller has the lock of its shard.
    func clearExpiry(of inode: InodeReference) {
        changeAttributes(of: inode) { $0.fields.exptimeSecond = Exptime.never.second }
        unsafe state.pointee.poolLock.withLock { if inode.fields.expiryIndex != 0 { removeFromHeap(inode) } }
    }

    /// The inode that expires first, if it is due at `now`.
    func firstDue(at now: UInt32) -> UInt32? {
        unsafe state.pointee.poolLock.withLock {
            guard unsafe state.pointee.expiryCount > 0 else { return nil }
            let first = unsafe state.pointee.expiry[0]
            return first.second <= now ? first.ino : nil
        }
    }

    private func removeFromHeap(_ inode: InodeReference) {
        let index = Int(inode.fields.expiryIndex) - 1
        let last = unsafe state.pointee.expiryCount - 1
        let moved = unsafe state.pointee.expiry[last]
        unsafe state.pointee.expiry.removeLast(count: last + 1)
        unsafe state.pointee.expiryCount = last
        inode.fields.expiryIndex = 0
        if index < last { place(moved, at: index) }
    }

    /// Puts a record at an index whose old record is of no more use, and lets it rise or sink to its place.
    private func place(_ record: ExpiryRecord, at start: Int) {
        let heap = unsafe state.pointee.expiry
        let count = unsafe state.pointee.expiryCount
        var index = start
        while index > 0 {
            let above = (index - 1) / 2
            guard heap[above].second > record.second else { break }
            put(heap[above], at: index)
            index = above
        }
        while true {
            var below = 2 * index + 1
            guard below < count else { break }
            if below + 1 < count, heap[below + 1].second < heap[below].second { below += 1 }
            guard heap[below].second < record.second else { break }
            put(heap[below], at: index)
            index = below
        }
        put(record, at: index)
    }

    private func put(_ record: ExpiryRecord, at index: Int) {
        unsafe state.pointee.expiry[index] = record
        inode(record.ino).fields.expiryIndex = UInt32(index) + 1
    }
}
