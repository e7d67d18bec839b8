// PreloadTask: runs the preloads on a thread of their own while the doors are open, and tells a terminal, systemd and the
// log how far it is.
import Glibc
import Logging
import MemFS
import MemStore
import Synchronization

final class PreloadTask: Sendable {
    /// Progress intervals in seconds: terminal and systemd, log.
    private static let showIntervalSeconds = 0.5
    private static let logIntervalSeconds = 10.0
    /// How long systemd may wait for the next word of a preload that the start waits for, in seconds.
    private static let startExtensionSeconds = 90
    /// Entries that are left out are named in the log up to this number.
    private static let warningsMax = 20

    private let store: Store
    private let requests: [PreloadRequest]
    private let excluded: Set<String>
    private let memoryLimitMebibytes: Int
    private let logger: Logger
    private let notifier: ServiceNotifier?
    /// systemd waits for the end.
    private let isFirst: Bool
    private let isStopping = Atomic<Bool>(false)
    private let finished = Atomic<Bool>(false)
    private let isIncomplete = Atomic<Bool>(false)
    private let thread = Mutex<Thread?>(nil)

    /// - Parameter requests: opened (see `opened`).
    init(
        store: Store, requests: [PreloadRequest], _ settings: Settings, logger: Logger, notifier: ServiceNotifier?
    ) {
        self.store = store
        self.requests = requests
        excluded = Set(settings.mountPoints)
        memoryLimitMebibytes = settings.store.memoryLimitBytes >> 20
        self.logger = logger
        self.notifier = notifier
        isFirst = settings.preloadsFirst
    }

    /// Judges the directories before anything is started.
    ///
    /// - Parameters:
    ///   - isMounted: the mount has been made already, before this process.
    ///   - mountPoints: where.
    /// - Throws: StartFailure, status 66, for one that is missing or hidden by the mount.
    static func check(
        _ requests: [PreloadRequest], isMounted: Bool, _ mountPoints: [String]
    ) throws(StartFailure) {
        for request in requests {
            // To look at a mount that nobody serves yet would wait for ever.
            let place = FilePaths.absolute(request.directory, from: "/")
            if isMounted, mountPoints.contains(where: { place == $0 || place.hasPrefix($0 + "/") }) {
                throw StartFailure(
                    "--preload \(request.directory): the mount of the service hides that directory; "
                        + "copy from another one, or mount elsewhere", .noInput)
            }
            var attributes = stat()
            guard unsafe stat(request.directory.hostPath, &attributes) == 0 else {
                throw StartFailure("--preload \(request.directory): \(FilePaths.errorText(errno))", .noInput)
            }
            guard attributes.st_mode & FileType.mask == FileType.directory.rawValue else {
                throw StartFailure("--preload \(request.directory) is not a directory", .noInput)
            }
        }
    }

