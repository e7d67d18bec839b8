// StopSignals: the signals the daemon listens to, read as bytes from a
// descriptor. They are blocked before any thread exists, so that every thread
// inherits that and none is interrupted.
import CShims
import Glibc

/// A descriptor from which the signals of this process are read.
struct StopSignals {
    /// Becomes readable when a signal is pending.
    let descriptor: Int32

    /// Blocks the signals for this thread and all that it will start; ignores SIGPIPE and terminal writes' SIGTTOU.
    ///
    /// - Parameter children: SIGCHLD too.
    /// Source: signalfd(2).
    static func listen(children: Bool) -> StopSignals {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in [SIGTERM, SIGINT, SIGHUP, SIGUSR1] { unsafe sigaddset(&set, number) }
        if children { unsafe sigaddset(&set, SIGCHLD) }
        unsafe sigprocmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
        signal(SIGTTOU, SIG_IGN)
        let descriptor = unsafe signalfd(-1, &set, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
        precondition(descriptor >= 0, "signalfd failed")
        return StopSignals(descriptor: descriptor)
    }

    /// The next pending signal; nil when there is none.
    func next() -> Int32? {
        var record = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        let count = unsafe read(descriptor, &record, size)
        return count == size ? Int32(record.ssi_signo) : nil
    }

    func close() { Glibc.close(descriptor) }
}

/// poll(2) on descriptors for reading.
enum Readiness {
    /// Which of `descriptors` can be read or were closed at the other end; none after the timeout.
    /// - Parameter timeoutMilliseconds: -1 = for ever.
    static func wait(_ descriptors: [Int32], timeoutMilliseconds: Int32 = -1) -> [Bool] {
        var entries = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let count = unsafe poll(&entries, nfds_t(entries.count), timeoutMilliseconds)
        return entries.map { count > 0 && $0.revents != 0 }
    }
}
