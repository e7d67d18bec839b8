// Mapping: address space from the kernel that costs memory only where it is touched.
import Glibc

/// A private, zero-filled, unreserved piece of address space.
///
/// SAFETY: the owner of the value unmaps it once with `unmap()`; offsets are the owner's business.
@safe struct Mapping {
    private let start: UnsafeMutableRawPointer
    let sizeBytes: Int
    /// MADV_DONTNEED_LOCKED. Source: Linux 5.18, madvise(2).
    private static let discardLocked: Int32 = 24

    /// Maps `sizeBytes` (rounded up to pages). Untouched pages take no memory.
    init(sizeBytes: Int, what: String) throws(StoreSetupError) {
        let rounded = (sizeBytes + 4095) & ~4095
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let result = unsafe mmap(nil, rounded, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard let result = unsafe result, unsafe result != MAP_FAILED else {
            throw StoreSetupError(what: "mmap of \(rounded) bytes for \(what)", errno: errno)
        }
        unsafe start = result
        self.sizeBytes = rounded
    }

    /// The first byte.
    @unsafe var base: UnsafeMutableRawPointer { unsafe start }

    /// Gives whole pages inside the range back to the system; they read as zeros afterwards.
    func discard(offset: Int, count: Int) {
        let from = (offset + 4095) & ~4095
        let to = (offset + count) & ~4095
        if from >= to { return }
        if unsafe madvise(start + from, to - from, MADV_DONTNEED) == 0 { return }
        // Locked memory has an advice of its own, which old kernels lack.
        if unsafe madvise(start + from, to - from, Self.discardLocked) != 0 {
            unsafe memset(start + from, 0, to - from)
        }
    }

    /// Makes whole pages of the range resident in one call, for who will fill them: a fault for each would cost more.
    func populate(offset: Int, count: Int) {
        // Source: Linux 5.14, madvise(2), the value of MADV_POPULATE_WRITE. Refused, the pages come by faults.
        unsafe madvise(start + offset, count, 23)
    }

    /// Lets the system use pages of 2 MiB: one fault instead of 512 where much is filled at once, and fewer misses
    /// of the address cache. Up to 2 MiB more than is used can then be resident.
    func preferHugePages() {
        // Source: madvise(2), the value of MADV_HUGEPAGE. A kernel without them refuses, which changes nothing.
        unsafe madvise(start, sizeBytes, 14)
    }

    /// Ends the mapping.
    func unmap() { unsafe munmap(start, sizeBytes) }
}
