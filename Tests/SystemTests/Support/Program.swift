// Program: a started process. (Foundation's takes a process for running as long
// as any descendant holds its descriptors, and daemons do.)
import Foundation

final class Program {
    let pid: pid_t
    private var status: Int32?

    /// Starts a program, found by PATH, in a process group of its own, with no descriptors but the three.
    ///
    /// - Parameters:
    ///   - input: path of a file to read; the output and the errors go to files too, which are appended to.
    ///   - environment: added to the test's own.
    init(
        _ words: [String], input: String = "/dev/null", output: String = "/dev/null", errors: String = "/dev/null",
        environment: [String: String] = [:]
    ) throws {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        for descriptor in Int32(3)..<1024 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
        // Not what the machine's own memfisd is told.
        let base = ProcessInfo.processInfo.environment.merging(["MEMFISD_CONFIG": ""]) { $1 }
        let all = base.merging(environment) { $1 }.map { "\($0)=\($1)" }
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        var variables = unsafe all.map { unsafe strdup($0) } + [nil]
        // swift-format 6.3.1 joins the words of a `for unsafe` loop.
        defer { unsafe (arguments + variables).forEach { unsafe free($0) } }
        var started = pid_t()
        let code = unsafe posix_spawnp(&started, words[0], &actions, &attributes, &arguments, &variables)
        guard code == 0 else { throw TestFailure("cannot start \(words[0]): errno \(code)") }
        pid = started
    }

    var isRunning: Bool {
        if status == nil { status = collect(WNOHANG) }
        return status == nil
    }

    /// Waits for its end: the exit status, or 128 + signal. After `timeoutSeconds` it is killed.
    @discardableResult
    func wait(timeoutSeconds: Double = 60) -> Int32 {
        if !Shell.waitUntil(timeoutSeconds: timeoutSeconds, { !isRunning }) { kill(pid, SIGKILL) }
        if status == nil { status = collect(0) }
        return status ?? -1
    }

    private func collect(_ options: Int32) -> Int32? {
        var word: Int32 = 0
        guard unsafe waitpid(pid, &word, options) == pid else { return nil }
        return word & 0x7f == 0 ? word >> 8 & 0xff : 128 + word & 0x7f
    }
}
