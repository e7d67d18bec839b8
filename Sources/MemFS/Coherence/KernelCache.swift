// KernelCache: makes the kernel forget what the port changed. The kernel keeps names, attributes and pages for an hour;
// these threads are what makes that true.
//
// A notice can be made to wait in the kernel: for a directory's lock, which a program may hold for minutes, or for
// pages that are being read or written. So notices are carried out by threads of their own, never inside a callback
// and never under a lock, and while a thread is stuck with one directory others go on with the rest.
import CFuse3
import Glibc
import MemStore

/// The threads that carry notices out.
///
/// SAFETY: the library's session outlives the threads; where one cannot be ended, the session is never freed.
@safe final class KernelCache: @unchecked Sendable {  // what changes is guarded by `lock`
    private static let carriersMin = 2
    /// More threads are started while all are stuck, up to this many.
    private static let carriersMax = 16

    private let store: Store
    private let notices: NoticeQueue
    private let handles: HandleTable
    /// Kept for a thread that is stuck in the kernel and outlives the session.
    private let state: FileSystemState
    private let library: OpaquePointer
    private let lock = Lock()
    private var carrierCount = 0
    private var threads: [Thread] = []
    private let running = RunningThreads()
    /// GUARDED_BY `lock`, as is `isStopping`.
    private var repetitions = NoticeRepetitions()
    private var isStopping = false
    /// There is something to repeat, or the end.
    private let hasRepetitions = Condition()

    init(store: Store, state: FileSystemState, library: OpaquePointer) {
        self.store = store
        notices = state.notices
        handles = state.handles
        self.state = state
        unsafe self.library = library
    }

    deinit {
        hasRepetitions.destroy()
        lock.destroy()
    }

    /// Begins to read the store's invalidations.
    /// - Returns: false when the system gave no thread.
    func start() -> Bool {
        store.invalidations.attachReader()
        for _ in 0..<Self.carriersMin {
            guard startCarrier() else { return false }
        }
        return startThread { $0.repeatNotices() } && startThread { $0.readInvalidations() }
    }

    /// Ends the threads and completes what is pending, so that nobody waits for a mount that is gone.
    ///
    /// - Parameter timeoutSeconds: how long a thread that is stuck in the kernel is waited for.
    /// - Returns: whether all threads have ended.
    func stop(timeoutSeconds: Double) -> Bool {
        store.invalidations.detachReader()
        for notice in notices.close() { complete(notice) }
        lock.withLock { isStopping = true }
        hasRepetitions.wakeAll()
        let isEnded = running.waitUntilNone(timeoutSeconds: timeoutSeconds)
        for thread in lock.withLock({ threads }) {
            if isEnded { thread.join() } else { thread.leave() }
        }
        return isEnded
    }

    private func startThread(_ body: @escaping @Sendable (KernelCache) -> Void) -> Bool {
        running.begin()
        let thread = try? Thread.start(name: "kernel-cache", signals: .inherited) { [self] in
            body(self)
            running.end()
        }
        guard let thread else {
            running.end()
            return false
        }
        lock.withLock { threads.append(thread) }
        return true
    }

    private func startCarrier() -> Bool {
        let isAllowed = lock.withLock {
            if carrierCount == Self.carriersMax { return false }
            carrierCount += 1
            return true
        }
        return isAllowed && startThread { $0.carryOutNotices() }
    }

    // MARK: threads

    private func readInvalidations() {
        while let invalidation = store.invalidations.next() {
            switch notices.add(.invalidation(invalidation)) {
            case .queued: break
            case .queuedWithoutThread: _ = startCarrier()
            case .closed: store.invalidations.complete(invalidation)
            }
        }
    }

    private func carryOutNotices() {
        while let batch = notices.take() {
            for notice in batch.notices {
                carryOut(notice)
                complete(notice)
            }
            notices.finish(batch)
        }
    }

