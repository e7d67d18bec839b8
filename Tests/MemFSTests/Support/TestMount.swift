// TestMount: a real mount below /tmp, served by this process, and programs that use it.
import Glibc
import MemStore
import Testing

@testable import MemFS

/// Whether mounts can be tested. Without root and /dev/fuse the tests fail and say so, unless the environment has
/// MEMFISD_TESTS_WITHOUT_MOUNT=1.
enum MountTests {
    static var areWanted: Bool {
        unsafe getenv("MEMFISD_TESTS_WITHOUT_MOUNT").map { unsafe strcmp($0, "1") != 0 } ?? true
    }
}

/// A mount of its own for one test, which goes with the value.
final class TestMount {
    let store: Store
    let path: String
    let session: FuseSession
    private var isEnded = false

    init(_ options: FuseSessionOptions = FuseSessionOptions(), memoryLimitMiB: Int = 256) throws {
        let canMount = geteuid() == 0 && (unsafe access("/dev/fuse", R_OK | W_OK)) == 0
        try #require(
            canMount,
            "these tests mount filesystems: run them as root with /dev/fuse, or set MEMFISD_TESTS_WITHOUT_MOUNT=1")
        path = try Self.makeDirectory()
        var configuration = StoreConfiguration()
        configuration.memoryLimitBytes = memoryLimitMiB << 20
        configuration.prefixes = [KeyPrefix(prefix: Array("f:".utf8), directory: Array("/".utf8))]
        configuration.servingUser = ServingUser(uid: 0, gid: 0, groups: [])
        store = try Store(configuration: configuration)
        let device = try Mounting.openAndMount(at: path, options.mount)
        session = try FuseSession.attached(store: store, device: device, options)
        try session.start()
    }

    static func makeDirectory() throws -> String {
        let template = "/tmp/memfisd-test-XXXXXX"
        let path = unsafe template.withCString { template -> String? in
            let copy = unsafe strdup(template)
            defer { unsafe free(copy) }
            return unsafe mkdtemp(copy!).map { unsafe String(cString: $0) }
        }
        guard let path, unsafe chmod(path, 0o755) == 0 else { throw FSError(errno) }
        return path
    }

    deinit { end() }

    /// Unmounts and ends the threads.
    func end() {
        if isEnded { return }
        isEnded = true
        try? Mounting.unmount(path)
        session.stop()
        _ = unsafe rmdir(path)
    }

    /// What the port serves at `path` of the tree.
    func published(_ path: String) -> String? {
        let session = store.makeSession()
        defer { session.end() }
        return TestStore.published(path, session)
    }

    /// What the port serves when it is no longer `old`, which can be some microseconds after a close; nil after
    /// seconds.
    func published(_ path: String, otherThan old: String?) -> String? {
        for _ in 0..<3000 {
            if let now = published(path), now != old { return now }
            usleep(1000)
        }
        return nil
    }

    /// The port's side of `body`, with a reader of the changes that is waited for.
    func set(_ path: String, _ value: String, _ command: StoreCommand = StoreCommand(mode: .set)) -> Outcome {
        let session = store.makeSession()
        defer { session.end() }
        session.setInvalidationToken(1)
        let completed = AtomicWord()
        store.invalidations.onCompleted = { _ in _ = completed.add(1) }
        let result = Array("f:\(path)".utf8).withBytes { key in
            Array(value.utf8).withBytes { value in
                session.store(key, hash: session.hash(key), value: value, command)
            }
        }
        while completed.value < UInt32(result.pendingInvalidations) { usleep(100) }
        return result.outcome
    }

    /// Runs a shell script in the mount's root and returns what it prints, errors included, without the last newline.
    func shell(_ script: String) throws -> String {
        try Shell.run("cd '\(path)' && { \(script)\n} 2>&1")
    }
}

/// Shell scripts for tests.
enum Shell {
    /// Runs a script to its end and returns its output without the last newline.
    static func run(_ script: String) throws -> String {
        guard let pipe = unsafe withOpenSignals({ unsafe popen("LC_ALL=C exec bash -c " + quoted(script), "re") })
        else {
            throw FSError(errno)
        }
        var output: [UInt8] = []
        while case let byte = unsafe fgetc(pipe), byte != EOF { output.append(UInt8(truncatingIfNeeded: byte)) }
        unsafe pclose(pipe)
        if output.last == UInt8(ascii: "\n") { output.removeLast() }
        return String(decoding: output, as: UTF8.self)
    }

    /// Starts something without the signals blocked that the tests' threads block: programs count on alarms.
    @unsafe private static func withOpenSignals<R>(_ start: () -> R) -> R {
        var (open, before) = (sigset_t(), sigset_t())
        unsafe sigemptyset(&open)
        unsafe pthread_sigmask(SIG_SETMASK, &open, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        return start()
    }

    private static func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}

/// A place where a script stops until the test lets it go on: an external command, since bash copies and closes its own
/// descriptors around those of its builtins.
final class Pause {
    private let directory: String
    var command: String { directory + "/pause" }
    var ended: String { directory + "/ended" }

    init() throws {
        directory = try TestMount.makeDirectory()
        let script = "#!/bin/sh\ntouch \(directory)/reached\nuntil [ -e \(directory)/go ]; do sleep 0.01; done\n"
        _ = try Shell.run("printf '%s' '\(script)' > \(command); chmod +x \(command)")
    }

    func reset() { _ = try? Shell.run("rm -f \(directory)/reached \(directory)/go \(ended)") }
    func waitUntilReached() { wait(for: directory + "/reached") }

    /// Lets the script go on, and waits until it has ended.
    func go() {
        _ = try? Shell.run("touch \(directory)/go")
        wait(for: ended)
    }

    func end() { _ = try? Shell.run("rm -r \(directory)") }

    private func wait(for path: String) {
        while unsafe access(path, F_OK) != 0 { usleep(1000) }
    }
}
