// RecordedLog: a logger whose lines a test can read.
import Logging
import MemStore

/// What was logged so far, `level text` each.
final class RecordedLog: @unchecked Sendable {  // guarded by `lock`
    private let lock = Lock()
    private var recorded: [String] = []

    deinit { lock.destroy() }

    var lines: [String] { lock.withLock { recorded } }

    fileprivate func add(_ line: String) { lock.withLock { recorded.append(line) } }

    /// A logger that writes here what is of `level` or worse.
    func logger(_ level: Logger.Level) -> Logger {
        var logger = Logger(label: "recorded") { _ in Handler(log: self) }
        logger.logLevel = level
        return logger
    }

    private struct Handler: LogHandler {
        let log: RecordedLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { log.add("\(event.level) \(event.message)") }
    }
}
