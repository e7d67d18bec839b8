// Entry: a name in a directory.
import CShims

/// The fixed part of an entry; the name's bytes follow at `nameOffset`. Guarded by the tree's lock.
struct Entry: BitwiseCopyable {
    /// The next entry in the index's bucket.
    var hashNext: UInt32
    var parent: UInt32
    var ino: UInt32
    /// The next and the previous entry of the same inode.
    var nextLink: UInt32
    /// Position in the directory's order, from 3 on; strictly increasing.
    var cookie: UInt64
    /// The order's subtrees with smaller and larger cookies.
    var left: UInt32
    var right: UInt32
    /// The hash of (parent, name).
    var hash: UInt32
    var previousLink: UInt32
    var nameLength: UInt8

    /// Where the name begins, in bytes.
    static let nameOffset = 41
    /// Bytes of the units that entries are measured in.
    static let unitSizeBytes = 16

    /// Units of an entry whose name has `nameLength` bytes.
    static func units(nameLength: Int) -> Int { (nameOffset + nameLength + unitSizeBytes - 1) / unitSizeBytes }
}

/// A reference to an entry in its slot.
///
/// SAFETY: made by the tree from a reference it holds; used while the caller holds the tree's lock.
@safe struct EntryReference {
    private let pointer: UnsafeMutablePointer<Entry>
    let reference: UInt32

    @unsafe @inline(__always) init(_ address: UnsafeMutableRawPointer, reference: UInt32) {
        unsafe pointer = address.assumingMemoryBound(to: Entry.self)
        self.reference = reference
    }

    /// The fields in place.
    var fields: Entry {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(pointer) }
        @inline(__always) nonmutating unsafeMutableAddress { unsafe pointer }
    }

    /// The name; valid while the tree's lock is held.
    var name: Bytes {
        @inline(__always) get {
            unsafe Bytes(UnsafeRawPointer(pointer) + Entry.nameOffset, count: Int(pointer.pointee.nameLength))
        }
    }

    /// Whether it has this name.
    @inline(__always) func hasName(_ name: Bytes) -> Bool {
        let own = self.name
        guard own.count == name.count, let bytes = unsafe name.pointer else { return false }
        return unsafe cs_equal(own.pointer.unsafelyUnwrapped, bytes, own.count)
    }

    /// Fetches the entry into the cache, with a name of usual length.
    @inline(__always) func prefetch() {
        unsafe cs_prefetch(pointer)
        unsafe cs_prefetch(UnsafeRawPointer(pointer) + 64)
    }

    /// Puts a new entry into the slot.
    func initialize(to entry: Entry, name: Bytes) {
        unsafe pointer.initialize(to: entry)
        unsafe name.copy(to: UnsafeMutableRawPointer(pointer) + Entry.nameOffset)
    }
}
