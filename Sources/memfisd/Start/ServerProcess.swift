// ServerProcess: the process that serves both doors: opens them in order, waits
// for the word to stop, closes them in reverse.
import Glibc
import Logging
import MemFS
import MemNet
import MemProtoServer
import MemStore

struct ServerProcess {
    let settings: Settings
    /// What systemd handed over.
    let inherited: InheritedDescriptors
    let signals: StopSignals
    /// To the monitor; nil where there is none.
    let channel: MonitorChannel?
    /// The shell's process that waits; nil when the monitor talks to it, or nobody waits.
    let background: Background?
    let notifier = ServiceNotifier.current()

    /// How long answers under way may take after a signal to stop, in seconds.
    static let stopGraceSeconds = 5.0
    static let gracefulStopSeconds = 20.0
    /// Descriptors beside those of connections: listeners, epolls, log, device.
    static let descriptorsReserved = 256
    /// How long a daemon that ends with its mount may keep its port after an unmount, in seconds.
    static let portWaitSeconds = 5.0

    init(
        settings: Settings, inherited: InheritedDescriptors, signals: StopSignals, channel: MonitorChannel?,
        background: Background?
    ) {
        self.settings = settings
        self.inherited = inherited
        self.signals = signals
        self.channel = channel
        self.background = background
    }

    /// Serves until told to stop; the exit status.
    /// - Throws: StartFailure when a door cannot be opened.
    func run() throws(StartFailure) -> Int32 {
        let logger = Log.make(verbosity: settings.verbosity)
        logger.info("starting memfisd \(Version.text)")
        for warning in settings.warnings { logger.warning("\(warning)") }
        try raiseOpenFiles(logger)
        if settings.dumpsCore { ResourceLimits.allowCoreDumps() }

        let store = try makeStore()
        let users = try readUsers()
        if let users, users.isEmpty, let path = settings.listening.authFile {
            logger.warning("the authentication file \(path) is empty: nobody can log in")
        }
        var configuration = settings.serverConfiguration(users: users)
        configuration.inherit(inherited.sockets)
        let server = Server(store: store, configuration: configuration, logger: logger)
        server.onShutdown = { isGraceful in kill(getpid(), isGraceful ? SIGUSR1 : SIGINT) }
        try bind(server)
        PortFile.write(server.boundAddresses)
        if channel == nil, let path = settings.pidFile { PidFile(path: path).write() }
        lockMemory(logger)
        try Privileges.drop(to: settings.serving)

        // Before the mount, which may hide what is to be copied into it; and as the user whose rights count from now on.
        let preload = PreloadTask(
            store: store, requests: try PreloadTask.opened(settings.preloads), settings, logger: logger,
            notifier: notifier)
        let housekeeper = Housekeeper(store: store)
        if !settings.preloadsFirst { try start(server) }
        let session: FuseSession?
        do throws(StartFailure) { session = try mount(store, server, logger) } catch {
            server.stop(gracefulSeconds: 0)
            housekeeper.stop()
            throw error
        }
        if let session { server.show { [weak session] in session?.metrics ?? [] } }
        preload.start()
        // Clients that come meanwhile wait in the sockets' queues.
        let isStopped = settings.preloadsFirst && waits(for: preload, server, logger)
        if !isStopped {
            if settings.preloadsFirst { try start(server) }
            announce(server, logger)
            sayReady(preload)
        }

        let isGraceful = !isStopped && waitForStop(server, preload, logger)
        notifier?.stopping()
        preload.stop()
        stop(server, session, logger, isGraceful: isGraceful)
        housekeeper.stop()
        removeSocket()
        logger.notice("stopped")
        if channel == nil, settings.isDaemon, let path = settings.pidFile { PidFile(path: path).remove() }
        return 0
    }

    // MARK: start

    private func start(_ server: Server) throws(StartFailure) {
        do throws(SystemError) { try server.start() } catch { throw StartFailure("\(error)", .systemRefused) }
    }

    private func raiseOpenFiles(_ logger: Logger) throws(StartFailure) {
        let connections = settings.listening.connectionsMax
        let wanted = connections + Self.descriptorsReserved
        let count = try ResourceLimits.raiseOpenFiles(to: wanted, least: connections)
        if count < wanted {
            logger.warning(
                "-c \(connections): the system allows \(count) open files, so the last connections may be refused")
        }
    }

    private func makeStore() throws(StartFailure) -> Store {
        do throws(StoreSetupError) { return try Store(configuration: settings.store) } catch {
            throw StartFailure("\(error.what): \(FilePaths.errorText(error.errno))", .systemRefused)
        }
    }

    func readUsers() throws(StartFailure) -> [String]? {
        guard let path = settings.listening.authFile else { return nil }
        guard let text = SystemFile.text(of: path) else {
            throw StartFailure(
                "cannot read the authentication file \(path): \(FilePaths.errorText(errno))", .noInput)
        }
        var users: [String] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
        where !line.isEmpty {
            guard line.contains(":") else {
                throw StartFailure(
                    "the authentication file \(path) has a malformed entry in line \(index + 1): "
                        + "expected lines user:password", .wrongValue)
            }
            users.append(String(line))
        }
        return users
    }

