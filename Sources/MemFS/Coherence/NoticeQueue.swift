// NoticeQueue: what the kernel still has to be told, in order for each inode, so that one that is stuck delays no
// other. It knows no FUSE type; KernelCache carries the notices out.
import Glibc
import MemStore

/// Something that the kernel has to be told.
enum Notice: Equatable {
    /// A change of the tree, whose maker may be waiting for it.
    case invalidation(Invalidation)
    /// The kernel's pages of a file are wrong; nobody waits.
    case content(Ino)
    /// The kernel is to forget a name of a directory; nobody waits.
    case name([UInt8], in: Ino)

    /// The directory or file whose notices must stay in order.
    var key: Ino {
        switch self {
        case .content(let ino), .name(_, in: let ino): ino
        case .invalidation(let it): it.kind == .entry ? it.parent : it.ino
        }
    }
}

/// Notices waiting to be carried out, queued by the directory or file that they concern.
///
/// SAFETY: the condition variable is owned by the queue and freed with it.
@safe final class NoticeQueue: @unchecked Sendable {  // guarded by `mutex`
    /// Notices of one directory or file, in order; give them back with `finish`.
    struct Batch {
        let key: Ino
        let notices: [Notice]
    }

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let isReady: UnsafeMutablePointer<pthread_cond_t>
    /// Notices not yet taken.
    private var pending: [Ino: [Notice]] = [:]
    /// INVARIANT: the keys of `pending` that are not in `running`, in order of arrival.
    private var ready: [Ino] = []
    /// Keys whose batch is being carried out; no second thread gets one of them.
    private var running: Set<Ino> = []
    /// How often each inode's content is being invalidated now.
    private var invalidating: [Ino: Int] = [:]
    private var idleCount = 0
    private var isClosed = false

    init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe isReady = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(isReady, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(isReady)
        unsafe pthread_mutex_destroy(mutex)
        unsafe isReady.deallocate()
        unsafe mutex.deallocate()
    }

    /// What became of a notice given to `add`.
    enum Addition { case queued, queuedWithoutThread, closed }

    /// Queues a notice.
    /// - Returns: whether it was taken, and whether a thread waits for work or one more would help.
    @discardableResult func add(_ notice: Notice) -> Addition {
        lock()
        defer { unlock() }
        if isClosed { return .closed }
        let key = notice.key
        if pending[key]?.append(notice) == nil {
            pending[key] = [notice]
            if !running.contains(key) { ready.append(key) }
        }
        unsafe pthread_cond_signal(isReady)
        return idleCount == 0 ? .queuedWithoutThread : .queued
    }

    /// Waits for the next batch; nil when the queue was closed.
    func take() -> Batch? {
        lock()
        defer { unlock() }
        while ready.isEmpty && !isClosed {
            idleCount += 1
            unsafe pthread_cond_wait(isReady, mutex)
            idleCount -= 1
        }
        guard !isClosed else { return nil }
        let key = ready.removeFirst()
        running.insert(key)
        return Batch(key: key, notices: pending.removeValue(forKey: key) ?? [])
    }

    /// Says that a batch was carried out, so that later notices of the same key may be.
    func finish(_ batch: Batch) {
        lock()
        defer { unlock() }
        running.remove(batch.key)
        guard pending[batch.key] != nil else { return }
        ready.append(batch.key)
        unsafe pthread_cond_signal(isReady)
    }

    /// Ends the queue: wakes all that wait in `take`.
    /// - Returns: the notices that nobody carried out.
    func close() -> [Notice] {
        lock()
        defer { unlock() }
        isClosed = true
        unsafe pthread_cond_broadcast(isReady)
        defer { pending = [:] }
        return pending.values.flatMap { $0 }
    }

    // MARK: content under invalidation

    /// Says that the kernel is being told to drop the pages of `ino`, until `endInvalidation`.
    func beginInvalidation(of ino: Ino) {
        lock()
        defer { unlock() }
        invalidating[ino, default: 0] += 1
    }

    /// The end of `beginInvalidation`.
    func endInvalidation(of ino: Ino) {
        lock()
        defer { unlock() }
        let count = invalidating[ino, default: 0] - 1
        invalidating[ino] = count > 0 ? count : nil
    }

    /// Whether pages of `ino` that the kernel writes now are old ones, pushed out by an invalidation of ours.
    func isInvalidating(_ ino: Ino) -> Bool {
        lock()
        defer { unlock() }
        return invalidating[ino] != nil
    }

    private func lock() { unsafe pthread_mutex_lock(mutex) }
    private func unlock() { unsafe pthread_mutex_unlock(mutex) }
}
