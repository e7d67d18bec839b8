// EvictionNotes: what was evicted, for whoever watches. Nothing is recorded and nothing costs while nobody does.
import CShims

/// An item that was evicted.
public struct EvictedItem: Sendable {
    public var key: [UInt8]
    public var flags: UInt32
    public var exptime: Exptime
    public var lastAccessSecond: UInt32
    public var wasFetched: Bool
    public var valueLength: Int
    /// By memcached's formula (`ItemSize`).
    public var sizeBytes: Int
}

/// Evictions that wait to be told of.
///
/// SAFETY: the one pointer is a flag that is read and written atomically and freed with the object.
@safe public final class EvictionNotes: @unchecked Sendable {  // guarded by its lock, and an atomic flag
    /// Notes that may wait; later ones are counted as lost.
    static let waitingMax = 4096

    private let lock = Lock()
    private var waiting: [EvictedItem] = []
    private var lostCount = 0
    private let recording: UnsafeMutablePointer<UInt32>

    init() {
        unsafe recording = .allocate(capacity: 1)
        unsafe recording.initialize(to: 0)
    }

    deinit {
        lock.destroy()
        unsafe recording.deallocate()
    }

    /// Whether evictions are recorded. Turning it off forgets what waits.
    public var isRecording: Bool {
        get { unsafe cs_load32(recording) != 0 }
        set {
            unsafe cs_store32(recording, newValue ? 1 : 0)
            if !newValue { _ = take() }
        }
    }

    /// Takes what waits, oldest first, and how many more were lost since the last time.
    public func take() -> (items: [EvictedItem], lostCount: Int) {
        lock.withLock {
            defer {
                waiting = []
                lostCount = 0
            }
            return (waiting, lostCount)
        }
    }

    /// Records an eviction. A shard's lock is held: this one is inside of it.
    func record(_ item: EvictedItem) {
        lock.withLock { if waiting.count < Self.waitingMax { waiting.append(item) } else { lostCount += 1 } }
    }
}
