// InvalidationStream: how invalidations get from the sessions that change the tree to the threads that tell the kernel.
import CShims
import DequeModule

/// The store's invalidations in order. Without a reader nothing is recorded and nobody waits.
///
/// Invalidations that are equal and not taken yet are one: it is carried out after all of the changes it stands for. So this is
/// no record of what happened: it has neither states, nor an order between objects, nor what the mount did.
/// SAFETY: the one pointer is a flag that is read and written atomically and freed with the stream.
@safe public final class InvalidationStream: @unchecked Sendable {  // guarded by its lock
    /// Invalidations that may wait to be taken or completed. Beyond it the port's changes are refused (see `hasRoom`).
    private let pendingMax: Int

    /// What makes two waiting invalidations equal.
    private struct Key: Hashable {
        var kind: Invalidation.Kind
        var ino: Ino
        var parent: Ino
        var name: [UInt8]
    }

    private let lock = Lock()
    private let arrival: Condition
    /// Waiting invalidations, and the place of each, counted from the first one ever.
    private var queue: Deque<Invalidation> = []
    private var takenCount = 0
    private var places: [Key: Int] = [:]
    /// Further tokens of invalidations that stand for several changes.
    private var moreTokens: [UInt64: [UInt64]] = [:]
    /// Invalidations that were taken and not completed.
    private var taken: [UInt64: Invalidation] = [:]
    private var lastSequence: UInt64 = 0
    private var completion: (@Sendable (UInt64) -> Void)?
    private let recording: UnsafeMutablePointer<UInt32>

    init(pendingMax: Int = 1 << 20) {
        self.pendingMax = pendingMax
        arrival = Condition()
        unsafe recording = .allocate(capacity: 1)
        unsafe recording.initialize(to: 0)
    }

    deinit {
        arrival.destroy()
        lock.destroy()
        unsafe recording.deallocate()
    }

    /// Called by the reader for each invalidation whose token is not 0, when it has been carried out or given up; from the
    /// reader's thread, with no lock held. The protocol server sets it once, before the first session changes anything.
    public var onCompleted: (@Sendable (_ token: UInt64) -> Void)? {
        get { lock.withLock { completion } }
        set { lock.withLock { completion = newValue } }
    }

    /// Whether a reader is attached.
    var isRecording: Bool { unsafe cs_load32(recording) != 0 }

    /// Whether more may be recorded: a reader that is stuck must not make the store grow without bound.
    var hasRoom: Bool { !isRecording || lock.withLock { queue.count + taken.count < pendingMax } }

    /// Begins recording: from now on changes made through the port are kept for `next`.
    public func attachReader() { unsafe cs_store32_release(recording, 1) }

    /// Ends recording and completes all that is pending, so that nobody waits for a reader that has gone.
    public func detachReader() {
        lock.lock()
        unsafe cs_store32_release(recording, 0)
        var tokens: [UInt64] = []
        for invalidation in queue { tokens += allTokens(of: invalidation) }
        for invalidation in taken.values { tokens += allTokens(of: invalidation) }
        takenCount += queue.count
        queue = []
        places = [:]
        taken = [:]
        let completion = completion
        arrival.wakeAll()
        lock.unlock()
        for token in tokens { completion?(token) }
    }

    /// Waits for the next one; nil when the reader was detached.
    public func next() -> Invalidation? {
        lock.lock()
        defer { lock.unlock() }
        while queue.isEmpty {
            guard isRecording else { return nil }
            arrival.wait(lock)
        }
        let next = queue.removeFirst()
        takenCount += 1
        places[Key(kind: next.kind, ino: next.ino, parent: next.parent, name: next.name)] = nil
        taken[next.sequence] = next
        return next
    }

    /// Says that one was carried out.
    public func complete(_ invalidation: Invalidation) {
        lock.lock()
        let tokens = taken.removeValue(forKey: invalidation.sequence).map { allTokens(of: $0) } ?? []
        let completion = completion
        lock.unlock()
        for token in tokens { completion?(token) }
    }

    /// The tokens that wait for one, and forgets the further ones.
    private func allTokens(of invalidation: Invalidation) -> [UInt64] {
        let more = moreTokens.removeValue(forKey: invalidation.sequence) ?? []
        return invalidation.token == 0 ? more : [invalidation.token] + more
    }

    /// Records one. Any lock of the store may be held: the stream's is the last of all.
    func record(_ kind: Invalidation.Kind, ino: UInt32, parent: UInt32 = 0, name: Bytes = .empty, token: UInt64) {
        let key = Key(kind: kind, ino: Ino(UInt64(ino)), parent: Ino(UInt64(parent)), name: name.array)
        lock.withLock {
            guard isRecording else { return }
            if let place = places[key].map({ $0 - takenCount }) {
                if queue[place].token == 0 {
                    queue[place].token = token
                } else if token != 0 {
                    moreTokens[queue[place].sequence, default: []].append(token)
                }
                return
            }
            lastSequence += 1
            places[key] = takenCount + queue.count
            queue.append(
                Invalidation(
                    sequence: lastSequence, kind: kind, ino: key.ino, parent: key.parent, name: key.name, token: token))
            arrival.wakeOne()
        }
    }
}
