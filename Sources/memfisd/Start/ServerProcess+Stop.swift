// ServerProcess+Stop: waits for the word to stop, carries out what signals ask for, closes the doors.
import Glibc
import Logging
import MemFS
import MemProtoServer

extension ServerProcess {
    private enum Word {
        case none, stop, stopGracefully
    }

    /// Waits for a signal to stop, or for the monitor's end; true for a graceful stop.
    func waitForStop(_ server: Server, _ preload: PreloadTask, _ logger: Logger) -> Bool {
        while true {
            switch hear(server, preload, logger) {
            case .none: continue
            case .stop: return false
            case .stopGracefully: return true
            }
        }
    }

    /// Waits for the end of a preload before the doors are opened; true when a signal or the monitor's end came first.
    func waits(for preload: PreloadTask, _ server: Server, _ logger: Logger) -> Bool {
        while !preload.isFinished {
            if hear(server, preload, logger, timeoutMilliseconds: 20) != .none { return true }
        }
        return false
    }

    /// Waits until there is something to hear, or for `timeoutMilliseconds` (-1 = for ever), and carries out what is no stop.
    private func hear(
        _ server: Server, _ preload: PreloadTask, _ logger: Logger, timeoutMilliseconds: Int32 = -1
    ) -> Word {
        let sources = [signals.descriptor] + (channel.map { [$0.descriptor] } ?? [])
        let ready = Readiness.wait(sources, timeoutMilliseconds: timeoutMilliseconds)
        while let number = signals.next() {
            switch number {
            case SIGHUP:
                reload(server, preload, logger)
            case SIGUSR1:
                logger.notice("Gracefully stopping")
                return .stopGracefully
            default:
                logger.notice("stopping on signal \(number)")
                return .stop
            }
        }
        guard ready.count > 1, ready[1] else { return .none }
        logger.error("the monitor process ended; stopping")
        return .stop
    }

    /// Removes the unix socket, unless systemd holds it. One that could not be removed is taken over by the next start.
    func removeSocket() {
        guard inherited.sockets.isEmpty, let path = settings.listening.unixSocket?.path else { return }
        unsafe unlink(path)
    }

    /// SIGHUP: opens the log file and reads the authentication file again. When one of these fails, what there was stays in
    /// force.
    private func reload(_ server: Server, _ preload: PreloadTask, _ logger: Logger) {
        notifier?.reloading()
        defer { notifier?.ready(preload.status) }
        do throws(StartFailure) {
            if let path = settings.logFile {
                try Log.openFile(path, owner: nil)
                logger.notice("SIGHUP: the log file is opened again")
            }
            guard let users = try readUsers() else {
                return logger.notice(
                    "SIGHUP: settings are read at the start only, and there is no auth-file to read again")
            }
            server.replaceUsers(users)
            logger.notice("SIGHUP: \(users.count) users read")
        } catch {
            logger.error("SIGHUP: \(error.message)")
        }
    }

    /// Takes the mount away, finishes what is under way on both doors, ends the threads.
    func stop(_ server: Server, _ session: FuseSession?, _ logger: Logger, isGraceful: Bool) {
        if let session {
            session.expectUnmount()
            if let channel {
                _ = channel.ask(.unmount)
            } else if inherited.device == nil {
                MountPoints.detach(settings.mountPoints)
            }
            logger.info("unmounted")
        }
        logger.info("closing connections")
        server.stop(gracefulSeconds: isGraceful ? Self.gracefulStopSeconds : Self.stopGraceSeconds)
        session?.stop()
    }
}
