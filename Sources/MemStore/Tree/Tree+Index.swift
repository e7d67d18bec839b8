// TreeIndex: finds an entry by its directory and name. A hash table that grows
// by one bucket at a time, so that no change has to wait for a rehash.
import CShims

// Linear hashing: with n buckets and 2^k the smallest power of two that is not below n, a hash belongs to bucket
// `hash mod 2^k`, or, where that bucket does not exist yet, to `hash mod 2^(k-1)`. Adding bucket n splits the one
// bucket it came out of. All of this is guarded by the tree's lock.
extension Tree {
    /// The fewest buckets that are kept.
    private static let bucketCountMin = 64

    /// The hash of a name in a directory.
    @inline(__always) func hash(_ name: Bytes, in parent: UInt32) -> UInt32 {
        let seed = unsafe state.pointee.seed &+ UInt64(parent) &* 0x9E37_79B9_7F4A_7C15
        guard let pointer = unsafe name.pointer else { return UInt32(truncatingIfNeeded: seed) }
        return UInt32(truncatingIfNeeded: unsafe cs_hash(pointer, name.count, seed))
    }

    /// The bucket of a hash among `count` buckets.
    @inline(__always) static func bucket(of hash: UInt32, count: Int) -> Int {
        let mask = (1 << (Int.bitWidth - (count - 1).leadingZeroBitCount)) - 1
        let bucket = Int(hash) & mask
        return bucket < count ? bucket : bucket & (mask >> 1)
    }

    /// Finds the entry `name` of the directory `parent`.
    @inline(__always) func find(_ name: Bytes, in parent: UInt32) -> EntryReference? {
        find(name, in: parent, hash: hash(name, in: parent))
    }

    /// The same with the hash at hand.
    func find(_ name: Bytes, in parent: UInt32, hash: UInt32) -> EntryReference? {
        find(name, in: parent, hash: hash, from: firstEntry(ofHash: hash))
    }

    /// The same with the first entry of the hash's bucket at hand.
    @inline(__always) func find(
        _ name: Bytes, in parent: UInt32, hash: UInt32, from first: UInt32
    ) -> EntryReference? {
        var reference = first
        while reference != 0 {
            let entry = entry(reference)
            if entry.fields.hash == hash, entry.fields.parent == parent, entry.hasName(name) { return entry }
            reference = entry.fields.hashNext
        }
        return nil
    }

    @inline(__always) private func bucket(ofHash hash: UInt32) -> UnsafeMutablePointer<UInt32> {
        unsafe state.pointee.buckets.address(Self.bucket(of: hash, count: state.pointee.bucketCount))
    }

    /// The first entry of a hash's bucket; 0 = none.
    @inline(__always) func firstEntry(ofHash hash: UInt32) -> UInt32 { unsafe bucket(ofHash: hash).pointee }

    /// Fetches a hash's bucket into the cache.
    @inline(__always) func prefetchBucket(of hash: UInt32) { unsafe cs_prefetch(bucket(ofHash: hash)) }

    /// Puts a new entry into the index, which grows by a bucket when it is full; a block may be taken.
    func insertIntoIndex(_ entry: EntryReference, _ reservation: inout Reservation) {
        unsafe state.pointee.entryTotal += 1
        let count = unsafe state.pointee.bucketCount
        if unsafe state.pointee.entryTotal > count, unsafe count < state.pointee.buckets.capacity {
            addBucket(&reservation)
        }
        let bucket = Self.bucket(of: entry.fields.hash, count: unsafe state.pointee.bucketCount)
        entry.fields.hashNext = unsafe state.pointee.buckets[bucket]
        unsafe state.pointee.buckets[bucket] = entry.reference
    }

    /// Takes an entry out of the index, which shrinks by a bucket when it is mostly empty.
    func removeFromIndex(_ entry: EntryReference) {
        let bucket = Self.bucket(of: entry.fields.hash, count: unsafe state.pointee.bucketCount)
        var reference = unsafe state.pointee.buckets[bucket]
        if reference == entry.reference {
            unsafe state.pointee.buckets[bucket] = entry.fields.hashNext
        } else {
            var previous = self.entry(reference)
            while previous.fields.hashNext != entry.reference {
                reference = previous.fields.hashNext
                precondition(reference != 0, "an entry is missing from the index")
                previous = self.entry(reference)
            }
            previous.fields.hashNext = entry.fields.hashNext
        }
        unsafe state.pointee.entryTotal -= 1
        let count = unsafe state.pointee.bucketCount
        if count > Self.bucketCountMin, unsafe state.pointee.entryTotal < count / 4 { removeBucket() }
    }

    private func addBucket(_ reservation: inout Reservation) {
        let new = unsafe state.pointee.bucketCount
        unsafe state.pointee.buckets.append(0, count: new, &reservation)
        unsafe state.pointee.bucketCount = new + 1
        let old = Self.buddy(of: new)
        var reference = unsafe state.pointee.buckets[old]
        var kept: UInt32 = 0
        var moved: UInt32 = 0
        while reference != 0 {
            let entry = entry(reference)
            let next = entry.fields.hashNext
            if Self.bucket(of: entry.fields.hash, count: new + 1) == new {
                entry.fields.hashNext = moved
                moved = reference
            } else {
                entry.fields.hashNext = kept
                kept = reference
            }
            reference = next
        }
        unsafe state.pointee.buckets[old] = kept
        unsafe state.pointee.buckets[new] = moved
    }

    private func removeBucket() {
        let last = unsafe state.pointee.bucketCount - 1
        let target = Self.buddy(of: last)
        var reference = unsafe state.pointee.buckets[last]
        while reference != 0 {
            let entry = entry(reference)
            let next = entry.fields.hashNext
            entry.fields.hashNext = unsafe state.pointee.buckets[target]
            unsafe state.pointee.buckets[target] = reference
            reference = next
        }
        unsafe state.pointee.buckets.removeLast(count: last + 1)
        unsafe state.pointee.bucketCount = last
    }

    /// The bucket that `bucket` is split from: its number without the highest bit.
    private static func buddy(of bucket: Int) -> Int {
        bucket & ~(1 << (Int.bitWidth - 1 - bucket.leadingZeroBitCount))
    }
}
