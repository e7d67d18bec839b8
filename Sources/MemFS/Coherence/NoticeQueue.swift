// NoticeQueue: what the kernel still has to be told, in order for each inode, so that one that is stuck delays no
// other. It knows no FUSE type; KernelCache carries the notices out.
import DequeModule
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
final class NoticeQueue: @unchecked Sendable {  // guarded by `lock`
    /// Notices of one directory or file, in order; give them back with `finish`.
    struct Batch {
        let key: Ino
        let notices: [Notice]
    }

    private let lock = Lock()
    private let hasReady = Condition()
    /// Notices not yet taken.
    private var pending: [Ino: [Notice]] = [:]
    /// INVARIANT: the keys of `pending` that are not in `running`, in order of arrival.
    private var ready: Deque<Ino> = []
    /// Keys whose batch is being carried out; no second thread gets one of them.
    private var running: Set<Ino> = []
    /// How often each inode's content is being invalidated now.
    private var invalidating: [Ino: Int] = [:]
    private var idleCount = 0
    private var isClosed = false

    deinit {
        hasReady.destroy()
        lock.destroy()
    }

    /// What became of a notice given to `add`.
    enum Addition { case queued, queuedWithoutThread, closed }

    /// Queues a notice.
    /// - Returns: whether it was taken, and whether a thread waits for work or one more would help.
    @discardableResult func add(_ notice: Notice) -> Addition {
        lock.lock()
        defer { lock.unlock() }
        if isClosed { return .closed }
        let key = notice.key
        if pending[key]?.append(notice) == nil {
            pending[key] = [notice]
            if !running.contains(key) { ready.append(key) }
        }
        hasReady.wakeOne()
        return idleCount == 0 ? .queuedWithoutThread : .queued
    }

    /// Waits for the next batch; nil when the queue was closed.
    func take() -> Batch? {
        lock.lock()
        defer { lock.unlock() }
        while ready.isEmpty && !isClosed {
            idleCount += 1
            hasReady.wait(lock)
            idleCount -= 1
        }
        guard !isClosed else { return nil }
        let key = ready.removeFirst()
        running.insert(key)
        return Batch(key: key, notices: pending.removeValue(forKey: key) ?? [])
    }

    /// Says that a batch was carried out, so that later notices of the same key may be.
    func finish(_ batch: Batch) {
        lock.lock()
        defer { lock.unlock() }
        running.remove(batch.key)
        guard pending[batch.key] != nil else { return }
        ready.append(batch.key)
        hasReady.wakeOne()
    }

    /// Ends the queue: wakes all that wait in `take`.
    /// - Returns: the notices that nobody carried out.
    func close() -> [Notice] {
        lock.lock()
        defer { lock.unlock() }
        isClosed = true
        hasReady.wakeAll()
        defer { pending = [:] }
        return pending.values.flatMap { $0 }
    }

    // MARK: content under invalidation

    /// Says that the kernel is being told to drop the pages of `ino`, until `endInvalidation`.
    func beginInvalidation(of ino: Ino) {
        lock.lock()
        defer { lock.unlock() }
        invalidating[ino, default: 0] += 1
    }

    /// The end of `beginInvalidation`.
    func endInvalidation(of ino: Ino) {
        lock.lock()
        defer { lock.unlock() }
        let count = invalidating[ino, default: 0] - 1
        invalidating[ino] = count > 0 ? count : nil
    }

    /// Whether pages of `ino` that the kernel writes now are old ones, pushed out by an invalidation of ours.
    func isInvalidating(_ ino: Ino) -> Bool {
        lock.lock()
        defer { lock.unlock() }
        return invalidating[ino] != nil
    }
}
