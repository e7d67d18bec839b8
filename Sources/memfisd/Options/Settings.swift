// Settings: what the command line means, judged and with its defaults filled in.
import MemStore

/// Everything the daemon is told, valid as a whole.
struct Settings {
    var listening: Listening
    var store: StoreConfiguration
    var extended: ExtendedWords
    var mountPoints: [String]
    var mountThreads: Int
    var mountSpinMicroseconds: Int
    var preloads: [PreloadRequest]
    /// The doors open when the preloads are done.
    var preloadsFirst: Bool
    /// The daemon ends when somebody else unmounts it.
    var endsWithMount: Bool
    /// Milliseconds a storage command waits for the kernel's caches.
    var coherenceTimeoutMilliseconds: Int
    var startedAsRoot: Bool
    var serving: ServingIdentity
    var verbosity: Int
    var isDaemon: Bool
    var pidFile: String?
    /// Where the log goes instead of standard error; nil = standard error, or syslog in the background.
    var logFile: String?
    /// Standard error stays open in the background: somebody asked for more log there, or it is the log file.
    var keepsStandardError: Bool { verbosity > 0 || logFile != nil }
    var locksMemory: Bool
    var dumpsCore: Bool
    /// What `stats settings` shows of options that only it knows.
    var settingLines: [String: String]
    /// Sentences for the log: options that were accepted and do nothing here.
    var warnings: [String]

    /// Judges the options.
    ///
    /// - Parameter isRoot: the process was started as root.
    /// - Throws: StartFailure with memcached's message and exit status where it has one.
    init(_ options: Options, machine: Machine = .current()) throws(StartFailure) {
        extended = try ExtendedWords.parse(options.process.extended, mounts: !options.mountpoint.isEmpty)
        listening = try Listening(options.listening)
        startedAsRoot = machine.user == 0
        serving = try ServingIdentity.choose(name: options.process.user, startedAs: machine.user)
        store = try Self.storeConfiguration(options, machine: machine)
        store.servingUser = serving.user
        store.hasMetadataKeys = extended.hasMetadataKeys
        guard !options.mountpoint.contains(where: { $0.allSatisfy(\.isWhitespace) }) else {
            throw StartFailure("a mount point is empty", .usage)
        }
        let spelled = options.mountpoint.map { FilePaths.absolute($0, from: machine.workingDirectory) }
        mountPoints = spelled.map(FilePaths.real)
        store.mountPoints = Set(spelled + mountPoints).sorted().map { Array($0.utf8) }
        mountThreads = try Self.inRange(options.files.mountThreads, 1...64, "--mount-threads")
        mountSpinMicroseconds = try Self.inRange(options.files.mountSpin, 0...1000, "--mount-spin")
        store.sessionsMax = listening.threads + mountThreads + 8
        preloads = try Self.mapped(options.files.preload) { (text) throws(StartFailure) in
            try PreloadRequest(text, from: machine.workingDirectory)
        }
        preloadsFirst = options.files.preloadFirst
        endsWithMount = options.files.exitOnUnmount
        coherenceTimeoutMilliseconds = try Self.inRange(
            options.files.coherenceTimeout, 0...60_000, "--coherence-timeout")
        verbosity = options.process.verbose
        isDaemon = options.process.daemon
        pidFile = options.process.pidfile.map { FilePaths.absolute($0, from: machine.workingDirectory) }
        logFile = options.process.logFile.map { FilePaths.absolute($0, from: machine.workingDirectory) }
        locksMemory = options.memory.lockMemory
        dumpsCore = options.process.enableCoredumps
        listening.makePathsAbsolute(from: machine.workingDirectory)
        warnings = try Self.warnings(options, extended)
        settingLines = extended.settingLines.merging(Self.settingLines(options)) { word, _ in word }
        for (index, path) in mountPoints.enumerated() where mountPoints[..<index].contains(path) {
            throw StartFailure("the mount point \(path) is named twice", .usage)
        }
        try judgeTogether(options, machine)
    }

    /// What each option alone allows, and all together do not.
    private mutating func judgeTogether(_ options: Options, _ machine: Machine) throws(StartFailure) {
        if store.evictsFiles, !store.evictsItems {
            throw StartFailure("--evict-files and -M contradict each other: one evicts, the other forbids it", .usage)
        }
        if store.filesMaxBytes != .max, store.filesMaxBytes > store.memoryLimitBytes {
            throw StartFailure(
                "--files-max-bytes \(options.files.filesMaxBytes ?? ""): files cannot take more than the memory limit of "
                    + "\(store.memoryLimitBytes >> 20) MiB", .usage)
        }
        if listening.usesAllThreads, listening.threads == 1 { warnings.append("--all-threads means nothing with -t 1") }
        if store.memoryLimitBytes > machine.memoryBytes {
            warnings.append(
                "-m \(store.memoryLimitBytes >> 20) is more than the \(machine.memoryBytes >> 20) MiB that there are: "
                    + "files are never evicted, so the system may end memfisd before they reach the limit")
        }
        if let user = options.process.user, machine.user != 0, user != serving.name {
            warnings.append("-u \(user) has no effect: only root can become another user; serving as \(serving.name)")
        }
        if preloadsFirst, preloads.isEmpty { warnings.append("--preload-first means nothing without --preload") }
    }

    static func inRange(_ value: Int, _ range: ClosedRange<Int>, _ name: String) throws(StartFailure) -> Int {
        guard range.contains(value) else {
            throw StartFailure(
                "\(name) \(value): expected a number from \(range.lowerBound) to \(range.upperBound)", .wrongValue)
        }
        return value
    }

    /// Options of memcached's that are taken and mean nothing here; some values are refused as memcached refuses them.
    private static func warnings(_ options: Options, _ extended: ExtendedWords) throws(StartFailure) -> [String] {
        var result: [String] = []
        if !(options.memory.slabGrowthFactor > 1) { throw StartFailure("Factor must be greater than 1", .wrongValue) }
        if options.memory.slabMinSize <= 0 { throw StartFailure("Chunk size must be greater than 0", .wrongValue) }
        if options.memory.napiIds < 0 { throw StartFailure("Number of NAPI ids must be positive", .wrongValue) }
        if options.memory.memoryFile != nil {
            throw StartFailure("-e: a memory file is not offered", .usage)
        }
        if options.listening.udpPort != 0, options.listening.authFile != nil {
            throw StartFailure("Cannot use UDP with ascii authentication enabled (-U 0 to disable)", .usage)
        }
        if options.listening.udpPort != 0 { result.append("-U is accepted, but UDP is not offered") }
        if options.memory.enableLargepages { result.append("-L has no meaning here") }
        for word in extended.meaningless { result.append("-o \(word) has no meaning here") }
        return result
    }
}
