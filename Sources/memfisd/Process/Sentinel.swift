// Sentinel: a tiny process with privileges that does nothing but wait for the
// monitor's end. A monitor that was killed cannot clean up; the sentinel then
// takes the mounts away and sees to it that the server ends.
//
// It sleeps on a pipe whose other end only the monitor holds, and by which the
// monitor tells what there is to clean. End of file means that it is gone.
import CShims
import Glibc

/// The pipe between the monitor and the sentinel.
struct SentinelPipe {
    let readEnd: Int32
    let writeEnd: Int32

    static func make() throws(StartFailure) -> SentinelPipe {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else {
            throw StartFailure("pipe: \(FilePaths.errorText(errno))", .systemRefused)
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return SentinelPipe(readEnd: ends[0], writeEnd: ends[1])
    }

    /// Tells the sentinel.
    func tell(_ word: SentinelWord) {
        var byte = word.rawValue
        _ = unsafe write(writeEnd, &byte, 1)
    }
}

/// What the monitor tells the sentinel.
enum SentinelWord: UInt8 {
    /// There may be mounts from now on.
    case mounting = 1
    /// They are gone.
    case unmounted = 2
    /// Everything is in order: go.
    case dismissed = 3
}

enum Sentinel {
    /// How long the server may go on after the monitor's end before it is killed, in milliseconds.
    static let serverGraceMilliseconds: Int32 = 5000

    /// Forks a sentinel for the server `process` off the calling process, which must have no thread: the server itself, which
    /// has closed the write end, or the monitor, when it makes another one.
    /// - Throws: StartFailure, status 71, when the system refuses the process.
    static func start(
        pipe: SentinelPipe, for process: pid_t = getpid(), mountPoints: [String]
    ) throws(StartFailure) {
        let server = cs_pidfd_open(process)
        guard server >= 0 else {
            throw StartFailure("pidfd_open: \(FilePaths.errorText(errno))", .systemRefused)
        }
        let sentinel = cs_fork()
        guard sentinel >= 0 else { throw StartFailure("fork: \(FilePaths.errorText(errno))", .systemRefused) }
        if sentinel == 0 { run(pipe: pipe.readEnd, server: server, mountPoints: mountPoints) }
        close(server)
        close(pipe.readEnd)
    }

    private static func run(pipe: Int32, server: Int32, mountPoints: [String]) -> Never {
        ProcessName.set("memfisd-sentry")
        for number in [SIGTERM, SIGINT, SIGHUP, SIGUSR1] { signal(number, SIG_IGN) }
        _ = unsafe chdir("/")
        keepOnly(pipe, server)
        // At once, for everybody: after a mere detaching nothing could free a server that waits for a program of the mount.
        if waitForMonitorsEnd(pipe) { MountPoints.abort(mountPoints) }
        if !Readiness.wait([server], timeoutMilliseconds: serverGraceMilliseconds)[0] {
            _ = cs_pidfd_send_signal(server, SIGKILL)
        }
        _exit(0)
    }

    /// Whether there are mounts when the monitor ends without a word; never returns when it says that all is in order.
    private static func waitForMonitorsEnd(_ pipe: Int32) -> Bool {
        var isMounted = false
        while true {
            var byte: UInt8 = 0
            let count = unsafe read(pipe, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return isMounted }
            switch SentinelWord(rawValue: byte) {
            case .mounting: isMounted = true
            case .unmounted: isMounted = false
            case .dismissed: _exit(0)
            case nil: return isMounted
            }
        }
    }

    /// Closes every other descriptor, so that no pipe or socket of the server outlives it here.
    private static func keepOnly(_ first: Int32, _ second: Int32) {
        let null = unsafe open("/dev/null", O_RDWR)
        for standard in Int32(0)...2 { dup2(null, standard) }
        let low = UInt32(min(first, second))
        let high = UInt32(max(first, second))
        if low > 3 { _ = cs_close_range(3, low - 1) }
        if high > low + 1 { _ = cs_close_range(low + 1, high - 1) }
        _ = cs_close_range(high + 1, .max)
    }
}
