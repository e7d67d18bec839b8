// Watch: log lines for the clients of `watch`. Workers make lines only while somebody watches; a watcher that does not
// read loses lines, never memory.
import Glibc
import MemNet
import MemStore

/// The streams of log lines.
struct WatchStreams: OptionSet, Sendable {
    let rawValue: UInt64
    static let fetchers = WatchStreams(rawValue: 1 << 0)
    static let mutations = WatchStreams(rawValue: 1 << 1)
    static let evictions = WatchStreams(rawValue: 1 << 2)
    static let connections = WatchStreams(rawValue: 1 << 3)
    static let deletions = WatchStreams(rawValue: 1 << 4)
    /// Streams that never say anything here.
    static let silent = WatchStreams(rawValue: 1 << 5)
    /// The streams of single commands.
    static let commands: WatchStreams = [.fetchers, .mutations, .deletions]

    /// The stream that a word of `watch` names.
    init?(word: Bytes) {
        switch word.text {
        case "fetchers": self = .fetchers
        case "mutations": self = .mutations
        case "evictions": self = .evictions
        case "connevents": self = .connections
        case "deletions": self = .deletions
        case "sysevents", "rawcmds", "proxyreqs", "proxyevents", "proxyuser": self = .silent
        default: return nil
        }
    }

    init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// One client of `watch`: lines that wait to be sent.
final class Watcher: ConnectionWaker, @unchecked Sendable {  // guarded by `lock`, but for `connection`
    let streams: WatchStreams
    private let bufferBytesMax: Int
    private let worker: WorkerHandle
    private let lock = Lock()
    private var lines: [UInt8] = []
    private var skippedCount = 0
    /// The worker was told that there are lines, and has not looked yet.
    private var isAnnounced = false

    init(_ streams: WatchStreams, _ connection: ConnectionCell, worker: WorkerHandle, bufferBytesMax: Int) {
        self.streams = streams
        self.worker = worker
        self.bufferBytesMax = bufferBytesMax
        super.init(connection)
    }

    deinit { lock.destroy() }

    /// Adds a line, or counts it as skipped when the buffer is full. False: it is skipped.
    ///
    /// Either way the worker is told: it tries the socket, which may take more than epoll has told of. The kernel reports a
    /// unix socket as writable only when it is nearly empty.
    func add(_ line: [UInt8]) -> Bool {
        let (isKept, isFirst) = lock.withLock {
            let isFirst = !isAnnounced
            isAnnounced = true
            if lines.count + line.count > bufferBytesMax {
                skippedCount += 1
                return (false, isFirst)
            }
            if skippedCount > 0 {
                lines += Array("skipped=\(skippedCount)\n".utf8)
                skippedCount = 0
            }
            lines += line
            return (true, isFirst)
        }
        if isFirst { worker.wake(self) }
        return isKept
    }

    /// The worker is told of the next line again.
    override func willRun() { lock.withLock { isAnnounced = false } }

    /// Takes the lines that wait.
    func take() -> [UInt8] {
        lock.withLock {
            let taken = lines
            lines = []
            return taken
        }
    }
}

/// All watchers of a server.
final class WatchHub: @unchecked Sendable {  // guarded by `lock`
    private let counts: SharedCounts<ServerState.CountName>
    private let lock = Lock()
    private var watchers: [Watcher] = []
    /// The number of the last line.
    private var lineNumber: UInt64 = 0

    private let evictions: EvictionNotes

    private let watcherCountMax: Int

    init(counts: SharedCounts<ServerState.CountName>, evictions: EvictionNotes, watcherCountMax: Int) {
        self.counts = counts
        self.watcherCountMax = watcherCountMax
        self.evictions = evictions
    }
    deinit { lock.destroy() }

    /// The streams that somebody watches; a relaxed load.
    var streams: WatchStreams { WatchStreams(rawValue: counts[.watchStreams]) }

    /// Adds a watcher; false when there are too many.
    func add(_ watcher: Watcher) -> Bool {
        lock.withLock {
            if watchers.count >= watcherCountMax { return false }
            watchers.append(watcher)
            countWatchers()
            return true
        }
    }

    /// Ends a watcher whose client has gone.
    func remove(_ watcher: Watcher) {
        lock.withLock {
            watchers.removeAll { $0 === watcher }
            countWatchers()
        }
    }

    private func countWatchers() {
        counts[.watchers] = UInt64(watchers.count)
        let streams = watchers.reduce(WatchStreams()) { $0.union($1.streams) }
        counts[.watchStreams] = streams.rawValue
        if evictions.isRecording != streams.contains(.evictions) {
            evictions.isRecording = streams.contains(.evictions)
        }
    }

    /// Sends `text`, what follows time and number in a line, to the watchers of a stream.
    func log(_ stream: WatchStreams, _ text: [UInt8]) {
        let now = Timestamp.now()
        let fraction = String(now.nanoseconds / 1000)
        let time = "\(now.seconds)." + String(repeating: "0", count: max(0, 6 - fraction.count)) + fraction
        lock.withLock {
            lineNumber += 1
            counts.add(1, to: .logWritten)
            let line = Array("ts=\(time) gid=\(lineNumber) ".utf8) + text + [0x0a]
            for watcher in watchers where watcher.streams.contains(stream) {
                counts.add(1, to: watcher.add(line) ? .logSent : .logSkipped)
            }
        }
    }
}
