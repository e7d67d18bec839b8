// Daemon: a memfisd process of a test, with a port and, if wanted, a mount of its own.
import Foundation

final class Daemon {
    let scratch: Scratch
    let port: Int
    /// The mount point; nil without one.
    let mount: String?
    let socketPath: String
    private let program: Program

    static let prefix = "memfis://test"

    /// The built program, which lies beside the test bundle.
    /// MEMFISD_PROGRAM names another, for instance one that was built with a sanitizer.
    static var programPath: String {
        if let path = ProcessInfo.processInfo.environment["MEMFISD_PROGRAM"] { return path }
        return built("memfisd")
    }

    /// A program that lies beside the test bundle.
    static func built(_ name: String) -> String {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent(name).path
    }

    /// Starts memfisd and waits until its doors are open.
    ///
    /// - Parameters:
    ///   - words: more options.
    ///   - mounted: with a mount point; needs root and /dev/fuse.
    ///   - wrapper: words before the program's path, e.g. for another user.
    init(
        _ words: [String] = [], mounted: Bool = true, scratch: Scratch? = nil, wrapper: [String] = []
    ) throws {
        if mounted { try Requirements.mountsArePossible() }
        self.scratch = try scratch ?? Scratch()
        port = try Ports.free()
        socketPath = self.scratch.path("memfisd.sock")
        mount = mounted ? try self.scratch.directory("mnt") : nil
        program = try Program(
            wrapper + [
                Self.programPath, "-p", "\(port)", "-s", socketPath, "-a", "0666", "--prefix", Self.prefix, "-v",
            ]
                + words + (mount.map { [$0] } ?? []),
            errors: try self.scratch.file("log", containing: ""))
        let opened = Shell.waitUntil(timeoutSeconds: 30) { log.contains("ready") || !program.isRunning }
        guard opened, program.isRunning else {
            if program.isRunning { kill(pid, SIGKILL) }
            throw TestFailure("memfisd did not start: \(log)")
        }
    }

    /// The process that was started: the monitor, where there is one.
    var pid: pid_t { program.pid }
    var log: String { scratch.text(of: "log") }
    var isRunning: Bool { program.isRunning }

    /// The server process: the monitor's child, or the process itself where there is no monitor.
    var serverPid: pid_t {
        let children = (try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)) ?? ""
        return children.split(separator: " ").first.flatMap { pid_t($0) } ?? pid
    }

    /// A path below the mount.
    func path(_ name: String) -> String { "\(mount ?? "")/\(name)" }

    func client() throws -> MemcachedClient { try MemcachedClient(port: port) }

    /// Ends it with a signal and gives its exit status, 128 + signal when a signal ended it.
    @discardableResult
    func stop(signal: Int32 = SIGTERM) -> Int32 {
        if program.isRunning { kill(pid, signal) }
        return waitForEnd()
    }

    /// Waits for its end; after 40 seconds it is killed.
    func waitForEnd() -> Int32 { program.wait(timeoutSeconds: 40) }

    /// Ends it and removes what the test wrote.
    func remove() {
        stop()
        if let mount { Files.unmount(mount) }
        scratch.remove()
    }
}

enum Requirements {
    /// Tests with a mount need root and /dev/fuse; without them they fail, since a test that is left out proves nothing.
    static func mountsArePossible() throws {
        guard geteuid() == 0, Files.isReadableAndWritable("/dev/fuse") else {
            throw TestFailure(
                "this test mounts a filesystem: it needs root and /dev/fuse "
                    + "(MEMFISD_TESTS_WITHOUT_MOUNT=1 leaves such tests out)")
        }
    }

    /// Whether tests with a mount are to run.
    static let withMount = ProcessInfo.processInfo.environment["MEMFISD_TESTS_WITHOUT_MOUNT"] != "1"
}
