// HandleTable: what is remembered of each file that is open for writing, or was cut by its opening. Handles for reading
// need no memory and are number 0.
import MemStore

/// The number of an open file as the kernel gives it back with each request; 0 = open for reading only.
public struct HandleNumber: Equatable, Sendable {
    /// The value that crosses the kernel.
    public let rawValue: UInt64
    /// A number that came back from the kernel.
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }
    /// The handle of every file that is open for reading only.
    public static let readOnly = HandleNumber(0)
}

/// The handles open for writing of one mount. Each call takes the table's lock for some nanoseconds.
final class HandleTable: @unchecked Sendable {  // guarded by `lock`
    /// One file open for writing.
    private struct Handle {
        var ino = Ino.none
        /// Thread that opened the file; 0 = unknown.
        var opener: UInt32 = 0
        /// Bytes were written through it since the file was created, cut to nothing or published.
        var isWritten = false
        /// It created the file, cut or wrote it, and that is not published.
        var hasChanged = false
        /// The same without appends: as long as it is open, the release of others publishes nothing.
        var holdsBack = false
        /// Another process than the opener's has written through it: only the last close of all tells that it is done.
        var isShared = false
        /// A thread of the opener's process that has written, so that its process is not looked up for each write.
        var knownWriter: UInt32 = 0
        /// Opened with O_APPEND.
        var appends = false
        var isOpen = false
        /// Its writes go past the kernel's pages.
        var isDirect = false
        /// The next handle in the same bucket, or the next free one; 0 = none.
        var next: UInt32 = 0
    }

    /// Handles open for writing at one time; far above what the kernel lets programs open by default.
    static let handlesMax = 1 << 22
    private static let bucketCount = 1024

    private let lock = Lock()
    /// By number; number 0 is never used.
    private var handles = [Handle()]
    /// INVARIANT: each open handle is in the chain of its inode's bucket, each closed one in the chain of `firstFree`.
    private var buckets = [UInt32](repeating: 0, count: bucketCount)
    private var firstFree: UInt32 = 0
    private var openCount = 0

    deinit { lock.destroy() }

    /// Handles open for writing now.
    var count: Int { lock.withLock { openCount } }

    /// Remembers a file that a program opens, and chooses how.
    ///
    /// A file that is open for writing only can be written past the kernel's pages, which spares a copy of all and the
    /// pages. That needs that nobody fills pages of the file meanwhile: the handle is the only one, or all others go
    /// past the pages too. While there is such a writer, everybody else who opens the file reads past them as well.
    ///
    /// - Parameter counting: counts the handle in the store and returns how many the inode has now.
    /// - Returns: the handle; nil when there are `handlesMax` already, and then nothing was counted.
    func open(
        _ ino: Ino, _ mode: OpenMode, counting: () throws(StoreError) -> Int
    ) throws(StoreError) -> OpenFile? {
        lock.lock()
        defer { lock.unlock() }
        let bucket = Self.bucket(of: ino)
        var hasDirectWriter = false
        forEach(of: ino) { if handles[$0].isDirect { hasDirectWriter = true } }
        guard mode.canWrite || mode.truncates else {
            _ = try counting()
            return OpenFile(handle: .readOnly, skipsFlush: true, isDirect: hasDirectWriter)
        }
        guard firstFree != 0 || handles.count <= Self.handlesMax else { return nil }
        let isOnly = try counting() == 1
        let isDirect = hasDirectWriter || (isOnly && mode.canWrite && !mode.canRead && mode.mayBeDirect)
        let number = takeFree()
        handles[Int(number)] = Handle(
            ino: ino, opener: mode.opener, hasChanged: mode.creates, holdsBack: mode.creates,
            appends: mode.appends, isOpen: true, isDirect: isDirect, next: buckets[bucket])
        buckets[bucket] = number
        openCount += 1
        return OpenFile(handle: HandleNumber(UInt64(number)), skipsFlush: !mode.canWrite, isDirect: isDirect)
    }

    /// Forgets a handle; `readOnly` is allowed.
    ///
    /// - Returns: whether its release publishes: it has changed the file or is the last that could, and no other has
    ///   written or cut what is not published. Who appends is no reason to wait: a log may be shown at any time.
    @discardableResult func close(_ number: HandleNumber) -> Bool {
        if number == .readOnly { return false }
        lock.lock()
        defer { lock.unlock() }
        let index = checked(number)
        let handle = handles[index]
        unlink(UInt32(index), from: Self.bucket(of: handle.ino))
        handles[index] = Handle(next: firstFree)
        firstFree = UInt32(index)
        openCount -= 1
        var (isLast, isHeldBack) = (true, false)
        forEach(of: handle.ino) {
            isLast = false
            if handles[$0].holdsBack { isHeldBack = true }
        }
        return !isHeldBack && (isLast || handle.hasChanged)
    }

    /// Whether the handle's writes go past the kernel's pages.
    func isDirect(_ number: HandleNumber) -> Bool {
        if number == .readOnly { return false }
        return lock.withLock { handles[checked(number)].isDirect }
    }

