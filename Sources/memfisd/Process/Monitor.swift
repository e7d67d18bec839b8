// Monitor: the privileged process behind a mount made by root. It mounts, hands
// the device to the server, waits, and takes the mounts away when the server
// ends, however it ends. It opens no socket and reads nothing but single bytes.
import CShims
import Glibc

/// What the monitor does with its privileges; a test puts harmless things here.
struct MonitorTasks {
    /// Mounts on the first mount point; the descriptor of the device.
    var mount: () throws(StartFailure) -> Int32
    /// Joins the further mount points to the first.
    var bindMounts: () throws(StartFailure) -> Void
    /// Takes all mounts away; only asked when there are some.
    var detach: () -> Void
    /// Takes all mounts away from a server that answers no more.
    var abort: () -> Void
    /// Both doors are open.
    var ready: () -> Void
}

/// The monitor after the fork.
struct Monitor {
    let server: pid_t
    let channel: MonitorChannel
    private var sentinel: SentinelPipe
    let mountPoints: [String]
    let signals: StopSignals
    let tasks: MonitorTasks
    /// The log's file, opened again on SIGHUP for the server's user too; nil = there is none.
    var logFile: (path: String, owner: ServingIdentity)?
    private var isMounted = false
    private var patience = Patience()

    private init(
        server: pid_t, channel: MonitorChannel, sentinel: SentinelPipe, mountPoints: [String], signals: StopSignals,
        tasks: MonitorTasks
    ) {
        self.mountPoints = mountPoints
        self.server = server
        self.channel = channel
        self.sentinel = sentinel
        self.signals = signals
        self.tasks = tasks
    }

    /// How often the server is looked at while it has a mount or is to end, in milliseconds.
    private static let lookIntervalMilliseconds: Int32 = 1000

    /// Forks: returns the monitor in the parent, the server's end of the channel in the child.
    ///
    /// No thread may exist yet.
    /// - Throws: StartFailure, status 71, when the system refuses a process or a pipe.
    static func split(
        tasks: MonitorTasks, mountPoints: [String], signals: StopSignals
    ) throws(StartFailure) -> Split {
        let ends = try MonitorChannel.pair()
        let pipe = try SentinelPipe.make()
        let process = cs_fork()
        guard process >= 0 else { throw StartFailure("fork: \(FilePaths.errorText(errno))", .systemRefused) }
        if process == 0 {
            signals.close()
            ends.monitor.close()
            close(pipe.writeEnd)
            // Ctrl-C goes to the monitor's process group only, which passes it on: it is acted on once.
            setpgid(0, 0)
            try Sentinel.start(pipe: pipe, mountPoints: mountPoints)
            return .server(ends.server)
        }
        ends.server.close()
        close(pipe.readEnd)
        ProcessName.set("memfisd-monitor")
        return .monitor(
            Monitor(
                server: process, channel: ends.monitor, sentinel: pipe, mountPoints: mountPoints, signals: signals,
                tasks: tasks))
    }

    /// Which of the two processes `split` returned in.
    enum Split {
        case monitor(Monitor)
        case server(MonitorChannel)
    }

    /// Waits for the server's end and cleans up; the status to exit with.
    mutating func run() -> Int32 {
        var isChannelOpen = true
        while true {
            // The pipe to the sentinel is never ready but when nobody reads it any more.
            let ready = Readiness.wait(
                [signals.descriptor, sentinel.writeEnd] + (isChannelOpen ? [channel.descriptor] : []),
                timeoutMilliseconds: isMounted || patience.hasDeadline ? Self.lookIntervalMilliseconds : -1)
            while let number = signals.next() {
                if number == SIGCHLD {
                    if let status = reap() { return finish(status) }
                    continue
                }
                kill(server, number)
                if number == SIGHUP {
                    reopenLog()
                } else {
                    patience.stopIsAsked(nowMilliseconds: Self.nowMilliseconds())
                }
            }
            if ready[1] { replaceSentinel() }
            if isChannelOpen, ready[2] { isChannelOpen = answer() }
            if let status = look() { return finish(status) }
        }
    }

