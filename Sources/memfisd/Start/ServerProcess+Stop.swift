// ServerProcess+Stop: waits for the word to stop, carries out what signals ask for, closes the doors.
import Glibc
import Logging
import MemFS
import MemProtoServer

extension ServerProcess {
    /// Waits for a signal to stop, or for the monitor's end; true for a graceful stop.
    func waitForStop(_ server: Server, _ logger: Logger) -> Bool {
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

    /// Waits for the end of a preload before the doors are opened; true when a signal or the monitor's end came first.
    func waits(for preload: PreloadTask, _ logger: Logger) -> Bool {
        let descriptors = [signals.descriptor] + (channel.map { [$0.descriptor] } ?? [])
        while !preload.isFinished {
            let ready = Readiness.wait(descriptors, timeoutMilliseconds: 20)
            while let number = signals.next() {
                if number == SIGHUP { continue }
                logger.notice("stopping on signal \(number)")
                return true
            }
            if ready.count > 1, ready[1] { return true }
        }
        return false
    }

    /// Removes the unix socket, unless systemd holds it. One that could not be removed is taken over by the next start.
    func removeSocket() {
        guard inherited.sockets.isEmpty, let path = settings.listening.unixSocket?.path else { return }
        unsafe unlink(path)
    }

    /// SIGHUP: opens the log file and reads the authentication file again. When one of these fails, what there was stays in
    /// force.
    private func reload(_ server: Server, _ logger: Logger) {
        notifier?.reloading()
        defer { notifier?.ready("Serving") }
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
