// Background: `-d`. The shell's process waits until the daemon's doors are open,
// so that a start that fails says so where it was asked for.
import CShims
import Glibc

/// The daemon's word to the shell's process that it is ready.
struct Background {
    private let readyPipe: Int32

    /// Forks. The shell's process never returns: it exits with 0 when the daemon is ready, else with the daemon's status.
    /// The daemon returns, in a session of its own.
    ///
    /// No thread may exist yet.
    /// - Throws: StartFailure, status 71, when the system refuses.
    static func enter() throws(StartFailure) -> Background {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else {
            throw StartFailure("pipe: \(FilePaths.errorText(errno))", .systemRefused)
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let process = cs_fork()
        guard process >= 0 else { throw StartFailure("fork: \(FilePaths.errorText(errno))", .systemRefused) }
        if process > 0 {
            close(ends[1])
            wait(for: process, ends[0])
        }
        close(ends[0])
        setsid()
        _ = unsafe chdir("/")
        return Background(readyPipe: ends[1])
    }

    private static func wait(for process: pid_t, _ readyPipe: Int32) -> Never {
        var byte: UInt8 = 0
        var count = 0
        repeat { count = unsafe read(readyPipe, &byte, 1) } while count < 0 && errno == EINTR
        if count == 1 { exit(0) }
        var status: Int32 = 0
        unsafe waitpid(process, &status, 0)
        exit(cs_wait_exited(status) != 0 ? cs_wait_exit_status(status) : 128 + cs_wait_signal(status))
    }

    /// Closes this process' copy: for the process that will not say the word.
    func leave() { close(readyPipe) }

    /// Turns stdin, stdout and stderr to /dev/null; with a log that someone asked for, stderr stays.
    static func detachOutput(keepsLog: Bool) {
        let null = unsafe open("/dev/null", O_RDWR)
        dup2(null, STDIN_FILENO)
        dup2(null, STDOUT_FILENO)
        if !keepsLog { dup2(null, STDERR_FILENO) }
        if null > STDERR_FILENO { close(null) }
        LogLine.endStart()
    }

    /// Lets the shell's process go.
    func sayReady() {
        var byte: UInt8 = 1
        _ = unsafe write(readyPipe, &byte, 1)
        close(readyPipe)
    }
}
