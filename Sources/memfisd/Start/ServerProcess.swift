// ServerProcess: the process that serves both doors: opens them in order, waits
// for the word to stop, closes them in reverse.
import Glibc
import Logging
import MemFS
import MemProtoServer
import MemStore

struct ServerProcess {
    let settings: Settings
    let signals: StopSignals
    /// To the monitor; nil where there is none.
    let channel: MonitorChannel?
    /// The shell's process that waits; nil when the monitor talks to it, or nobody waits.
    let background: Background?

    /// How long answers under way may take after a signal to stop, in seconds.
    static let stopGraceSeconds = 5.0
    static let gracefulStopSeconds = 20.0
    /// Descriptors beside those of connections: listeners, epolls, log, device.
    static let descriptorsReserved = 256

    /// Serves until told to stop; the exit status.
    /// - Throws: StartFailure when a door cannot be opened.
    func run() throws(StartFailure) -> Int32 {
        let logger = Log.make(verbosity: settings.verbosity)
        for warning in settings.warnings { logger.warning("\(warning)") }
        try ResourceLimits.raiseOpenFiles(to: settings.listening.connectionsMax + Self.descriptorsReserved)
        if settings.dumpsCore { ResourceLimits.allowCoreDumps() }

        let store = try makeStore()
        let server = Server(
            store: store, configuration: settings.serverConfiguration(users: try readUsers()), logger: logger)
        server.onShutdown = { isGraceful in kill(getpid(), isGraceful ? SIGUSR1 : SIGINT) }
        try bind(server)
        PortFile.write(server.boundAddresses)
        if channel == nil, let path = settings.pidFile { PidFile(path: path).write() }
        lockMemory(logger)
        try Privileges.drop(to: settings.serving)

        let housekeeper = Housekeeper(store: store)
        do throws(SystemError) { try server.start() } catch { throw StartFailure("\(error)", .systemRefused) }
        let session = try mount(store)
        announce(server, logger)
        sayReady()

        let isGraceful = waitForStop(server, logger)
        stop(server, session, isGraceful: isGraceful)
        housekeeper.stop()
        logger.notice("stopped")
        if channel == nil, settings.isDaemon, let path = settings.pidFile { PidFile(path: path).remove() }
        return 0
    }

    // MARK: start

    private func makeStore() throws(StartFailure) -> Store {
        do throws(StoreSetupError) { return try Store(configuration: settings.store) } catch {
            throw StartFailure("\(error.what): \(FilePaths.errorText(error.errno))", .systemRefused)
        }
    }

    private func readUsers() throws(StartFailure) -> [String]? {
        guard let path = settings.listening.authFile else { return nil }
        guard let text = FilePaths.contents(of: path) else {
            throw StartFailure(
                "cannot read the authentication file \(path): \(FilePaths.errorText(errno))", .wrongValue)
        }
        return text.split(separator: "\n").map(String.init)
    }

    private func bind(_ server: Server) throws(StartFailure) {
        do throws(SystemError) { try server.bind() } catch {
            let hint = error.errno == EADDRINUSE ? "; choose another port with -p" : ""
            throw StartFailure("cannot listen: \(error)\(hint)", .systemRefused)
        }
    }

    private func lockMemory(_ logger: Logger) {
        guard settings.locksMemory, !ResourceLimits.lockMemory() else { return }
        logger.warning("-k: cannot lock memory: \(FilePaths.errorText(errno))")
    }

    /// Mounts and serves the tree; nil without a mount point.
    private func mount(_ store: Store) throws(StartFailure) -> FuseSession? {
        guard let path = settings.mountPoints.first else { return nil }
        do throws(MountError) {
            guard let channel else {
                let session = try FuseSession.mounted(store: store, at: path, settings.fuseOptions)
                try session.start()
                return session
            }
            // The monitor has said why on stderr when it could not.
            guard let device = channel.ask(.mount), device >= 0 else { throw MountError(what: "", code: 0) }
            let session = try FuseSession.attached(store: store, device: device, settings.fuseOptions)
            try session.start()
            if settings.mountPoints.count > 1, channel.ask(.bindMounts) == nil { throw MountError(what: "", code: 0) }
            return session
        } catch {
            throw error.what.isEmpty ? StartFailure("", .systemRefused) : StartFailure(error)
        }
    }

    private func announce(_ server: Server, _ logger: Logger) {
        let addresses = server.boundAddresses.map(\.description).joined(separator: ", ")
        logger.notice("memory limit \(settings.store.memoryLimitBytes >> 20) MiB, listening on \(addresses)")
        if settings.store.filesReadOnly {
            logger.notice("clients of the port may not write files")
        } else {
            let mask = String(settings.store.umask, radix: 8)
            logger.notice(
                "whoever reaches the port may write files as user \(settings.serving.name) (umask 0\(mask))")
        }
        for prefix in settings.store.prefixes {
            let text = String(decoding: prefix.prefix, as: UTF8.self)
            logger.info("keys \(text)/… name the files of \(String(decoding: prefix.directory, as: UTF8.self))")
        }
        for path in settings.mountPoints { logger.notice("mounted at \(path)") }
        logger.notice("ready: memfisd \(Version.text), process \(getpid())")
    }

    private func sayReady() {
        if let channel { _ = channel.send(MonitorRequest.ready.rawValue) }
        background?.detachOutput(keepsLog: settings.verbosity > 0)
        background?.sayReady()
    }

    // MARK: stop

    /// Waits for a signal to stop, or for the monitor's end; true for a graceful stop.
    private func waitForStop(_ server: Server, _ logger: Logger) -> Bool {
        let descriptors = [signals.descriptor] + (channel.map { [$0.descriptor] } ?? [])
        while true {
            let ready = Readiness.wait(descriptors)
            while let number = signals.next() {
                switch number {
                case SIGHUP:
                    reload(server, logger)
                case SIGUSR1:
                    logger.notice("Gracefully stopping")
                    return true
                default:
                    logger.notice("stopping on signal \(number)")
                    return false
                }
            }
            if ready.count > 1, ready[1] {
                logger.error("the monitor process ended; stopping")
                return false
            }
        }
    }

    /// SIGHUP: reads the authentication file again. When that fails, what was read before stays in force.
    private func reload(_ server: Server, _ logger: Logger) {
        do throws(StartFailure) {
            guard let users = try readUsers() else { return logger.notice("SIGHUP: nothing to reload") }
            server.replaceUsers(users)
            logger.notice("SIGHUP: \(users.count) users read")
        } catch {
            logger.error("SIGHUP: \(error.message)")
        }
    }

    /// Takes the mount away, finishes what is under way on both doors, ends the threads.
    private func stop(_ server: Server, _ session: FuseSession?, isGraceful: Bool) {
        if session != nil {
            if let channel { _ = channel.ask(.unmount) } else { MountPoints.detach(settings.mountPoints) }
        }
        server.stop(gracefulSeconds: isGraceful ? Self.gracefulStopSeconds : Self.stopGraceSeconds)
        session?.stop()
    }
}
