// ReferenceServer: Debian's memcached 1.6.18, started for a comparison, and the transcripts on which it agrees.
import Glibc
import Testing

@testable import MemProtoServer

/// Debian's memcached, on a socket of its own.
final class ReferenceServer {
    private let process: pid_t
    private let path: String
    let client: TestClient
    let address: SocketAddress

    init() throws {
        path = "/tmp/memfisd-reference-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock"
        let words = [
            "memcached", "-u", "nobody", "-m", "256", "-t", "1", "-o", "no_lru_maintainer", "-s", path, "-a", "777",
        ]
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var started: pid_t = 0
        let code = unsafe posix_spawn(&started, "/usr/bin/memcached", nil, nil, &arguments, environ)
        precondition(code == 0, "the comparison needs /usr/bin/memcached (Debian package memcached)")
        process = started
        address = try SocketAddress.unix(path: path)
        var connected: TestClient?
        for _ in 0..<500 where connected == nil {
            connected = try? TestClient(address)
            if connected == nil { usleep(10_000) }
        }
        client = try #require(connected)
    }

    deinit {
        // SIGTERM may be blocked: a child has the signal mask of the thread that made it.
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
        unsafe unlink(path)
    }

    /// What is answered to `bytes` and a following `mn`, without the answer to that; nil when no answer comes.
    func answer(_ bytes: [UInt8]) -> [UInt8]? {
        client.send(bytes + Array("mn\r\n".utf8))
        var answer: [UInt8] = []
        while !answer.ends(with: "MN\r\n") {
            let more = client.receiveSome()
            if more.isEmpty { return nil }
            answer += more
        }
        return answer.dropLast(4)
    }
}

extension [UInt8] {
    func ends(with text: String) -> Bool { suffix(text.utf8.count).elementsEqual(text.utf8) }
}

extension TestClient {
    /// What has arrived, at least a byte; nothing when the server closes or is silent.
    fileprivate func receiveSome() -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let length = unsafe recv(descriptor, &buffer, buffer.count, 0)
        return Array(buffer.prefix(max(0, length)))
    }
}

@Suite(.serialized) struct ReferenceTests {
    /// Transcripts without a mark, without a clock that jumps and without what only this server has.
    private static var agreed: [Transcript] {
        Transcript.all.filter { transcript in
            transcript.difference == nil
                && !transcript.steps.contains { if case .advance = $0 { true } else { false } }
        }
    }

    @Test("transcripts without a mark hold on memcached 1.6.18", arguments: agreed)
    func agrees(transcript: Transcript) throws {
        // memcached's clock cannot be held: a second may begin between two steps, but hardly three times.
        var mismatch = try play(transcript)
        for _ in 0..<2 where mismatch != nil { mismatch = try play(transcript) }
        #expect(mismatch == nil, "\(transcript): \(mismatch ?? "")")
    }

    /// Plays a transcript on a server of its own; says what was answered otherwise.
    private func play(_ transcript: Transcript) throws -> String? {
        let reference = try ReferenceServer()
        let client = try TestClient(reference.address)
        for step in transcript.steps {
            switch step {
            case .exchange(let sent, let expected):
                client.send(sent)
                let answer = client.receive(expected.count)
                if answer != expected { return difference(answer, expected) }
            case .advance: break
            case .closed:
                if !client.isClosed { return "the connection stays open" }
            }
        }
        return nil
    }
}