    /// Makes another sentinel when the one that there was has ended: without one, nothing would take the mount away after the
    /// monitor's own end.
    private mutating func replaceSentinel() {
        close(sentinel.writeEnd)
        do throws(StartFailure) {
            sentinel = try SentinelPipe.make()
            try Sentinel.start(pipe: sentinel, for: server, mountPoints: mountPoints)
            if isMounted { sentinel.tell(.mounting) }
            LogLine.write(.warning, "the sentinel process ended; another one is in its place")
        } catch {
            // Once a second, by the next look: the system may have a process to give by then.
            LogLine.write(.error, "the sentinel process ended, and there is no other: \(error.message)")
            sleep(1)
        }
    }

    private func reopenLog() {
        guard let logFile else { return }
        do throws(StartFailure) { try Log.openFile(logFile.path, owner: logFile.owner) } catch {
            LogLine.write(.error, "SIGHUP: \(error.message)")
        }
    }

    /// Sees to it that a server that is to end does. A thread of it can wait inside of the kernel, deaf to every signal, for
    /// a program that waits for the server's answer: only without the mount do both go on.
    /// - Returns: the status to exit with when the server cannot be waited for any longer.
    private mutating func look() -> Int32? {
        let now = Self.nowMilliseconds()
        let state = ProcessState.of(server)
        if state == .dying { patience.endIsSeen(nowMilliseconds: now) }
        if state != .alive { abort() }
        switch patience.step(nowMilliseconds: now) {
        case .wait: return nil
        case .kill:
            kill(server, SIGKILL)
            abort()
            return nil
        case .giveUp:
            LogLine.write(.error, "process \(server) was killed, but the system does not end it")
            return 128 + SIGKILL
        }
    }

    private static func nowMilliseconds() -> Int64 { Int64(PreloadTask.nowSeconds() * 1000) }

    /// Carries out one request; false when the server closed the channel.
    private mutating func answer() -> Bool {
        guard let (byte, passed) = channel.receive() else { return false }
        if passed >= 0 { close(passed) }
        guard let request = MonitorRequest(rawValue: byte) else { return false }
        do throws(StartFailure) {
            switch request {
            case .mount:
                sentinel.tell(.mounting)
                let device = try tasks.mount()
                isMounted = true
                _ = channel.send(MonitorAnswer.done.rawValue, descriptor: device)
                // Only the server keeps the device: with its end the kernel ends the filesystem.
                close(device)
            case .bindMounts:
                try tasks.bindMounts()
                _ = channel.send(MonitorAnswer.done.rawValue)
            case .ready:
                tasks.ready()
            case .unmount:
                unmount()
                _ = channel.send(MonitorAnswer.done.rawValue)
            case .gone:
                isMounted = false
                sentinel.tell(.unmounted)
            }
        } catch {
            LogLine.fail(error.message)
            _ = channel.send(MonitorAnswer.failed.rawValue)
        }
        return true
    }

    private mutating func unmount() { takeAway(tasks.detach) }

    private mutating func abort() { takeAway(tasks.abort) }

    private mutating func takeAway(_ way: () -> Void) {
        // Only what this monitor mounted: the next daemon may have mounted on the same place since.
        guard isMounted else { return }
        way()
        isMounted = false
        sentinel.tell(.unmounted)
    }

    /// The server's exit status as a shell would see it; nil while it runs.
    private func reap() -> Int32? {
        var status: Int32 = 0
        while true {
            let process = unsafe waitpid(-1, &status, WNOHANG)
            // A sentinel that this process has made is a child of it too.
            if process > 0, process != server { continue }
            guard process == server else { return nil }
            return cs_wait_exited(status) != 0 ? cs_wait_exit_status(status) : 128 + cs_wait_signal(status)
        }
    }

    private mutating func finish(_ status: Int32) -> Int32 {
        unmount()
        sentinel.tell(.dismissed)
        if status > 128 {
            LogLine.write(.error, "the server was ended by signal \(status - 128); the mount was taken away")
        }
        return status
    }
}