    private func bind(_ server: Server) throws(StartFailure) {
        if let socket = settings.listening.unixSocket, inherited.sockets.isEmpty {
            FilePaths.makeRuntimeDirectory(of: socket.path)
        }
        let giveUpSeconds = PreloadTask.nowSeconds() + (settings.endsWithMount ? Self.portWaitSeconds : 0)
        do throws(SystemError) {
            while true {
                do throws(SystemError) { return try server.bind() } catch {
                    guard error.errno == EADDRINUSE, PreloadTask.nowSeconds() < giveUpSeconds else { throw error }
                    usleep(50_000)
                }
            }
        } catch {
            let isPath = error.subject.hasPrefix("/")
            let another = isPath ? "path (unix-socket, -s)" : "port (port, -p)"
            var hint = error.errno == EADDRINUSE ? "; choose another \(another)" : ""
            if isPath, FilePaths.isFile(error.subject) { hint = "; there is a file, not a socket" }
            throw StartFailure("cannot listen: \(error)\(hint)", .systemRefused)
        }
    }

    private func lockMemory(_ logger: Logger) {
        guard settings.locksMemory, !ResourceLimits.lockMemory() else { return }
        logger.warning("-k: cannot lock memory: \(FilePaths.errorText(errno))")
    }

    /// Mounts and serves the tree; nil without a mount point.
    private func mount(_ store: Store, _ server: Server, _ logger: Logger) throws(StartFailure) -> FuseSession? {
        var options = settings.fuseOptions
        options.fileSystem.reports = [
            ControlReport(name: "stats") { Array(server.statisticsText().utf8) },
            ControlReport(name: "settings") { Array(server.settingsText().utf8) },
        ]
        do throws(MountError) {
            if let device = inherited.device {
                let session = try FuseSession.attached(store: store, device: device, options)
                try start(session, logger)
                // Nobody but the server is to hold the device: with its end the kernel ends the filesystem.
                notifier?.drop(name: InheritedDescriptors.deviceName)
                return session
            }
            guard let path = settings.mountPoints.first else { return nil }
            logger.info("mounting at \(path)")
            guard let channel else {
                let session = try FuseSession.mounted(store: store, at: path, options)
                try start(session, logger)
                return session
            }
            // The monitor has said why on stderr when it could not.
            guard let device = channel.ask(.mount), device >= 0 else { throw MountError(what: "", code: 0) }
            let session = try FuseSession.attached(store: store, device: device, options)
            try start(session, logger)
            if settings.mountPoints.count > 1, channel.ask(.bindMounts) == nil { throw MountError(what: "", code: 0) }
            return session
        } catch {
            throw error.what.isEmpty ? StartFailure("", .systemRefused) : StartFailure(error)
        }
    }

    private func start(_ session: FuseSession, _ logger: Logger) throws(MountError) {
        let endsWithMount = settings.endsWithMount
        session.onUnmount = { [channel] in
            if let channel { _ = channel.send(MonitorRequest.gone.rawValue) }
            logger.notice("unmounted by somebody else\(endsWithMount ? "" : "; the port is served further")")
            if endsWithMount { kill(getpid(), SIGTERM) }
        }
        try session.start()
    }

    private func announce(_ server: Server, _ logger: Logger) {
        let addresses = server.boundAddresses.map(\.description).joined(separator: ", ")
        logger.notice("memory limit \(settings.store.memoryLimitBytes >> 20) MiB, listening on \(addresses)")
        // Without a mount nobody keeps files here that a client could harm.
        if settings.store.filesReadOnly {
            logger.notice("clients of the port may not write files")
        } else if !settings.mountPoints.isEmpty {
            let mask = String(settings.store.umask, radix: 8)
            let who = settings.listening.authFile == nil ? "reaches the port" : "authenticates on the port"
            logger.notice("whoever \(who) may write files as user \(settings.serving.name) (umask 0\(mask))")
        }
        for prefix in settings.store.prefixes {
            let text = String(decoding: prefix.prefix, as: UTF8.self)
            logger.notice("keys \(text)/… name the files of \(String(decoding: prefix.directory, as: UTF8.self))")
        }
        for path in settings.mountPoints { logger.notice("mounted at \(path)") }
        logger.notice("ready: memfisd \(Version.text), process \(getpid())")
    }

    private func sayReady(_ preload: PreloadTask) {
        if let channel {
            _ = channel.send(MonitorRequest.ready.rawValue)
        } else {
            notifier?.ready(preload.status)
        }
        // The server behind a monitor too: whoever waits for the end of our output waits for the start alone.
        if settings.isDaemon { Background.detachOutput(keepsLog: settings.keepsStandardError) }
        background?.sayReady()
    }
}
