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
    let sentinel: SentinelPipe
    let signals: StopSignals
    let tasks: MonitorTasks
    private var isMounted = false
    private var patience = Patience()

    private init(
        server: pid_t, channel: MonitorChannel, sentinel: SentinelPipe, signals: StopSignals, tasks: MonitorTasks
    ) {
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
            Monitor(server: process, channel: ends.monitor, sentinel: pipe, signals: signals, tasks: tasks))
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
            let ready = Readiness.wait(
                isChannelOpen ? [signals.descriptor, channel.descriptor] : [signals.descriptor],
                timeoutMilliseconds: isMounted || patience.hasDeadline ? Self.lookIntervalMilliseconds : -1)
            while let number = signals.next() {
                if number == SIGCHLD {
                    if let status = reap() { return finish(status) }
                    continue
                }
                kill(server, number)
                if number != SIGHUP { patience.stopIsAsked(nowMilliseconds: Self.nowMilliseconds()) }
            }
            if isChannelOpen, ready.count > 1, ready[1] { isChannelOpen = answer() }
            if let status = look() { return finish(status) }
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
            StandardError.write("memfisd: process \(server) was killed, but the system does not end it\n")
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
            StandardError.write("memfisd: \(error.message)\n")
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
        guard unsafe waitpid(server, &status, WNOHANG) == server else { return nil }
        return cs_wait_exited(status) != 0 ? cs_wait_exit_status(status) : 128 + cs_wait_signal(status)
    }

    private mutating func finish(_ status: Int32) -> Int32 {
        unmount()
        sentinel.tell(.dismissed)
        if status > 128 {
            StandardError.write("memfisd: the server was ended by signal \(status - 128); the mount was taken away\n")
        }
        return status
    }
}
