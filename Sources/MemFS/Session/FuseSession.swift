// FuseSession: a mount being served. Starts the threads, ends them, and knows how the mount came to be.
import CFuse3
import CShims
import Glibc
import MemStore

/// How a mount is served.
public struct FuseSessionOptions: Sendable {
    /// Threads that carry requests out, 1 ... 64; each takes one session of the store
    /// when it is needed first.
    public var threadCount = 4
    /// Longest time in microseconds that a thread waits awake for the next request, 0 ... 1000; 0 = never.
    public var spinMicroseconds: UInt32 = 0
    /// What the mount shows.
    public var fileSystem = FileSystemOptions()
    /// How the mount is made, when the session makes it.
    public var mount = MountOptions()
    /// The defaults.
    public init() {}
}

/// The server of one mount. Made by `attached` or `mounted`, then `start`, then `stop`.
///
/// SAFETY: owns the library's session and frees it in `stop`, after the threads that use it have ended; if one is stuck
/// in the kernel, the session is left allocated.
@safe public final class FuseSession: @unchecked Sendable {  // what changes is guarded by `lock`
    private enum Phase { case made, started, ending, stopped }

    private let store: Store
    private let options: FuseSessionOptions
    private let state: FileSystemState
    private let device = FuseDevice()
    private let library: OpaquePointer
    private let cache: KernelCache
    private let running = RunningThreads()
    private let turns: RequestTurns
    private let lock = Lock()
    private var phase = Phase.made
    private var threads: [Thread] = []
    /// What each thread that took requests has counted.
    private var counters: [Cell<MountCounters>] = []
    private var endedByOthers: (@Sendable () -> Void)?

    /// A session on a descriptor of /dev/fuse that is mounted already (`Mounting.openAndMount`); takes the descriptor
    /// over. Needs no privileges.
    /// - Throws: MountError when the library has no memory.
    public static func attached(
        store: Store, device descriptor: Int32, _ options: FuseSessionOptions = FuseSessionOptions()
    ) throws(MountError) -> FuseSession {
        let session = try FuseSession(store: store, options, libraryOptions: nil)
        try session.takeOver(descriptor)
        return session
    }

    /// A session that mounts itself at `path` through the library, which uses fusermount3(1) for ordinary users.
    /// The mount goes away in `stop`.
    /// - Throws: MountError; the library has said why on stderr.
    public static func mounted(
        store: Store, at path: String, _ options: FuseSessionOptions = FuseSessionOptions()
    ) throws(MountError) -> FuseSession {
        let session = try FuseSession(store: store, options, libraryOptions: libraryOptions(options.mount))
        guard unsafe fuse_session_mount(session.library, path.hostPath) == 0 else {
            // The usual reason, which fusermount3 does not always say.
            if unsafe access("/dev/fuse", R_OK | W_OK) != 0 { throw MountError(what: "open /dev/fuse", code: errno) }
            throw MountError(what: "mount at \(path)", code: 0)
        }
        try session.takeOver(unsafe fuse_session_fd(session.library))
        return session
    }

    private init(
        store: Store, _ options: FuseSessionOptions, libraryOptions: String?
    ) throws(MountError) {
        self.store = store
        self.options = options
        state = FileSystemState(options: options.fileSystem)
        turns = RequestTurns(threadCount: options.threadCount)
        guard let library = unsafe Self.makeLibrarySession(libraryOptions) else {
            throw MountError(what: "make a session of libfuse", code: 0)
        }
        unsafe self.library = library
        cache = unsafe KernelCache(store: store, state: state, library: library)
    }

    deinit {
        for thread in counters { thread.destroy() }
        lock.destroy()
    }

    /// What was counted so far. Any thread.
    func snapshot() -> MountSnapshot {
        var snapshot = MountSnapshot()
        for thread in lock.withLock({ counters }) {
            thread.add(to: &snapshot.counters)
            snapshot.threads += 1
        }
        snapshot.invalidations = state.counts[.invalidations]
        snapshot.repeatedInvalidations = state.counts[.repeatedInvalidations]
        snapshot.handles = state.handles.count
        return snapshot
    }

    // MARK: running

    /// Starts the threads; from now on the mount answers.
    /// - Throws: MountError when the system gives no threads.
    public func start() throws(MountError) {
        WakeSignal.install()
        guard cache.start() else { throw MountError(what: "start threads", code: EAGAIN) }
        let spin = DeviceSpin(microsecondsMax: options.spinMicroseconds)
        for _ in 0..<options.threadCount {
            running.begin()
            do throws(SystemError) {
                let thread = try Thread.start(name: "fuse", signals: .inherited) { [self] in
                    WakeSignal.admit()
                    // A session costs each change of the tree a lock, so only a thread that is needed gets one.
                    if turns.take() { serve(spin) }
                    noticeEnd()
                    running.end()
                }
                lock.withLock { threads.append(thread) }
            } catch {
                running.end()
                throw MountError(what: "start threads", code: error.errno)
            }
        }
        lock.withLock { phase = .started }
    }

