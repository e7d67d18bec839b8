// The tree's lock: whom a writer waits for.
import Testing

@testable import MemStore

@Suite("Tree lock") struct TreeLockTests {
    @Test("a writer takes the slots of sessions alone", .timeLimit(.minutes(1)))
    func writerTakesUsedSlots() {
        let lock = TreeLock(slotCount: 8)
        lock.include(1)
        lock.include(6)
        // A slot that no session has is not waited for.
        lock.lockShared(3)
        lock.lockExclusive()
        lock.unlockExclusive()
        lock.exclude(6)
        lock.lockShared(6)
        lock.lockExclusive()
        lock.unlockExclusive()
        lock.unlockShared(6)
        lock.unlockShared(3)
        lock.exclude(1)
        lock.destroy()
    }
}