    /// Opens the directories with the rights that count from now on.
    /// - Throws: StartFailure, status 66, for one that cannot be read.
    static func opened(_ requests: [PreloadRequest]) throws(StartFailure) -> [PreloadRequest] {
        var result: [PreloadRequest] = []
        for var request in requests {
            request.descriptor = unsafe open(request.directory.hostPath, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard request.descriptor >= 0 else {
                throw StartFailure(
                    "--preload \(request.directory): \(FilePaths.errorText(errno)) (it is read as the user that serves)",
                    .noInput)
            }
            result.append(request)
        }
        return result
    }

    /// Whether all is copied, or the copying was given up.
    var isFinished: Bool { requests.isEmpty || finished.load(ordering: .acquiring) }

    /// What systemd shows of the service when the doors are open.
    var status: String {
        if !isFinished { return "Serving; preloading" }
        return isIncomplete.load(ordering: .relaxed) ? "Serving; preload incomplete" : "Serving"
    }

    /// Begins; nothing happens without requests.
    func start() {
        guard !requests.isEmpty else { return }
        guard let started = try? Thread.start(name: "preload", signals: .inherited, { [self] in run() }) else {
            preconditionFailure("a process can start a thread")
        }
        thread.withLock { $0 = started }
    }

    /// Ends it after the entry that it is at, and waits.
    func stop() {
        isStopping.store(true, ordering: .relaxed)
        let started = thread.withLock { started in
            defer { started = nil }
            return started
        }
        started?.join()
    }

    private func run() {
        for request in requests {
            if !isStopping.load(ordering: .relaxed) { copy(request) }
            close(request.descriptor)
        }
        finished.store(true, ordering: .releasing)
        notifier?.tell("STATUS=\(status)")
    }

    private func copy(_ request: PreloadRequest) {
        let session = store.makeSession()
        defer { session.end() }
        let place = "\(request.directory) to \(request.targetPath)"
        logger.notice("preload: copying \(place)")
        let started = Self.nowSeconds()
        let display = Display(place: place, logger: logger, notifier: notifier, startSeconds: started)
        var warningCount = 0
        let preloader = Preloader(
            session: session, excluded: excluded,
            warn: { [logger] text in
                warningCount += 1
                if warningCount <= Self.warningsMax { logger.warning("\(text)") }
            },
            goOn: { progress in
                if display.show(progress, nowSeconds: Self.nowSeconds()), self.isFirst {
                    self.notifier?.extendStart(seconds: Self.startExtensionSeconds)
                }
                return !self.isStopping.load(ordering: .relaxed)
            })
        var end: PreloadEnd?
        do throws(PreloadEnd) {
            try preloader.count(request)
            try preloader.copy(request)
        } catch { end = error }
        display.finish()
        var progress = preloader.progress
        progress.seconds = Self.nowSeconds() - started
        switch end {
        case nil: logger.notice("preload: copied \(progress.summary)")
        case .stopped: logger.notice("preload: stopped after \(progress.summary)")
        case .memoryFull:
            let missing = PreloadProgress.mebibytes(progress.bytesExpected - progress.bytes)
            logger.error(
                """
                preload: memory is full: \(missing) MiB of \(request.directory) do not fit into \
                -m \(memoryLimitMebibytes); copied \(progress.summary)
                """)
        }
        if end != nil || progress.leftOut > 0 { isIncomplete.store(true, ordering: .relaxed) }
    }

    static func nowSeconds() -> Double { Double(Monotonic.nanoseconds) / 1e9 }

    /// Where progress is shown, and when it was last.
    private final class Display {
        private let place: String
        private let logger: Logger
        private let notifier: ServiceNotifier?
        private let startSeconds: Double
        private let isTerminal = isatty(STDERR_FILENO) == 1
        private var shownSeconds: Double
        private var loggedSeconds: Double
        private var hasLine = false

        init(place: String, logger: Logger, notifier: ServiceNotifier?, startSeconds: Double) {
            self.place = place
            self.logger = logger
            self.notifier = notifier
            self.startSeconds = startSeconds
            shownSeconds = startSeconds - PreloadTask.showIntervalSeconds
            loggedSeconds = startSeconds
        }

        /// Shows it, unless it was shown a moment ago; whether it has.
        func show(_ progress: PreloadProgress, nowSeconds: Double) -> Bool {
            guard nowSeconds - shownSeconds >= PreloadTask.showIntervalSeconds else { return false }
            shownSeconds = nowSeconds
            var progress = progress
            progress.seconds = nowSeconds - startSeconds
            notifier?.tell("STATUS=Preloading \(place): \(progress.text)")
            if isTerminal {
                // Back to the line's start, and clear what is left of a longer text.
                StandardError.write("\r\(progress.text)\u{1b}[K")
                hasLine = true
            } else if nowSeconds - loggedSeconds >= PreloadTask.logIntervalSeconds {
                loggedSeconds = nowSeconds
                logger.notice("preload: \(progress.text)")
            }
            return true
        }

        func finish() {
            if hasLine { StandardError.write("\r\u{1b}[K") }
        }
    }
}
