// Listening: where the server listens and what a connection may do.
import MemFS
import MemStore

/// A unix socket's place and rights.
struct UnixSocketPlace: Equatable {
    var path: String
    /// Permission bits.
    var mode: UInt32
    /// nil keeps the creating process' group.
    var gid: UInt32?
}

/// The port's settings.
struct Listening: Equatable {
    /// The words of -l; empty for the loopback's addresses.
    var hosts: [String] = []
    /// 0 asks the system for any free port; nil is no TCP.
    var tcpPort: UInt16?
    var unixSocket: UnixSocketPlace?
    var connectionsMax: Int
    var threads: Int
    /// All of them serve at any time.
    var usesAllThreads: Bool
    var backlog: Int
    /// nil = as many as one read brings.
    var requestsPerEvent: Int?
    var authFile: String?
    var allowsShutdown: Bool
    var allowsFlush: Bool
    var allowsDumping: Bool
    var allowsWatch: Bool
    /// Statistics by prefix are on from the start with this byte; nil leaves them off and the byte `:`.
    var statsDelimiter: UInt8?

    static let portDefault = 11211

    init(_ options: ListeningOptions) throws(StartFailure) {
        if options.connLimit <= 0 { throw StartFailure("Maximum connections must be greater than 0", .wrongValue) }
        if options.threads <= 0 { throw StartFailure("Number of threads must be greater than 0", .wrongValue) }
        if let requests = options.maxReqsPerEvent, requests <= 0 {
            throw StartFailure("Number of requests per event must be greater than 0", .wrongValue)
        }
        guard options.protocol != "binary" else {
            throw StartFailure(
                "the binary protocol is not offered: use -B auto or -B ascii, and set clients to the text protocol",
                .usage)
        }
        guard ["auto", "ascii"].contains(options.protocol) else {
            throw StartFailure(
                "Invalid value for binding protocol: \(options.protocol) -- should be auto or ascii", .usage)
        }
        connectionsMax = try Settings.inRange(options.connLimit, 1...1_000_000, "-c")
        threads = try Settings.inRange(options.threads, 1...256, "-t")
        usesAllThreads = options.allThreads
        backlog = try Settings.inRange(options.listenBacklog, 1...65_535, "-b")
        requestsPerEvent = options.maxReqsPerEvent
        authFile = options.authFile
        allowsShutdown = options.enableShutdown
        allowsFlush = !options.disableFlushAll
        allowsDumping = !options.disableDumping
        allowsWatch = !options.disableWatch
        if let text = options.statsDelimiter {
            guard let byte = text.utf8.first, text.utf8.count == 1 else {
                throw StartFailure("-D \(text): expected one character", .wrongValue)
            }
            statsDelimiter = byte
        }
        try takeUnixSocket(options)
        try takeAddresses(options)
        if tcpPort == nil, unixSocket == nil {
            throw StartFailure("nothing to listen on: -p 0 needs -s", .usage)
        }
    }

    private mutating func takeUnixSocket(_ options: ListeningOptions) throws(StartFailure) {
        guard let mode = UInt32(options.unixMask, radix: 8), mode <= 0o777 else {
            throw StartFailure("-a \(options.unixMask): expected an octal mode up to 777", .usage)
        }
        var gid: UInt32?
        if let group = options.unixSocketGroup { gid = try Accounts.gid(ofGroup: group) }
        guard let path = options.unixSocket else {
            if gid != nil { throw StartFailure("--unix-socket-group needs -s", .usage) }
            return
        }
        // sockaddr_un holds 108 bytes with the terminating NUL.
        guard !path.isEmpty, path.utf8.count < 108 else {
            throw StartFailure("-s \(path): a unix socket's path has 1 to 107 bytes", .systemRefused)
        }
        guard path.hostBytes == Array(path.utf8) else {
            throw StartFailure("-s \(path): a unix socket's path has to be UTF-8", .usage)
        }
        unixSocket = UnixSocketPlace(path: path, mode: mode, gid: gid)
    }

    private mutating func takeAddresses(_ options: ListeningOptions) throws(StartFailure) {
        guard (0...65_535).contains(options.udpPort) else {
            throw StartFailure("-U \(options.udpPort): a port is at most 65535", .usage)
        }
        if options.unixSocket != nil, options.port == nil, options.listen.isEmpty { return }
        hosts = options.listen.flatMap { $0.split(separator: ",").map(String.init) }
        guard let text = options.port else {
            tcpPort = UInt16(options.udpPort != 0 ? options.udpPort : Self.portDefault)
            return
        }
        guard let number = Int(text), (-1...65_535).contains(number) else {
            throw StartFailure("-p \(text): expected a port from 0 to 65535, or -1 for any free one", .usage)
        }
        tcpPort = number == 0 ? nil : UInt16(max(number, 0))
    }

    /// Makes paths independent of the working directory, which `-d` leaves.
    mutating func makePathsAbsolute(from directory: String) {
        if let place = unixSocket { unixSocket?.path = FilePaths.absolute(place.path, from: directory) }
        authFile = authFile.map { FilePaths.absolute($0, from: directory) }
    }
}
