// TreeLock: the lock of the tree's structure. Readers share it without sharing
// a cache line; a writer has it alone.
import CShims

/// A big-reader lock: one mutex for each session's slot. A reader takes its own, a writer takes those of all slots that a
/// session has.
///
/// It guards entries, the index, the order of directories, links, and type, mode, owner and group of inodes.
/// SAFETY: the arrays are private and live as long as the tree; `isInUse` and `usedEnd` are guarded by `writers`.
@safe struct TreeLock {
    /// Held by a writer as long as it writes, and while a slot comes into use or goes out of it.
    private let writers: Lock
    private let slots: UnsafeMutablePointer<Lock>
    private let slotCount: Int
    private let isInUse: UnsafeMutablePointer<Bool>
    /// The slot behind the last one in use.
    private let usedEnd: UnsafeMutablePointer<Int>
    private let generationPointer: UnsafeMutablePointer<UInt64>

    /// A lock with `slotCount` slots, at least one, of which none is in use.
    init(slotCount: Int) {
        precondition(slotCount > 0, "a tree lock needs a slot")
        self.slotCount = slotCount
        writers = Lock()
        unsafe slots = .allocate(capacity: slotCount)
        for slot in 0..<slotCount { unsafe (slots + slot).initialize(to: Lock()) }
        unsafe isInUse = .allocate(capacity: slotCount)
        unsafe isInUse.initialize(repeating: false, count: slotCount)
        unsafe usedEnd = .allocate(capacity: 1)
        unsafe usedEnd.initialize(to: 0)
        // In a cache line of its own: every reader of a file looks at it.
        let line = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
        unsafe generationPointer = line.bindMemory(to: UInt64.self, capacity: 1)
        unsafe generationPointer.initialize(to: 1)
    }

    /// How many writers there were, and one more: what a reader saw at the same number is still so, to a holder of this lock.
    ///
    /// This also holds for code that holds only an inode's shard lock, for that inode: a writer counts up before it changes
    /// anything, and changes the inode's rights or frees it only under that lock.
    @inline(__always) var generation: UInt64 { unsafe cs_load64(generationPointer) }

    /// Frees the lock. Nobody may hold or use it.
    func destroy() {
        for slot in 0..<slotCount { unsafe slots[slot].destroy() }
        unsafe slots.deallocate()
        unsafe isInUse.deallocate()
        unsafe usedEnd.deallocate()
        unsafe generationPointer.deallocate()
        writers.destroy()
    }

    /// Gives a slot to a session, which may read from now on. Waits for a writer.
    func include(_ slot: Int) {
        writers.withLock {
            precondition(slot >= 0 && slot < slotCount, "no such slot of the tree lock")
            unsafe isInUse[slot] = true
            unsafe usedEnd.pointee = unsafe max(usedEnd.pointee, slot + 1)
        }
    }

    /// Takes a slot from a session that reads no more.
    func exclude(_ slot: Int) {
        writers.withLock {
            unsafe isInUse[slot] = false
            while unsafe usedEnd.pointee > 0, unsafe !isInUse[usedEnd.pointee - 1] { unsafe usedEnd.pointee -= 1 }
        }
    }

    /// Takes the lock as the reader of `slot`, which is in use.
    @inline(__always) func lockShared(_ slot: Int) {
        assert(slot >= 0 && slot < slotCount, "no such slot of the tree lock")
        unsafe slots[slot].lock()
    }

    /// Ends the reader of `slot`.
    @inline(__always) func unlockShared(_ slot: Int) { unsafe slots[slot].unlock() }

    /// Takes the lock alone.
    func lockExclusive() {
        writers.lock()
        for slot in 0..<(unsafe usedEnd.pointee) where unsafe isInUse[slot] { unsafe slots[slot].lock() }
        unsafe cs_store64(generationPointer, generation &+ 1)
    }

    /// Ends the writer.
    func unlockExclusive() {
        for slot in 0..<(unsafe usedEnd.pointee) where unsafe isInUse[slot] { unsafe slots[slot].unlock() }
        writers.unlock()
    }
}