    /// Tells of changed contents again (see `NoticeRepetitions`). Pages that this pushes out are written as any others: by now
    /// they are a program's own, not older than what the port stored.
    private func repeatNotices() {
        lock.lock()
        defer { lock.unlock() }
        while !isStopping {
            guard let next = repetitions.nextMilliseconds else {
                hasRepetitions.wait(lock)
                continue
            }
            let now = Int64(Monotonic.nanoseconds / 1_000_000)
            guard next <= now else {
                hasRepetitions.wait(lock, until: UInt64(next) * 1_000_000)
                continue
            }
            let due = repetitions.takeDue(nowMilliseconds: now)
            lock.unlock()
            state.counts.add(UInt64(due.count), to: .repeatedInvalidations)
            for ino in due { unsafe fuse_lowlevel_notify_inval_inode(library, ino.rawValue, 0, 0) }
            lock.lock()
        }
    }

    private func repeatLater(_ ino: Ino) {
        let now = Int64(Monotonic.nanoseconds / 1_000_000)
        lock.lock()
        repetitions.note(ino, nowMilliseconds: now)
        let isFirst = repetitions.count == 1
        lock.unlock()
        if isFirst { hasRepetitions.wakeOne() }
    }

    private func complete(_ notice: Notice) {
        if case .invalidation(let invalidation) = notice { store.invalidations.complete(invalidation) }
    }

    // MARK: the kernel

    private func carryOut(_ notice: Notice) {
        state.counts.add(1, to: .invalidations)
        switch notice {
        case .content(let ino): dropPages(of: ino)
        case .name(let name, let parent): dropEntry(name, in: parent)
        case .invalidation(let invalidation):
            switch invalidation.kind {
            case .content: dropPages(of: invalidation.ino)
            case .attributes: dropAttributes(of: invalidation.ino)
            case .entry: dropEntry(invalidation.name, in: invalidation.parent)
            }
        }
    }

    // Of the kernel's answers one is looked at (see `drop`): it may know nothing of a name, or be unmounted, and then it
    // keeps nothing that is wrong.

    private func dropPages(of ino: Ino) {
        notices.beginInvalidation(of: ino)
        drop(ino, from: 0)
        if handles.hasWriter(ino), let last = store.lastByte(of: ino) {
            tellSize(of: ino, last)
            drop(ino, from: 0)
        }
        notices.endInvalidation(of: ino)
        repeatLater(ino)
    }

    private func dropAttributes(of ino: Ino) { drop(ino, from: -1) }

    /// Makes the kernel forget the attributes and, from an offset that is not negative on, the pages of an inode.
    ///
    /// An inode of which the kernel knows nothing while we count lookups of it is on its way there: in the answer to a
    /// lookup or a listing made before the change, which would be kept for as long as it says. So the notice is
    /// repeated until the answer has arrived, or the lookups are given back, or for some hundredths of a second.
    private func drop(_ ino: Ino, from offset: Int) {
        for delay in 0..<12 {
            let code = unsafe fuse_lowlevel_notify_inval_inode(library, ino.rawValue, off_t(offset), 0)
            guard code == -ENOENT, store.isKnown(ino) else { return }
            usleep(16 << UInt32(delay))
        }
    }

    /// Makes the kernel know a file's size if it is larger than it thought, which only an answer or a byte behind the old
    /// end does. A program that writes to its mapping asks for no attributes: the kernel would write the page up to the
    /// old end only, and keep zeros behind it.
    private func tellSize(of ino: Ino, _ last: (offset: UInt64, byte: UInt8)) {
        var byte = last.byte
        unsafe withUnsafeMutablePointer(to: &byte) { pointer in
            var buffer = unsafe cf_memory(pointer, 1)
            unsafe fuse_lowlevel_notify_store(
                library, ino.rawValue, off_t(last.offset), &buffer, fuse_buf_copy_flags(rawValue: 0))
        }
    }

    /// Drops a name, present or missing, and the listing and times of its directory: the kernel drops the listing by
    /// itself only if it knew the name.
    private func dropEntry(_ name: [UInt8], in parent: Ino) {
        name.withBytes { name in
            let pointer = unsafe name.pointer?.assumingMemoryBound(to: CChar.self)
            unsafe fuse_lowlevel_notify_inval_entry(library, parent.rawValue, pointer, name.count)
        }
        unsafe fuse_lowlevel_notify_inval_inode(library, parent.rawValue, 0, 0)
    }
}
