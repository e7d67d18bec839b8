// DirectoryCache: where the directories of recently asked file keys are, so that the next key of the same directory
// is one lookup and not one for each component.
import CShims
import Glibc

/// One session's cache: the part of a key up to its last slash, and the directory that it leads to.
///
/// An entry is good as long as nobody changed the tree's structure or rights, which `TreeLock.generation` tells.
/// Ways through symlinks are not kept.
/// SAFETY: owns its entries, is used by its session's thread alone, and is freed with the session.
@safe struct DirectoryCache {
    private struct Entry {
        /// Of the tree when the entry was made; 0 = unused.
        var generation: UInt64 = 0
        var ino: UInt32 = 0
        var length: UInt32 = 0
    }

    private static let entryCount = 64
    private static let entrySizeBytes = 256
    /// Longest part of a key that is kept, in bytes.
    private static let lengthMax = entrySizeBytes - MemoryLayout<Entry>.stride

    private let base: UnsafeMutableRawPointer

    init() {
        unsafe base = .allocate(byteCount: Self.entryCount * Self.entrySizeBytes, alignment: 64)
        for index in 0..<Self.entryCount {
            unsafe (base + index * Self.entrySizeBytes).initializeMemory(as: Entry.self, to: Entry())
        }
    }

    func deallocate() { unsafe base.deallocate() }

    /// The directory that `part` (a key up to its last slash) leads to, or nil.
    @inline(__always) func find(_ part: Bytes, generation: UInt64) -> UInt32? {
        guard part.count <= Self.lengthMax else { return nil }
        let place = unsafe place(of: part)
        let entry = unsafe place.load(as: Entry.self)
        guard entry.generation == generation, Int(entry.length) == part.count,
            unsafe cs_equal(place + MemoryLayout<Entry>.stride, part.pointer.unsafelyUnwrapped, part.count)
        else { return nil }
        return entry.ino
    }

    /// Remembers the directory of `part` in place of what was there.
    func insert(_ part: Bytes, ino: UInt32, generation: UInt64) {
        guard part.count <= Self.lengthMax else { return }
        let place = unsafe place(of: part)
        unsafe place.storeBytes(
            of: Entry(generation: generation, ino: ino, length: UInt32(part.count)), as: Entry.self)
        unsafe part.copy(to: place + MemoryLayout<Entry>.stride)
    }

    @inline(__always) private func place(of part: Bytes) -> UnsafeMutableRawPointer {
        let hash = unsafe cs_hash(part.pointer, part.count, 0)
        return unsafe base + (Int(truncatingIfNeeded: hash >> 32) & (Self.entryCount - 1)) * Self.entrySizeBytes
    }
}
