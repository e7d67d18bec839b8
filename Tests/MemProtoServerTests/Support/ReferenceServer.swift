// ReferenceServer: Debian's memcached 1.6.18, started for a comparison with clocks that stand still, and the transcripts
// on which it agrees.
import CShims
import Glibc
import MemStore
import TestSupport
import Testing

@testable import MemNet
@testable import MemProtoServer

/// Debian's memcached, on a socket of its own, with clocks that move only by `advance`.
final class ReferenceServer {
    private let process: pid_t
    private let path: String
    private let clockPath: String
    private let usersPath: String
    private var jumpedSeconds: Int64 = 0
    private(set) var client: SocketClient
    let address: SocketAddress

    /// What memcached's uptime begins with.
    private static let uptimeAtStart: Int64 = 2

    /// - Parameter words: more options.
    init(_ words: [String] = []) throws {
        path = "/tmp/memfisd-reference-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock"
        clockPath = path + ".clock"
        usersPath = path + ".users"
        // Words with a colon are users, for which memcached wants a file.
        let usersFile = usersPath
        if let users = words.first(where: { $0.contains(":") }) {
            guard let file = unsafe fopen(usersFile, "w") else { throw SystemError("fopen", usersFile) }
            unsafe fputs(users.replacing(",", with: "\n"), file)
            unsafe fclose(file)
        }
        Self.write(0, to: clockPath)
        let all =
            ["memcached", "-u", "nobody", "-m", "256", "-t", "1", "-o", "no_lru_maintainer", "-s", path, "-a", "777"]
            + words.map { $0.contains(":") ? usersFile : $0 }
        var arguments = unsafe all.map { unsafe strdup($0) } + [nil]
        let settings = ["LD_PRELOAD=\(Self.heldClock)", "HELD_CLOCK_FILE=\(clockPath)"]
        var variables = unsafe settings.map { unsafe strdup($0) } + [nil]
        defer { unsafe (arguments + variables).forEach { unsafe free($0) } }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for descriptor in Int32(0)...2 {
            unsafe posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
        }
        var started: pid_t = 0
        let code = unsafe posix_spawn(&started, "/usr/bin/memcached", &actions, nil, &arguments, &variables)
        precondition(code == 0, "the comparison needs /usr/bin/memcached (Debian package memcached)")
        process = started
        address = try SocketAddress.unix(path: path)
        var connected: SocketClient?
        for _ in 0..<500 where connected == nil {
            connected = try? SocketClient(address)
            if connected == nil { usleep(10_000) }
        }
        client = try #require(connected)
    }

    deinit {
        // SIGTERM may be blocked: a child has the signal mask of the thread that made it.
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
        unsafe unlink(path)
        unsafe unlink(clockPath)
        unsafe unlink(usersPath)
    }

    /// The library that holds clocks; it lies beside the test bundle.
    private static var heldClock: String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let length = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe readlink("/proc/self/exe", bytes.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        let program = String(decoding: buffer.prefix(max(0, length)), as: UTF8.self)
        return String(program.prefix(upTo: program.lastIndex(of: "/") ?? program.endIndex)) + "/libHeldClock.so"
    }

    private static func write(_ seconds: Int64, to path: String) {
        let file = unsafe open(path, O_WRONLY | O_CREAT, 0o644)
        precondition(file >= 0, "the file of a held clock can be written")
        var value = seconds
        unsafe pwrite(file, &value, 8, 0)
        close(file)
    }

    /// Jumps memcached's clock, and waits until it has seen that.
    func advance(seconds: Int64) throws {
        jumpedSeconds += seconds
        Self.write(jumpedSeconds, to: clockPath)
        let observer = try SocketClient(address)
        let uptime = "STAT uptime \(Self.uptimeAtStart + jumpedSeconds)\r\n"
        for _ in 0..<5000 {
            observer.send("stats\r\n")
            if observer.receiveToEnd().contains(uptime) { return }
            usleep(1000)
        }
        Issue.record("memcached's clock does not move")
    }

    /// A new connection in place of the present one.
    func reconnect() throws { client = try SocketClient(address) }

    /// What is answered to each of some commands, which are sent in one piece. Fewer answers: the connection was closed.
    func answers(to commands: [[UInt8]]) -> [[UInt8]] {
        // The flush keeps an answer from those that a later command takes back.
        let flush = Array("mn\r\n".utf8)
        let flushed = Array("MN\r\n".utf8)
        func mark(_ index: Int) -> [UInt8] { Array("EN O=\(index)\r\n".utf8) }
        var sent: [UInt8] = []
        for (index, command) in commands.enumerated() { sent += command + Array("mg - O=\(index)\r\n".utf8) + flush }
        client.send(sent)
        var received: [UInt8] = []
        let last = mark(commands.count - 1) + flushed
        while received.suffix(last.count) != last[...] {
            let more = client.receiveSome()
            if more.isEmpty { break }
            received += more
        }
        var answers: [[UInt8]] = []
        var (at, start) = (0, 0)
        while at < received.count {
            let next = DifferentialAnswers.lineEnd(received, from: at)
            if received[at..<next] == mark(answers.count)[...] {
                answers.append(Array(received[start..<at]))
                start = min(received.count, next + flushed.count)
                at = start
                continue
            }
            at = min(received.count, next + DifferentialAnswers.valueSize(behind: received[at..<next]))
        }
        if start < received.count || answers.isEmpty && commands.count == 1 {
            answers.append(Array(received[start...]))
        }
        return answers
    }
}

extension [UInt8] {
    func ends(with text: String) -> Bool { suffix(text.utf8.count).elementsEqual(text.utf8) }
}

extension SocketClient {
    /// What has arrived, at least a byte; nothing when the server closes or is silent.
    fileprivate func receiveSome() -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let length = unsafe recv(descriptor, &buffer, buffer.count, 0)
        return Array(buffer.prefix(max(0, length)))
    }
}

@Suite(.serialized) struct ReferenceTests {
    /// Transcripts without a mark.
    private static var agreed: [Transcript] { Transcript.all.filter { $0.difference == nil } }

    @Test("transcripts without a mark hold on memcached 1.6.18", arguments: agreed)
    func agrees(transcript: Transcript) throws {
        let reference = try ReferenceServer(transcript.options)
        for step in transcript.steps {
            switch step {
            case .exchange(let sent, let expected):
                reference.client.send(sent)
                let answer = reference.client.receive(expected.count)
                if answer != expected { Issue.record("\(transcript): \(difference(answer, expected))") }
            case .advance(let seconds): try reference.advance(seconds: seconds)
            case .closed: #expect(reference.client.isClosed, "\(transcript)")
            }
        }
    }
}
