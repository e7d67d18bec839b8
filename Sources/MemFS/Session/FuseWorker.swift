// FuseWorker: one thread of a mount. Takes a request, has it carried out on a session of its own, takes the next.
import CFuse3
import CShims
import Glibc
import MemStore

/// The state of one thread; callbacks find it through the thread.
///
/// SAFETY: `scratch` and the library's buffer are allocated by and for the one thread that runs the worker.
@safe final class FuseWorker {
    /// Longest READ, READDIR or extended attribute in bytes. Source: Linux, fs.fuse.max_pages_limit (256 pages of 4
    /// KiB).
    static let transferMax = 1 << 20

    let fileSystem: FileSystem
    /// Whether the kernel leaves the clearing of suid and sgid to us; see `FuseDevice`.
    let device: FuseDevice
    private let library: OpaquePointer
    private let turns: RequestTurns
    private let scratchBase: UnsafeMutableRawPointer
    private let requestBase: UnsafeMutableRawPointer
    private let joined: UnsafeMutableRawPointer
    private var request = unsafe fuse_buf()
    private var pace = RequestPace()
    private let counters: Cell<MountCounters>
    private var reader: DeviceReader

    /// - Parameters:
    ///   - spin, turns: shared with the other threads of the mount.
    ///   - library: the library's session, which outlives the worker.
    ///   - counters: the thread's own, which outlive it too.
    init(
        fileSystem: FileSystem, device: FuseDevice, spin: DeviceSpin, turns: RequestTurns, library: OpaquePointer,
        counters: Cell<MountCounters>
    ) {
        self.counters = counters
        reader = unsafe DeviceReader(device: fuse_session_fd(library), spin: spin)
        self.fileSystem = fileSystem
        self.device = device
        self.turns = turns
        unsafe self.library = library
        unsafe scratchBase = .allocate(byteCount: Self.transferMax, alignment: 4096)
        unsafe requestBase = .allocate(byteCount: 2 * 4096 + Self.transferMax, alignment: 4096)
        unsafe joined = .allocate(byteCount: Self.joinedMax, alignment: Self.joinedMax)
        placeNext(isLargeWrite: false)
    }

    deinit {
        unsafe scratchBase.deallocate()
        unsafe requestBase.deallocate()
        unsafe joined.deallocate()
    }

