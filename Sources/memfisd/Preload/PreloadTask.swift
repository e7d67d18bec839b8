// PreloadTask: runs the preloads on a thread of their own while the doors are open, and tells a terminal, systemd and the
// log how far it is.
import Glibc
import Logging
import MemStore
import Synchronization

final class PreloadTask: Sendable {
    /// Seconds between two words to a terminal and to systemd, and between two lines of the log.
    private static let showIntervalSeconds = 0.5
    private static let logIntervalSeconds = 10.0
    /// Entries that are left out are named in the log up to this number.
    private static let warningsMax = 20

    private let store: Store
    private let requests: [PreloadRequest]
    private let excluded: Set<String>
    private let logger: Logger
    private let notifier: ServiceNotifier?
    private let isStopping = Atomic<Bool>(false)
    private let thread = Atomic<UInt>(0)

    /// - Parameter mountPoints: directories of the host that show the tree itself.
    init(
        store: Store, requests: [PreloadRequest], mountPoints: [String], logger: Logger, notifier: ServiceNotifier?
    ) {
        self.store = store
        self.requests = requests
        excluded = Set(mountPoints)
        self.logger = logger
        self.notifier = notifier
    }

    /// Judges the directories before anything is started.
    /// - Throws: StartFailure, status 66, for one that is missing.
    static func check(_ requests: [PreloadRequest]) throws(StartFailure) {
        for request in requests {
            var attributes = stat()
            guard unsafe stat(request.directory, &attributes) == 0 else {
                throw StartFailure("--preload \(request.directory): \(FilePaths.errorText(errno))", .noInput)
            }
            guard attributes.st_mode & FileType.mask == FileType.directory.rawValue else {
                throw StartFailure("--preload \(request.directory) is not a directory", .noInput)
            }
        }
    }

    /// Begins; nothing happens without requests.
    func start() {
        guard !requests.isEmpty else { return }
        var identity = pthread_t()
        let argument = unsafe Unmanaged.passRetained(self).toOpaque()
        let code = unsafe pthread_create(
            &identity, nil,
            { argument in
                unsafe Unmanaged<PreloadTask>.fromOpaque(argument.unsafelyUnwrapped).takeRetainedValue().run()
                return nil
            }, argument)
        precondition(code == 0, "a process can start a thread")
        thread.store(UInt(identity), ordering: .relaxed)
    }

    /// Ends it after the entry that it is at, and waits.
    func stop() {
        isStopping.store(true, ordering: .relaxed)
        let identity = thread.exchange(0, ordering: .relaxed)
        if identity != 0 { pthread_join(pthread_t(identity), nil) }
    }

    private func run() {
        for request in requests where !isStopping.load(ordering: .relaxed) { copy(request) }
        notifier?.tell("STATUS=Serving")
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
                display.show(progress, nowSeconds: Self.nowSeconds())
                return !self.isStopping.load(ordering: .relaxed)
            })
        var end: PreloadEnd?
        do throws(PreloadEnd) {
            try preloader.count(request.directory)
            try preloader.copy(request)
        } catch { end = error }
        display.finish()
        var progress = preloader.progress
        progress.seconds = Self.nowSeconds() - started
        switch end {
        case nil: logger.notice("preload: copied \(progress.summary)")
        case .stopped: logger.notice("preload: stopped after \(progress.summary)")
        case .memoryFull: logger.error("preload: memory is full; copied \(progress.summary)")
        }
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

        func show(_ progress: PreloadProgress, nowSeconds: Double) {
            guard nowSeconds - shownSeconds >= PreloadTask.showIntervalSeconds else { return }
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
        }

        func finish() {
            if hasLine { StandardError.write("\r\u{1b}[K") }
        }
    }
}
