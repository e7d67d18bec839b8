// Settings+Doors: the settings in the words of the two doors.
import MemFS
import MemProtoServer

extension ServerConfiguration {
    /// Takes over sockets that listen already. They stand for all that the options name.
    mutating func inherit(_ sockets: [Int32]) {
        guard !sockets.isEmpty else { return }
        inheritedSockets = sockets
        tcpPort = nil
        unixPath = nil
    }
}

extension Settings {
    /// - Parameter users: the lines of -Y's file; nil when nobody has to authenticate.
    func serverConfiguration(users: [String]?) -> ServerConfiguration {
        var result = ServerConfiguration()
        result.listenHosts = listening.hosts
        result.tcpPort = listening.tcpPort
        result.unixPath = listening.unixSocket?.path
        result.unixMode = listening.unixSocket?.mode ?? 0o700
        result.unixGroup = listening.unixSocket?.gid
        result.backlog = Int32(listening.backlog)
        result.workerCount = listening.threads
        result.usesAllWorkers = listening.usesAllThreads
        result.connectionsMax = listening.connectionsMax
        result.commandsPerTurn = listening.requestsPerEvent
        result.idleTimeoutSeconds = UInt32(extended.idleTimeoutSeconds)
        result.coherenceTimeoutMilliseconds = coherenceTimeoutMilliseconds
        result.allowsFlush = listening.allowsFlush
        result.allowsDumps = listening.allowsDumping
        result.allowsWatch = listening.allowsWatch
        result.allowsShutdown = listening.allowsShutdown
        result.hasDebugCommands = extended.allowsDebugCommands
        result.users = users
        result.usersFile = listening.authFile
        result.prefixDelimiter = listening.statsDelimiter ?? UInt8(ascii: ":")
        result.countsPrefixes = listening.statsDelimiter != nil
        result.verbosity = verbosity
        result.itemSizeMaxBytes = store.itemSizeMaxBytes
        result.evictsItems = store.evictsItems
        result.hasCas = store.hasCas
        result.watcherBufferBytes = extended.watcherBufferBytes
        result.settingLines = settingLines
        if let bound = extended.getLineLengthMax { result.getLineLengthMax = bound }
        if let bound = extended.lineLengthMax {
            result.lineLengthMax = bound
            result.fileLineLengthMax = max(result.fileLineLengthMax, bound)
        }
        if let bound = extended.watcherCountMax { result.watcherCountMax = bound }
        if let bound = extended.prefixCountMax { result.prefixCountMax = bound }
        if let bound = extended.getKeysMax { result.getKeysMax = bound }
        if let bound = extended.inputHeldMaxBytes { result.inputHeldMaxBytes = bound }
        if let bound = extended.outputHeldMaxBytes { result.outputHeldMaxBytes = bound }
        result.halfSentMaxBytes = extended.halfSentMaxBytes
        return result
    }

    var fuseOptions: FuseSessionOptions {
        var result = FuseSessionOptions()
        result.threadCount = mountThreads
        result.spinMicroseconds = UInt32(mountSpinMicroseconds)
        result.mount = mountOptions
        result.fileSystem.isReadOnly = extended.mount.isReadOnly
        result.fileSystem.keepsAccessTimes = !extended.mount.updatesAccessTimes
        result.fileSystem.uid = extended.mount.uid
        result.fileSystem.gid = extended.mount.gid
        result.fileSystem.umask = extended.mount.umask
        return result
    }

    var mountOptions: MountOptions {
        var result = MountOptions()
        result.source = extended.mount.name
        result.isReadOnly = extended.mount.isReadOnly
        result.keepsAccessTimes = !extended.mount.updatesAccessTimes
        result.allowsSetuid = extended.mount.allowsSuid
        result.allowsPrograms = extended.mount.allowsPrograms
        result.allowsDevices = extended.mount.allowsDevices
        // An ordinary user may let others in only where /etc/fuse.conf says so.
        result.allowsOthers = startedAsRoot
        return result
    }
}
