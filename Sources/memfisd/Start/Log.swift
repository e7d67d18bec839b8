// Log: swift-log to stderr. Keys and values of clients never appear above debug.
import Logging

enum Log {
    /// The level of `-v` given so often.
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
        var logger = Logger(label: "memfisd") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = level(verbosity: verbosity)
        return logger
    }
}