    /// `count` bytes of memory for one reply; at most `transferMax`.
    @unsafe func scratch(_ count: Int) -> UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: scratchBase, count: min(count, Self.transferMax))
    }

    /// The request that is being carried out, as it came.
    var rawRequest: RawRequest { unsafe RawRequest(request.mem.unsafelyUnwrapped) }

    /// A page: the kernel pins each page of ours from which or to which it copies, once for each piece.
    private static let joinedMax = 4096

    /// Chooses where the next request is put. One that fits into a page is best at its beginning. What a large WRITE
    /// brings should begin on a page, as it does in the kernel, so that each page is copied in one piece; they come in
    /// sequences.
    private func placeNext(isLargeWrite: Bool) {
        unsafe request.mem = isLargeWrite ? requestBase + 4096 - RawRequest.writeHeadLength : requestBase
    }

    /// read(2) of the next request.
    @unsafe func read(_ buffer: UnsafeMutableRawPointer?, _ length: Int) -> Int {
        let count = unsafe reader.read(buffer, length)
        if count > 0, !device.isReady {
            unsafe device.note(request: UnsafeRawBufferPointer(start: buffer, count: count))
        }
        return count
    }

    /// writev(2) of an answer; short pieces go as one.
    @unsafe func write(_ pieces: UnsafeBufferPointer<iovec>) -> Int {
        if !device.isReady { unsafe device.amend(reply: pieces) }
        let total = unsafe pieces.reduce(0) { unsafe $0 + $1.iov_len }
        unsafe count(pieces, total)
        guard pieces.count > 1, total <= Self.joinedMax else {
            if pieces.count == 1 {
                return unsafe cs_write(reader.device, pieces[0].iov_base, pieces[0].iov_len)
            }
            return unsafe cs_writev(reader.device, pieces.baseAddress, Int32(pieces.count))
        }
        var length = 0
        for index in 0..<pieces.count {
            guard let base = unsafe pieces[index].iov_base else { continue }
            unsafe memcpy(joined + length, base, pieces[index].iov_len)
            unsafe length += pieces[index].iov_len
        }
        return unsafe cs_write(reader.device, joined, length)
    }

    /// Counts a reply. What answers no request, a notice, is left out. Source: Linux' uapi header `fuse.h`, fuse_out_header.
    @unsafe private func count(_ pieces: UnsafeBufferPointer<iovec>, _ total: Int) {
        guard let header = unsafe pieces.first?.iov_base, unsafe pieces[0].iov_len >= RawRequest.replyHeaderLength,
            unsafe header.loadUnaligned(fromByteOffset: 8, as: UInt64.self) != 0
        else { return }
        var error = unsafe header.loadUnaligned(fromByteOffset: 4, as: Int32.self)
        // A name that is not there is told by an entry without an inode, which the kernel may keep.
        if rawRequest.isLookup, pieces.count > 1, unsafe pieces[1].iov_len >= 8,
            unsafe pieces[1].iov_base.unsafelyUnwrapped.loadUnaligned(as: UInt64.self) == 0
        {
            error = -ENOENT
        }
        counters.value.count(replyTo: rawRequest, error: error, length: total)
    }

    /// Makes the kernel ask again for an inode's attributes. Unlike a notice about pages or names this waits for
    /// nothing in the kernel, so a callback may send it before its reply.
    func dropAttributes(of ino: Ino) {
        unsafe fuse_lowlevel_notify_inval_inode(library, ino.rawValue, -1, 0)
    }

    /// Carries requests out until the session ends. The thread has a turn.
    func run() {
        unsafe pthread_setspecific(Self.key, Unmanaged.passUnretained(self).toOpaque())
        while carryOutTurn(), turns.take() {}
        turns.close()
        pthread_setspecific(Self.key, nil)
    }

    /// Takes requests until this thread's turn ends; false when the session ends.
    private func carryOutTurn() -> Bool {
        while unsafe fuse_session_exited(library) == 0 {
            // Alone and asleep while it waits, a thread sees from its sleeps whether it keeps up; else only the time tells.
            let isTimed = turns.isShared || reader.waitsAwake
            let begun = isTimed ? Monotonic.nanoseconds : 0
            let count = unsafe fuse_session_receive_buf(library, &request)
            // 0: the session was ended, or the mount is gone.
            if count == 0 { return false }
            if count < 0 {
                if count == -EINTR || count == -EAGAIN { continue }
                unsafe fuse_session_exit(library)
                return false
            }
            let waited = isTimed ? Monotonic.nanoseconds &- begun : 0
            fileSystem.session.refreshClock()
            counters.value.count(rawRequest.operation)
            let isLargeWrite = rawRequest.isLargeWrite
            let givesAway =
                switch rawRequest.length {
                case .short: false
                case .transfer: DeviceReader.hasRequest(reader.device)
                case .long: true
                }
            if givesAway { turns.giveAway() }
            unsafe fuse_session_process_buf(library, &request)
            placeNext(isLargeWrite: isLargeWrite)
            if givesAway { return true }
            switch pace.advice(after: waited, isShared: turns.isShared, sleepCount: Self.sleepCount) {
            case .goOn: break
            case .callHelp: turns.add()
            case .leave: if turns.leave() { return true }
            }
        }
        return false
    }

    /// How often this thread has slept. Source: getrusage(2), RUSAGE_THREAD.
    private static func sleepCount() -> Int {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(1), &usage)
        return usage.ru_nvcsw
    }

    /// The worker of this thread.
    static var current: FuseWorker {
        guard let pointer = unsafe pthread_getspecific(key) else {
            preconditionFailure("a callback runs outside of a worker's thread")
        }
        return unsafe Unmanaged<FuseWorker>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Lends the worker of this thread to `body` without counting a reference; nil on a thread that has none.
    static func withCurrent<R>(_ body: (FuseWorker) -> R) -> R? {
        guard let pointer = unsafe pthread_getspecific(key) else { return nil }
        return unsafe Unmanaged<FuseWorker>.fromOpaque(pointer)._withUnsafeGuaranteedRef(body)
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        let code = unsafe pthread_key_create(&key, nil)
        precondition(code == 0, "pthread_key_create failed")
        return key
    }()
}
