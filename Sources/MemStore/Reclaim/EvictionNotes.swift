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
/// SAFETY: both pointers are words that are read and written atomically and freed with the object.
@safe public final class EvictionNotes: @unchecked Sendable {  // guarded by its lock, and atomic words
    /// Notes that may wait; later ones are counted as lost.
    static let waitingMax = 4096

    private let lock = Lock()
    private var waiting: [EvictedItem] = []
    private var lostCount = 0
    private let recording: UnsafeMutablePointer<UInt32>
    private let accessSecond: UnsafeMutablePointer<UInt32>

    init() {
        unsafe recording = .allocate(capacity: 1)
        unsafe recording.initialize(to: 0)
        unsafe accessSecond = .allocate(capacity: 1)
        unsafe accessSecond.initialize(to: 0)
    }

    deinit {
        lock.destroy()
        unsafe recording.deallocate()
        unsafe accessSecond.deallocate()
    }

    /// Whether evictions are recorded. Turning it off forgets what waits.
    public var isRecording: Bool {
        get { unsafe cs_load32(recording) != 0 }
        set {
            unsafe cs_store32(recording, newValue ? 1 : 0)
            if !newValue { _ = take() }
        }
    }

    /// Last-access second of the item that was evicted last; 0 = none was. Files that are idle for as long give way too.
    var lastAccessSecond: UInt32 { unsafe cs_load32(accessSecond) }

    /// Notes that an item was evicted. Nothing is written when it was last used in the same second as the one before it, as
    /// most were: all threads read what lies beside it.
    @inline(__always) func noteEviction(ofLastAccessed second: UInt32) {
        guard unsafe cs_load32(accessSecond) != second else { return }
        unsafe cs_store32(accessSecond, second)
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