    /// Notes that a program wrote through the handle. What several processes write through one, as into a redirection of a
    /// shell's, is not published by the close of one of them.
    ///
    /// - Parameter writer: the thread that writes, 0 = unknown; nil = the one that opened the handle.
    /// - Returns: whether its writes go past the kernel's pages.
    @discardableResult
    func setWritten(_ number: HandleNumber, appending: Bool = false, by writer: UInt32? = nil) -> Bool {
        if number == .readOnly { return false }
        lock.lock()
        let index = checked(number)
        handles[index].isWritten = true
        handles[index].hasChanged = true
        if !appending { handles[index].holdsBack = true }
        let handle = handles[index]
        lock.unlock()
        if let writer, !handle.isShared, writer == 0 || writer != handle.opener && writer != handle.knownWriter {
            let isOwn = ProcessIdentity.isSameProcess(handle.opener, writer)
            lock.withLock {
                if isOwn { handles[index].knownWriter = writer } else { handles[index].isShared = true }
            }
        }
        return handle.isDirect
    }

    /// Notes that a change through the handle has failed: its next close has nothing good to show.
    func setFailed(_ number: HandleNumber) {
        if number == .readOnly { return }
        lock.withLock {
            let index = checked(number)
            handles[index].isWritten = false
            handles[index].hasChanged = true
        }
    }

    /// Notes that a file is about to be published, with what all have written. Called before, so that what is written at the
    /// same moment counts twice rather than not at all.
    func setPublished(_ ino: Ino) {
        lock.withLock { mark(ino, isChanged: false) }
    }

    /// Notes that a file is about to be cut to nothing through `number` (nil: by path): what all wrote before is gone, and
    /// the cut is that handle's.
    /// - Returns: whether the handle has O_APPEND.
    @discardableResult func setCutToNothing(_ ino: Ino, by number: HandleNumber?) -> Bool {
        lock.lock()
        defer { lock.unlock() }
        mark(ino, isChanged: false)
        guard let number, number != .readOnly else { return false }
        let index = checked(number)
        handles[index].hasChanged = true
        handles[index].holdsBack = !handles[index].appends
        return handles[index].appends
    }

    /// The thread that opened the handle (0 = unknown), if its process alone wrote through the handle and nothing was
    /// published or truncated since; else nil.
    func openerOfWritten(_ number: HandleNumber) -> UInt32? {
        if number == .readOnly { return nil }
        lock.lock()
        defer { lock.unlock() }
        let handle = handles[checked(number)]
        return handle.isWritten && !handle.isShared ? handle.opener : nil
    }

    /// Notes that pages of a mapping were written: the kernel sends them through any handle of the inode, so all count.
    func setWrittenByPages(_ ino: Ino) {
        lock.withLock { mark(ino, isChanged: true) }
    }

    /// Whether a file is open for writing, which a mapping that can write keeps it.
    func hasWriter(_ ino: Ino) -> Bool {
        lock.lock()
        defer { lock.unlock() }
        var hasOne = false
        forEach(of: ino) { _ in hasOne = true }
        return hasOne
    }

    /// Whether a file may be open for writing by the process of a thread.
    func hasWriter(_ ino: Ino, ofProcess thread: UInt32) -> Bool {
        var openers: [UInt32] = []
        lock.withLock { forEach(of: ino) { openers.append(handles[$0].opener) } }
        return openers.contains { ProcessIdentity.mayBeSameProcess($0, thread) }
    }

    // MARK: the table, under the lock

    private static func bucket(of ino: Ino) -> Int { Int(truncatingIfNeeded: ino.rawValue) & (bucketCount - 1) }

    private func checked(_ number: HandleNumber) -> Int {
        precondition(
            number.rawValue < UInt64(handles.count) && handles[Int(number.rawValue)].isOpen,
            "the kernel sent a handle that is not open")
        return Int(number.rawValue)
    }

    /// All handles of an inode have written to it, or what was written is gone or published.
    private func mark(_ ino: Ino, isChanged: Bool) {
        forEach(of: ino) {
            handles[$0].isWritten = isChanged
            handles[$0].hasChanged = isChanged
            handles[$0].holdsBack = isChanged
        }
    }

    /// Calls `body` with the number of each open handle of an inode.
    private func forEach(of ino: Ino, _ body: (Int) -> Void) {
        var index = Int(buckets[Self.bucket(of: ino)])
        while index != 0 {
            if handles[index].ino == ino { body(index) }
            index = Int(handles[index].next)
        }
    }

    private func takeFree() -> UInt32 {
        if firstFree != 0 {
            let number = firstFree
            firstFree = handles[Int(number)].next
            return number
        }
        handles.append(Handle())
        return UInt32(handles.count - 1)
    }

    private func unlink(_ number: UInt32, from bucket: Int) {
        let next = handles[Int(number)].next
        if buckets[bucket] == number {
            buckets[bucket] = next
            return
        }
        var previous = Int(buckets[bucket])
        while handles[previous].next != number { previous = Int(handles[previous].next) }
        handles[previous].next = next
    }
}
