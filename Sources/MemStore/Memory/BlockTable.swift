// TreeBlocks: arena blocks by a small number of the tree's own, so that a
// reference to something in a block fits in 32 bits however large the arena is.
import Glibc

/// A table from block numbers of the tree to blocks of the arena. Its place never moves, so that it can be read
/// while another entry is written; untouched parts of it take no memory.
///
/// SAFETY: maps its own memory, private, for the tree's whole life; an index is checked against the capacity.
@safe struct BlockTable {
    private let blocks: UnsafeMutablePointer<UInt32>
    let capacity: Int

    /// Set in an entry that has no block and holds the next free number instead.
    static let isFreeBit: UInt32 = 1 << 31

    /// A table of `capacity` numbers.
    /// - Throws: StoreSetupError when the address space cannot be had.
    init(capacity: Int) throws(StoreSetupError) {
        let lengthBytes = capacity * MemoryLayout<UInt32>.stride
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let address = unsafe mmap(nil, lengthBytes, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            throw StoreSetupError(what: "mmap of \(lengthBytes) bytes for a table of the tree", errno: errno)
        }
        unsafe blocks = address.bindMemory(to: UInt32.self, capacity: capacity)
        self.capacity = capacity
    }

    /// Frees the table.
    func destroy() { unsafe munmap(UnsafeMutableRawPointer(blocks), capacity * MemoryLayout<UInt32>.stride) }

    subscript(index: Int) -> UInt32 {
        @inline(__always) get {
            assert(index >= 0 && index < capacity, "no such block of the tree")
            return unsafe blocks[index]
        }
        nonmutating set {
            precondition(index >= 0 && index < capacity, "no such block of the tree")
            unsafe blocks[index] = newValue
        }
    }

    /// Whether a block stands at `index`; false for any number that is out of range.
    func hasBlock(at index: Int) -> Bool {
        guard index >= 0, index < capacity else { return false }
        let block = unsafe blocks[index]
        return block != 0 && block & Self.isFreeBit == 0
    }
}
