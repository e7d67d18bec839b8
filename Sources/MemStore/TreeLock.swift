// TreeLock: the lock of the tree's structure. Readers share it without sharing
// a cache line; a writer has it alone.

/// A big-reader lock: one mutex for each session's slot. A reader takes its own, a writer takes all in order.
///
/// It guards entries, the index, the order of directories, links, and type, mode, owner and group of inodes.
/// SAFETY: the array of locks is private and lives as long as the tree.
@safe struct TreeLock {
    private let slots: UnsafeMutablePointer<Lock>
    private let slotCount: Int

    /// A lock with `slotCount` slots, at least one.
    init(slotCount: Int) {
        precondition(slotCount > 0, "a tree lock needs a slot")
        self.slotCount = slotCount
        unsafe slots = .allocate(capacity: slotCount)
        for slot in 0..<slotCount { unsafe (slots + slot).initialize(to: Lock()) }
    }

    /// Frees the lock. Nobody may hold or use it.
    func destroy() {
        for slot in 0..<slotCount { unsafe slots[slot].destroy() }
        unsafe slots.deallocate()
    }

    /// Takes the lock as the reader of `slot`.
    @inline(__always) func lockShared(_ slot: Int) {
        assert(slot >= 0 && slot < slotCount, "no such slot of the tree lock")
        unsafe slots[slot].lock()
    }

    /// Ends the reader of `slot`.
    @inline(__always) func unlockShared(_ slot: Int) { unsafe slots[slot].unlock() }

    /// Takes the lock alone. Always from the first slot on, so that two writers cannot wait for each other.
    func lockExclusive() {
        for slot in 0..<slotCount { unsafe slots[slot].lock() }
    }

    /// Ends the writer.
    func unlockExclusive() {
        for slot in 0..<slotCount { unsafe slots[slot].unlock() }
    }
}
