// Starter: from settings to running processes: the background, the monitor
// when root mounts, else the server alone.
import Glibc
import MemFS

enum Starter {
    /// Runs the daemon to its end; the status to exit with.
    /// - Throws: StartFailure when it cannot start.
    static func run(_ wanted: Settings) throws(StartFailure) -> Int32 {
        var settings = wanted
        let inherited = try InheritedDescriptors.take()
        if inherited.device == nil {
            try judgeMountPoints(settings)
            settings.warnings += MountPoints.hiddenEntries(settings.mountPoints)
        }
        try PreloadTask.check(settings.preloads, isMounted: inherited.device != nil, settings.mountPoints)
        if settings.isDaemon, ServiceNotifier.current() != nil {
            settings.isDaemon = false
            settings.warnings.append("-d has no meaning in a service: systemd keeps the process in the background")
        }
        let background = settings.isDaemon ? try Background.enter() : nil
        if let path = settings.logFile {
            try Log.openFile(path, owner: settings.serving)
        } else if settings.isDaemon, settings.verbosity == 0 {
            LogLine.useSyslog()
        }
        let isMonitored = settings.startedAsRoot && !settings.mountPoints.isEmpty && inherited.device == nil
        let signals = StopSignals.listen(children: isMonitored)
        guard isMonitored else {
            return try ServerProcess(
                settings: settings, inherited: inherited, signals: signals, channel: nil, background: background
            ).run()
        }
        let tasks = monitorTasks(settings, background)
        switch try Monitor.split(tasks: tasks, mountPoints: settings.mountPoints, signals: signals) {
        case .monitor(var monitor):
            for socket in inherited.sockets { close(socket) }
            if let path = settings.logFile { monitor.logFile = (path, settings.serving) }
            let status = monitor.run()
            if settings.isDaemon, let path = settings.pidFile { PidFile(path: path).remove() }
            return status
        case .server(let channel):
            background?.leave()
            return try ServerProcess(
                settings: settings, inherited: inherited, signals: StopSignals.listen(children: false),
                channel: channel, background: nil
            ).run()
        }
    }

    private static func judgeMountPoints(_ settings: Settings) throws(StartFailure) {
        for path in settings.mountPoints { try MountPoints.prepare(path) }
        if settings.mountPoints.count > 1, !settings.startedAsRoot {
            throw StartFailure("more than one mount point needs root", .usage)
        }
    }

    private static func monitorTasks(_ settings: Settings, _ background: Background?) -> MonitorTasks {
        MonitorTasks(
            mount: { () throws(StartFailure) in
                do throws(MountError) {
                    return try Mounting.openAndMount(at: settings.mountPoints[0], settings.mountOptions)
                } catch { throw StartFailure(error) }
            },
            bindMounts: { () throws(StartFailure) in
                for path in settings.mountPoints.dropFirst() {
                    do throws(MountError) { try Mounting.bind(settings.mountPoints[0], at: path) } catch {
                        throw StartFailure(error)
                    }
                }
            },
            detach: { MountPoints.detach(settings.mountPoints) },
            abort: { MountPoints.abort(settings.mountPoints) },
            ready: {
                if let path = settings.pidFile { PidFile(path: path).write() }
                ServiceNotifier.current()?.ready("Serving")
                guard let background else { return }
                Background.detachOutput(keepsLog: settings.keepsStandardError)
                background.sayReady()
            })
    }
}

extension StartFailure {
    init(_ error: MountError) {
        let reason = error.code == 0 ? "" : ": \(FilePaths.errorText(error.code))"
        let hint =
            error.what == "open /dev/fuse" ? " (is the fuse module there, and the device in this container?)" : ""
        self.init("cannot \(error.what)\(reason)\(hint)", .systemRefused)
    }
}
