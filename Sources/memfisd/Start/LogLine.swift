// LogLine: a line of the log on its way out: to a terminal or a file with time and level, to the journal with a priority, to
// syslog in the background.
import Glibc
import Logging
import MemFS
import MemStore
import Synchronization

enum LogLine {
    /// Where lines go.
    enum Output: Int {
        /// Standard error: a terminal, a pipe, or the file of `--log-file`.
        case plain
        /// Standard error that systemd reads: it adds time and name, and takes a priority in front.
        case journal
        /// The background's: standard error is gone.
        case syslog
    }

    private static let output = Atomic<Int>(Output.plain.rawValue)
    /// Lines of this level and worse go to standard error too, as long as the shell of a background start waits there.
    private static let isStarting = Atomic<Bool>(false)

    /// Chooses by what standard error is. Source: systemd.exec(5), JOURNAL_STREAM: device and inode of the stream.
    static func chooseByStandardError(_ environment: [String: String] = Environment.current()) {
        var attributes = stat()
        guard let stream = environment["JOURNAL_STREAM"], unsafe fstat(STDERR_FILENO, &attributes) == 0,
            stream == "\(attributes.st_dev):\(attributes.st_ino)"
        else { return }
        output.store(Output.journal.rawValue, ordering: .relaxed)
    }

    /// Sends lines to syslog(3) from now on; until `endStart` warnings and errors are told on standard error too.
    static func useSyslog() {
        // The library keeps the pointer.
        unsafe openlog(strdup("memfisd"), LOG_PID | LOG_NDELAY, LOG_DAEMON)
        output.store(Output.syslog.rawValue, ordering: .relaxed)
        isStarting.store(true, ordering: .relaxed)
    }

    /// The shell does not wait any more.
    static func endStart() { isStarting.store(false, ordering: .relaxed) }

    /// Writes a line of one of our processes. Keys and values of clients never stand in one above debug.
    static func write(_ level: Logger.Level, _ text: String) {
        switch Output(rawValue: output.load(ordering: .relaxed)) {
        case .journal: StandardError.write("<\(level.priority)>\(text)\n")
        case .syslog:
            unsafe text.hostPath.withUnsafeBufferPointer { text in
                unsafe withVaList([text.baseAddress.unsafelyUnwrapped]) { unsafe vsyslog(level.priority, "%s", $0) }
            }
            if isStarting.load(ordering: .relaxed), level >= .warning { StandardError.write("memfisd: \(text)\n") }
        case .plain, nil: StandardError.write("\(timeText()) \(level) memfisd: \(text)\n")
        }
    }

    /// Writes why memfisd does not start: without a time, as any program says it, where a person reads it.
    static func fail(_ text: String) {
        if output.load(ordering: .relaxed) == Output.plain.rawValue {
            StandardError.write("memfisd: \(text)\n")
        } else {
            write(.error, text)
        }
    }

    private static func timeText() -> String {
        var now = time(nil)
        var parts = unsafe tm()
        unsafe localtime_r(&now, &parts)
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            let start = unsafe buffer.baseAddress.unsafelyUnwrapped
            let count = unsafe strftime(start, buffer.count, "%Y-%m-%dT%H:%M:%S%z", &parts)
            return unsafe String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
        }
    }
}

extension Logger.Level {
    /// Source: syslog(3).
    fileprivate var priority: Int32 {
        switch self {
        case .critical: LOG_CRIT
        case .error: LOG_ERR
        case .warning: LOG_WARNING
        case .notice: LOG_NOTICE
        case .info: LOG_INFO
        case .debug, .trace: LOG_DEBUG
        }
    }
}

/// The handler of the daemon's logger.
struct LineLogHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let words = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        LogLine.write(event.level, "\(event.message)\(words)")
    }
}