    /// Carries requests out on this thread, which has a turn, until the mount ends.
    private func serve(_ spin: DeviceSpin) {
        let session = store.makeSession()
        let own = Cell(alone: MountCounters())
        lock.withLock { counters.append(own) }
        unsafe FuseWorker(
            fileSystem: FileSystem(session: session, state: state), device: device, spin: spin, turns: turns,
            library: library, counters: own
        ).run()
        session.end()
    }

    /// Called once, from a thread of the session, when the mount ends and nobody has said that it would: somebody else
    /// has unmounted it. Set it before `start()`.
    public var onUnmount: (@Sendable () -> Void)? {
        get { lock.withLock { endedByOthers } }
        set { lock.withLock { endedByOthers = newValue } }
    }

    /// Says that the mount is about to be taken away.
    public func expectUnmount() { lock.withLock { if phase == .started { phase = .ending } } }

    private func noticeEnd() {
        let tell = lock.withLock { () -> (@Sendable () -> Void)? in
            guard phase == .started else { return nil }
            phase = .ending
            return endedByOthers
        }
        tell?()
    }

    /// Ends the threads after the requests that they are at, and the mount if the session made it; frees everything.
    /// A mount made by somebody else should be taken away first, else programs get errors from it. Later calls do
    /// nothing.
    public func stop() {
        let isFirst = lock.withLock {
            defer { phase = .stopped }
            return phase != .stopped
        }
        guard isFirst else { return }
        // The notices first, while requests are answered still: one that is being carried out may wait for a program that waits
        // for an answer, and with a thread inside of the kernel the process could not end.
        let isCacheEnded = cache.stop(timeoutSeconds: 1)
        unsafe fuse_session_exit(library)
        turns.close()
        let threads = lock.withLock { self.threads }
        // A thread can be just before its read(2), where a signal is lost, so they are sent until all have ended.
        repeat {
            for thread in threads { thread.signal(WakeSignal.number) }
        } while !running.waitUntilNone(timeoutSeconds: 0.01)
        for thread in threads { thread.join() }
        unsafe fuse_session_unmount(library)
        if isCacheEnded { unsafe fuse_session_destroy(library) }
    }

    // MARK: the library

    /// Makes our calls the library's way to the device.
    private func takeOver(_ descriptor: Int32) throws(MountError) {
        let code = unsafe withUnsafePointer(to: FuseDevice.calls) {
            unsafe fuse_session_custom_io(library, $0, descriptor)
        }
        guard code == 0 else { throw MountError(what: "give libfuse a descriptor", code: -code) }
    }

    private static func libraryOptions(_ options: MountOptions) -> String {
        let source = options.source.replacing(["\\", ","]) { "\\\($0)" }
        var words = "subtype=memfisd,fsname=\(source),default_permissions"
        if options.allowsOthers { words += ",allow_other" }
        if options.isReadOnly { words += ",ro" }
        if !options.allowsPrograms { words += ",noexec" }
        if options.keepsAccessTimes { words += ",noatime" }
        return words
    }

    @unsafe private static func makeLibrarySession(_ words: String?) -> OpaquePointer? {
        var arguments = unsafe fuse_args(argc: 0, argv: nil, allocated: 0)
        defer { unsafe fuse_opt_free_args(&arguments) }
        guard unsafe fuse_opt_add_arg(&arguments, "memfisd") == 0 else { return nil }
        if let words {
            guard unsafe fuse_opt_add_arg(&arguments, "-o\(words)") == 0 else { return nil }
        }
        var operations = unsafe FuseBridge.operations()
        return unsafe fuse_session_new(&arguments, &operations, MemoryLayout<fuse_lowlevel_ops>.size, nil)
    }
}

extension String {
    /// The string with what `replacement` makes of each of `characters` in it.
    fileprivate func replacing(_ characters: Set<Character>, _ replacement: (Character) -> String) -> String {
        reduce(into: "") { $0 += characters.contains($1) ? replacement($1) : String($1) }
    }
}

/// The signal that wakes a thread out of read(2) on the device. Its action does nothing.
private enum WakeSignal {
    /// A real-time signal, which nobody else uses here.
    static let number = __libc_current_sigrtmin() + 4

    /// Sets the action, without SA_RESTART.
    static func install() {
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = { _ in }
        unsafe sigaction(number, &action, nil)
    }

    /// Lets the calling thread be woken, whatever its creator blocks.
    static func admit() {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, number)
        unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }
}
