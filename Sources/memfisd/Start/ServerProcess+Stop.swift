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

    /// SIGHUP: reads the authentication file again. When that fails, what was read before stays in force.
    private func reload(_ server: Server, _ logger: Logger) {
        notifier?.reloading()
        defer { notifier?.ready("Serving") }
        do throws(StartFailure) {
            guard let users = try readUsers() else { return logger.notice("SIGHUP: nothing to reload") }
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
