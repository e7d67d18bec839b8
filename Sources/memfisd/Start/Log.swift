// Log: the daemon's logger, and the file it may write to.
import Glibc
import Logging
import MemFS
import MemStore

enum Log {
    /// The level of `-v` given that many times.
    static func level(verbosity: Int) -> Logger.Level {
        switch verbosity {
        case 0: .notice
        case 1: .info
        case 2: .debug
        default: .trace
        }
    }

    /// The daemon's logger.
    static func make(verbosity: Int) -> Logger {
        let level = level(verbosity: verbosity)
        return Logger(label: "memfisd") { _ in LineLogHandler(logLevel: level) }
    }

    /// Makes a file the standard error of this process and of all that it forks, which all log there.
    ///
    /// - Parameter owner: who has to be able to open it again after it was rotated; nil leaves it to whoever opens it now.
    /// - Throws: StartFailure, status 71, when it cannot be opened.
    static func openFile(_ path: String, owner: ServingIdentity?) throws(StartFailure) {
        let file = unsafe open(path.hostPath, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
        guard file >= 0 else {
            throw StartFailure("cannot open the log file \(path): \(FilePaths.errorText(errno))", .systemRefused)
        }
        if let owner, owner.needsSwitch { _ = fchown(file, owner.user.uid, owner.user.gid) }
        dup2(file, STDERR_FILENO)
        close(file)
    }
}
