// ConfigurationText: what `--print-config` shows: every setting of a start, as a configuration file that says the same,
// with the place where each was written.
import MemStore

enum ConfigurationText {
    /// Column at which the places begin.
    private static let originColumn = 44

    static func make(_ configuration: Configuration, _ options: Options, _ settings: Settings) -> String {
        var lines = [
            "# What a start of memfisd \(Version.text) here and now would use.",
            "# What one that runs uses is in MOUNTPOINT/.memfisd/settings and in `stats settings`.",
        ]
        for name in shownWords(configuration) {
            let origins = configuration.entries.filter { $0.name == name }.map(\.origin.text)
            switch value(of: name, options, settings) {
            case .values(let values):
                for (index, value) in values.enumerated() {
                    let origin = origins.isEmpty ? "default" : origins[min(index, origins.count - 1)]
                    lines.append(padded(ConfigurationFile.line(name, value)) + "# \(origin)")
                }
            case .unset(let meaning):
                lines.append(padded("#" + name) + "# default: \(meaning)")
            }
        }
        return lines.joined(separator: "\n")
    }

    /// The mount points first, then the options by topic. Those that mean nothing here are shown where somebody wrote them.
    private static func shownWords(_ configuration: Configuration) -> [String] {
        let written = Set(configuration.entries.map(\.name))
        let words = OptionTable.configurationWords.filter { !meaningless.contains($0) || written.contains($0) }
        let last = OptionTable.mountPointWord
        return [last] + topics.flatMap { topic in words.filter { topic.contains($0) } }
            + words.filter { word in word != last && !topics.contains { $0.contains(word) } }
    }

    private static let meaningless: Set = [
        "slab-growth-factor", "slab-min-size", "napi-ids", "enable-largepages", "memory-file", "udp-port",
    ]

    /// Files and memory come before the port's details and the process'.
    private static let topics: [Set<String>] = [
        [
            "prefix", "index", "files-read-only", "files-max-bytes", "evict-files", "preload", "preload-first",
            "publish-interval", "coherence-timeout", "mount-threads", "mount-spin", "exit-on-unmount",
        ],
        ["memory-limit", "max-item-size", "disable-evictions", "disable-cas", "lock-memory"],
        [
            "port", "listen", "unix-socket", "unix-mask", "unix-socket-group", "threads", "all-threads", "conn-limit",
            "listen-backlog", "auth-file",
        ],
    ]

    private static func padded(_ line: String) -> String {
        line + String(repeating: " ", count: max(1, originColumn - line.count))
    }

    /// What one option says.
    private enum Value {
        case values([String])
        /// Not set; what that means.
        case unset(String)

        static func text(_ value: some CustomStringConvertible) -> Value { .values([value.description]) }
        static func flag(_ isOn: Bool) -> Value { .values([isOn ? "yes" : "no"]) }
        static func optional(_ value: (some CustomStringConvertible)?, _ meaning: String) -> Value {
            value.map { .values([$0.description]) } ?? .unset(meaning)
        }
        static func list(_ values: [String], _ meaning: String) -> Value {
            values.isEmpty ? .unset(meaning) : .values(values)
        }
    }

    private static func value(of name: String, _ options: Options, _ settings: Settings) -> Value {
        listening(name, options.listening, settings) ?? memory(name, options.memory, settings)
            ?? files(name, options, settings) ?? process(name, options.process, settings)
            ?? { preconditionFailure("--print-config does not know \(name)") }()
    }

    private static func listening(_ name: String, _ options: ListeningOptions, _ settings: Settings) -> Value? {
        let listening = settings.listening
        return switch name {
        case "unix-mask": .text(options.unixMask)
        case "enable-shutdown": .flag(listening.allowsShutdown)
        case "listen-backlog": .text(listening.backlog)
        case "protocol": .text(options.protocol)
        case "conn-limit": .text(listening.connectionsMax)
        case "stats-delimiter": .optional(options.statsDelimiter, "no statistics by prefix")
        case "disable-flush-all": .flag(!listening.allowsFlush)
        case "listen": .list(options.listen, "127.0.0.1,::1")
        case "port": .text(listening.tcpPort.map { $0 == 0 ? "-1" : "\($0)" } ?? "0")
        case "max-reqs-per-event": .optional(options.maxReqsPerEvent, "what one read brings")
        case "unix-socket": .optional(listening.unixSocket?.path, "none")
        case "unix-socket-group": .optional(options.unixSocketGroup, "the group of the process")
        case "threads": .text(listening.threads)
        case "all-threads": .flag(listening.usesAllThreads)
        case "udp-port": .text(options.udpPort)
        case "disable-watch": .flag(!listening.allowsWatch)
        case "disable-dumping": .flag(!listening.allowsDumping)
        case "auth-file": .optional(listening.authFile, "nobody has to authenticate")
        default: nil
        }
    }

    private static func memory(_ name: String, _ options: MemoryOptions, _ settings: Settings) -> Value? {
        switch name {
        case "memory-limit": .text(settings.store.memoryLimitBytes >> 20)
        case "max-item-size": .text(settings.store.itemSizeMaxBytes)
        case "disable-evictions": .flag(!settings.store.evictsItems)
        case "disable-cas": .flag(!settings.store.hasCas)
        case "lock-memory": .flag(settings.locksMemory)
        case "slab-growth-factor": .text(options.slabGrowthFactor)
        case "slab-min-size": .text(options.slabMinSize)
        case "napi-ids": .text(options.napiIds)
        case "enable-largepages": .flag(options.enableLargepages)
        case "memory-file": .optional(options.memoryFile, "none")
        default: nil
        }
    }

    private static func files(_ name: String, _ options: Options, _ settings: Settings) -> Value? {
        let store = settings.store
        let prefixes = store.prefixes.map {
            String(decoding: $0.prefix, as: UTF8.self) + "=" + String(decoding: $0.directory, as: UTF8.self)
        }
        let indexNames = store.indexNames.map { String(decoding: $0, as: UTF8.self) }
        return switch name {
        case "prefix": .values(prefixes)
        case "index": .values(indexNames.isEmpty ? [""] : indexNames)
        case "files-read-only": .flag(store.filesReadOnly)
        case "files-max-bytes": .optional(options.files.filesMaxBytes, "the whole limit")
        case "evict-files": .flag(store.evictsFiles)
        case "publish-interval": .text(store.publishIntervalSeconds)
        case "coherence-timeout": .text(settings.coherenceTimeoutMilliseconds)
        case "mount-threads": .text(settings.mountThreads)
        case "mount-spin": .text(settings.mountSpinMicroseconds)
        case "preload": .list(settings.preloads.map { "\($0.directory)=\($0.targetPath)" }, "nothing")
        case "preload-first": .flag(settings.preloadsFirst)
        case "exit-on-unmount": .flag(settings.endsWithMount)
        case OptionTable.mountPointWord: .list(settings.mountPoints, "none: the port alone")
        default: nil
        }
    }

    private static func process(_ name: String, _ options: ProcessOptions, _ settings: Settings) -> Value? {
        switch name {
        case "user": .text(settings.serving.name)
        case "daemon": .flag(settings.isDaemon)
        case "pidfile": .optional(settings.pidFile, "none")
        case "log-file": .optional(settings.logFile, "standard error; with -d syslog")
        case "enable-coredumps": .flag(settings.dumpsCore)
        case "verbose": .text(settings.verbosity)
        case "extended": .list(options.extended, "none")
        default: nil
        }
    }
}
