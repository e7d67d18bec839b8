// StartFailure: why memfisd did not start, as one line for stderr and an exit status.

/// The exit statuses of memfisd. Source: memcached's for the first, sysexits(3) for the others.
enum ExitStatus: Int32 {
    case success = 0
    /// A value or word that memcached answers with 1.
    case wrongValue = 1
    /// EX_USAGE: the command line cannot be meant so.
    case usage = 64
    /// EX_NOINPUT: a mount point that is missing or is no directory.
    case noInput = 66
    /// EX_NOUSER: the user is unknown.
    case noUser = 67
    /// EX_OSERR: the system refused something (a port, memory, a mount).
    case systemRefused = 71
    /// EX_CONFIG: a line of the configuration file or a variable is wrong.
    case configuration = 78
}

/// A failure of the start.
struct StartFailure: Error, Equatable {
    /// One line, without the program's name.
    var message: String
    var status: ExitStatus

    init(_ message: String, _ status: ExitStatus) {
        self.message = message
        self.status = status
    }
}
