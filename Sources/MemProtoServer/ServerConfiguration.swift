// ServerConfiguration: every option of the protocol server, with memcached's defaults where it has them.

import MemNet

/// What a server is made with.
public struct ServerConfiguration: Sendable {
    // MARK: sockets
    /// Hosts to listen on, each `host`, `host:port`, `[v6]` or `[v6]:port`; empty = 127.0.0.1 and ::1.
    public var listenHosts: [String] = []
    /// The TCP port; 0 = any free one, nil = no TCP.
    public var tcpPort: UInt16? = 11211
    /// Path of the unix socket; nil = none.
    public var unixPath: String?
    /// Permission bits of the unix socket.
    public var unixMode: UInt32 = 0o700
    /// Group of the unix socket; nil = that of the process.
    public var unixGroup: UInt32?
    /// Connections that wait to be accepted, at most.
    public var backlog: Int32 = 1024
    /// Listening sockets that somebody else made (socket activation); they are served beside the others.
    public var inheritedSockets: [Int32] = []

    // MARK: bounds
    /// Threads that serve connections, at least 1.
    public var workerCount = 4
    /// All of them serve from the start, instead of as many as keep up (`WorkerCountTuner`).
    public var usesAllWorkers = false
    /// Connections at one time, at least 1.
    public var connectionsMax = 1024
    /// Commands of one connection before the others get their turn; nil = as many as one read brings.
    public var commandsPerTurn: Int?
    /// Seconds without a command after which a connection is closed; 0 = never.
    public var idleTimeoutSeconds: UInt32 = 0
    /// Milliseconds that an answer waits for the filesystem to learn of a change.
    public var coherenceTimeoutMilliseconds = 200
    /// Log lines that wait for one client of `watch`, in bytes.
    public var watcherBufferBytes = 256 << 10
    /// Longest line in bytes, its line feed aside, for all commands but the gets. Source: memcached 1.6.45.
    public var lineLengthMax = 2048
    /// The same for a line whose key begins with a prefix: an escaped path, a prefix and the other words.
    public var fileLineLengthMax = 16384
    /// Clients of `watch`. Source: memcached 1.6.45.
    public var watcherCountMax = 20
    /// Prefixes that `stats detail` counts.
    public var prefixCountMax = 16384
    /// Longest line of get, gets, gat and gats in bytes.
    public var getLineLengthMax = 16 << 20
    /// Most keys of one get; nil = as many as its line holds.
    public var getKeysMax: Int?
    /// Bytes of unfinished requests that all connections may hold together.
    public var inputHeldMaxBytes = 64 << 20
    /// Bytes of answers that clients do not take, in all; what is sent by reference is bounded by the store.
    public var outputHeldMaxBytes = 64 << 20
    /// Bytes of the store behind values that have not wholly arrived, in all; nil = a quarter of the memory limit.
    public var halfSentMaxBytes: Int?

    /// The event loop's part of the options.
    func pool(memoryLimitBytes: Int) -> PoolConfiguration {
        var pool = PoolConfiguration()
        pool.workerCount = workerCount
        pool.usesAllWorkers = usesAllWorkers
        pool.connectionsMax = connectionsMax
        pool.memoryMax = ConnectionMemory(
            input: inputHeldMaxBytes, output: outputHeldMaxBytes, halfSent: halfSentMaxBytes ?? memoryLimitBytes / 4)
        // Room for two of the longest lines, and for one batch of answers.
        pool.workerMemoryMin = ConnectionMemory(input: 2 * getLineLengthMax, output: NetLimits.outputBufferBytes)
        return pool
    }

    /// Where it is served.
    var listening: ListenConfiguration {
        var listening = ListenConfiguration()
        listening.hosts = listenHosts
        listening.tcpPort = tcpPort
        listening.unixPath = unixPath
        listening.unixMode = unixMode
        listening.unixGroup = unixGroup
        listening.backlog = backlog
        listening.inheritedSockets = inheritedSockets
        return listening
    }

    // MARK: what is allowed
    /// `flush_all` works.
    public var allowsFlush = true
    /// `stats cachedump`, `stats detail` and the crawler's dumps work.
    public var allowsDumps = true
    /// `watch` works.
    public var allowsWatch = true
    /// `shutdown` works.
    public var allowsShutdown = false
    /// `debugtime` works, for tests of expiry.
    public var hasDebugCommands = false
    /// Users and passwords, `user:password` each; nil = nobody has to authenticate.
    public var users: [String]?
    /// Where `users` came from, for `stats settings`.
    public var usersFile: String?

    // MARK: what statistics show
    /// What `version` and `stats` answer: the memcached whose protocol this is, since clients derive from it what they may send.
    public var version = "1.6.45"
    /// The character that ends a key's prefix in `stats detail`.
    public var prefixDelimiter: UInt8 = 0x3a
    /// Prefixes are counted from the start.
    public var countsPrefixes = false
    /// `-v` given so often.
    public var verbosity = 0
    /// `-I` in bytes.
    public var itemSizeMaxBytes = 1 << 20
    /// Cache items are evicted when memory runs out.
    public var evictsItems = true
    /// Items have a cas token.
    public var hasCas = true
    /// More lines of `stats settings`, in memcached's names, that only the daemon knows; they replace the server's own.
    public var settingLines: [String: String] = [:]

    public init() {}
}
