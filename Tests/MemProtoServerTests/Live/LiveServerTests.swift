// The server with its sockets: the same transcripts over TCP and a unix socket, clients that do not read, the limits, the
// stop.
import Glibc
import Logging
import MemStore
import TestSupport
import Testing

@testable import MemNet
@testable import MemProtoServer

extension SocketClient {
    /// Sends and expects an answer; nothing else may come before it.
    func expect(_ answer: String, to question: String, _ comment: String = "") {
        send(question)
        let received = receive(answer.utf8.count)
        let isRight = received == Array(answer.utf8)
        #expect(isRight, "\(comment) \(difference(received, Array(answer.utf8)))")
    }
}

/// A running server on ports of its own.
final class LiveServer: Sendable {
    let store: Store
    let server: Server
    let tcp: SocketAddress
    let unix: SocketAddress

    convenience init(_ change: (inout ServerConfiguration) -> Void = { _ in }) throws {
        try self.init { configuration, _ in change(&configuration) }
    }

    init(
        logger: Logger = Logger(label: "test"), _ change: (inout ServerConfiguration, inout StoreConfiguration) -> Void
    ) throws {
        var storeConfiguration = StoreConfiguration()
        var configuration = ServerConfiguration()
        configuration.tcpPort = 0
        configuration.unixPath = "/tmp/memfisd-test-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock"
        configuration.workerCount = 2
        configuration.usesAllWorkers = true
        configuration.hasDebugCommands = true
        change(&configuration, &storeConfiguration)
        store = try Store(configuration: storeConfiguration)
        server = Server(store: store, configuration: configuration, logger: logger)
        try server.bind()
        try server.start()
        let port = server.boundAddresses.first { !$0.isUnix }?.port ?? 0
        tcp = try SocketAddress.resolve(host: "127.0.0.1", port: port)[0]
        unix = try SocketAddress.unix(path: configuration.unixPath!)
    }

    func stop(gracefulSeconds: Double = 0) {
        server.stop(gracefulSeconds: gracefulSeconds)
        unsafe unlink(unix.host)
    }
}

@Suite(.serialized) struct LiveServerTests {
    /// Runs a transcript on a server of its own that is reached at `address`.
    private func check(_ transcript: Transcript, on live: LiveServer, at address: SocketAddress) throws {
        let client = try SocketClient(address)
        var isClosed = false
        for step in transcript.steps {
            switch step {
            case .exchange(let sent, let expected):
                client.send(sent)
                let answer = client.receive(expected.count)
                if answer != expected { Issue.record("\(transcript): \(difference(answer, expected))") }
            case .advance(let seconds):
                live.store.clock.advance(bySeconds: seconds)
            case .closed:
                #expect(client.isClosed, "\(transcript)")
                isClosed = true
            }
        }
        // Nothing more may have come than was expected.
        if isClosed { return }
        let question = "mg nothing_of_this_name\r\n"
        // Who names himself in a transcript does so at its end.
        let isGuarded = transcript.options.contains("-Y") && !transcript.sends("mn")
        client.expect(isGuarded ? "CLIENT_ERROR unauthenticated\r\n" : "EN\r\n", to: question, "\(transcript)")
    }

    @Test("transcripts hold over TCP and over the unix socket")
    func transcripts() throws {
        for transcript in Transcript.all {
            for isUnix in [false, true] {
                let live = try LiveServer { transcript.configure(&$0, &$1) }
                defer { live.stop() }
                live.store.clock.pause()
                try check(transcript, on: live, at: isUnix ? live.unix : live.tcp)
            }
        }
    }

    @Test("a client that asks for much and reads nothing costs a bounded amount, and the others are served")
    func slowReaders() throws {
        let live = try LiveServer { $0.workerCount = 1 }
        defer { live.stop() }
        let other = try SocketClient(live.tcp)
        other.expect("STORED\r\n", to: "set big 0 0 900000\r\n" + String(repeating: "x", count: 900_000) + "\r\n")
        other.expect("STORED\r\n", to: "set small 0 0 15000\r\n" + String(repeating: "y", count: 15000) + "\r\n")
        let greedy = try SocketClient(live.tcp)
        greedy.send(String(repeating: "get big small\r\n", count: 200))
        other.expect("MN\r\n", to: "mn\r\n")
        for _ in 0..<100 { other.expect("END\r\n", to: "get nothing\r\n") }
        let one = 900_000 + 15_000 + "VALUE big 0 900000\r\n\r\nVALUE small 0 15000\r\n\r\nEND\r\n".utf8.count
        // All of it comes when it is read after all.
        var isWhole = true
        let end = Array("\r\nEND\r\n".utf8)
        for _ in 0..<200 where isWhole { isWhole = greedy.receive(one).suffix(7) == end[...] }
        #expect(isWhole)
        greedy.expect("MN\r\n", to: "mn\r\n")
    }

    @Test("two hundred clients that ask for much and read nothing hold no more than the bounds, and another is served")
    func manySlowReaders() throws {
        let live = try LiveServer {
            $0.workerCount = 2
            $0.getLineLengthMax = 16384
            $0.outputHeldMaxBytes = 4 << 20
        }
        defer { live.stop() }
        let other = try SocketClient(live.tcp)
        other.expect("STORED\r\n", to: "set big 0 0 300000\r\n" + String(repeating: "x", count: 300_000) + "\r\n")
        other.expect("STORED\r\n", to: "set small 0 0 10000\r\n" + String(repeating: "y", count: 10_000) + "\r\n")
        var greedy: [SocketClient] = []
        for number in 0..<200 {
            let client = try SocketClient(number % 2 == 0 ? live.unix : live.tcp)
            let line = number % 4 < 2 ? "get small small small small\r\n" : "get big small\r\n"
            client.send(String(repeating: line, count: 100))
            greedy.append(client)
            // The other is served between any two of them.
            other.expect("MN\r\n", to: "mn\r\n")
        }
        for _ in 0..<200 { other.expect("END\r\n", to: "get nothing\r\n") }
        other.send("stats memfis\r\n")
        let lines = other.receiveToEnd().split(separator: "\r\n").map { $0.split(separator: " ") }
        func figure(_ name: String) throws -> Int {
            try #require(lines.first { $0.count == 3 && $0[1] == name }.flatMap { Int($0[2]) })
        }
        #expect(try figure("output_held_bytes") <= 4 << 20)
        #expect(try figure("output_stalls") > 0)
        #expect(try figure("held_by_readers_bytes") == 0)
        // A value that is replaced while they wait stays for them, once.
        other.expect("STORED\r\n", to: "set big 0 0 1\r\nx\r\n")
        other.send("stats memfis\r\n")
        let text = other.receiveToEnd()
        let held = text.split(separator: "\r\n").first { $0.hasPrefix("STAT held_by_readers_bytes ") }
        let heldBytes = try #require(held?.split(separator: " ").last.flatMap { Int($0) })
        #expect(heldBytes > 0 && heldBytes < 400_000)
    }

    @Test("the connection over the limit is told so and closed")
    func connectionLimit() throws {
        let live = try LiveServer { $0.connectionsMax = 2 }
        defer { live.stop() }
        let first = try SocketClient(live.tcp)
        first.expect("MN\r\n", to: "mn\r\n")
        let second = try SocketClient(live.unix)
        second.expect("MN\r\n", to: "mn\r\n")
        do {
            let third = try SocketClient(live.tcp)
            let told = third.receive(100)
            #expect(told == Array("ERROR Too many open connections\r\n".utf8))
        }
        first.expect("MN\r\n", to: "mn\r\n")
    }

    @Test("a connection without a command for longer than the idle timeout is closed, a watcher is not")
    func idleTimeout() throws {
        let live = try LiveServer { $0.idleTimeoutSeconds = 60 }
        defer { live.stop() }
        let idle = try SocketClient(live.tcp)
        idle.expect("MN\r\n", to: "mn\r\n")
        let watcher = try SocketClient(live.tcp)
        watcher.expect("OK\r\n", to: "watch sysevents\r\n")
        let other = try SocketClient(live.tcp)
        other.expect("OK\r\n", to: "debugtime 61\r\n")
        #expect(idle.isClosed)
        let stats = try SocketClient(live.tcp)
        stats.send("stats\r\n")
        let text = stats.receiveToEnd()
        #expect(text.contains("STAT idle_kicks 1\r\n") || text.contains("STAT idle_kicks 2\r\n"))
        watcher.send("anything\r\n")
        #expect(live.server.watcherCount == 1)
    }

    @Test("stats conns lists the listeners first, and tells a connection in the middle of a value")
    func connections() throws {
        let live = try LiveServer()
        defer { live.stop() }
        let writing = try SocketClient(live.unix)
        writing.expect("MN\r\n", to: "mn\r\nset a 0 0 100\r\nxxx")
        let asking = try SocketClient(live.tcp)
        // Both workers have looked at their input when each has answered once more.
        var text = ""
        while !text.contains("conn_nread") {
            asking.send("stats conns\r\n")
            text = asking.receiveToEnd()
            if text.isEmpty { break }
        }
        let lines = text.split(separator: "\r\n")
        let states = lines.filter { $0.contains(":state ") }.map { $0.split(separator: " ")[2] }
        let others = states.drop { $0 == "conn_listening" }
        #expect(states.count - others.count >= 2)
        #expect(Set(others) == ["conn_nread", "conn_parse_cmd"])
        #expect(text.contains(":addr unix:\(live.unix.host)\r\n"))
        #expect(text.contains(":listen_addr tcp:127.0.0.1:\(live.tcp.port)\r\n"))
    }

    @Test("a value that arrives in pieces is stored whole")
    func slowWriter() throws {
        let live = try LiveServer()
        defer { live.stop() }
        let client = try SocketClient(live.tcp)
        let value = (0..<400_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 9) }
        let all = Array("set v 0 0 400000\r\n".utf8) + value + Array("\r\nget v\r\n".utf8)
        var start = 0
        var length = 1
        while start < all.count {
            client.send(Array(all[start..<min(all.count, start + length)]))
            start += length
            length = min(length * 2, 70_000)
        }
        let head = Array("STORED\r\nVALUE v 0 400000\r\n".utf8)
        let answer = client.receive(head.count + value.count + 7)
        let isRight = answer == head + value + Array("\r\nEND\r\n".utf8)
        #expect(isRight)
    }

    @Test("a graceful stop finishes the answers that are under way")
    func gracefulStop() throws {
        let live = try LiveServer()
        let client = try SocketClient(live.tcp)
        client.expect("STORED\r\n", to: "set big 0 0 1000000\r\n" + String(repeating: "x", count: 1_000_000) + "\r\n")
        client.send(String(repeating: "get big\r\n", count: 20))
        let one = 1_000_000 + "VALUE big 0 1000000\r\n\r\nEND\r\n".utf8.count
        #expect(client.receive(one).count == one)
        let stopping = try Thread.start(name: "stopping") { live.stop(gracefulSeconds: 20) }
        #expect(client.receive(19 * one).count == 19 * one)
        #expect(client.isClosed)
        stopping.join()
    }

    @Test("a second server on the same port says which address is taken")
    func portTaken() throws {
        let live = try LiveServer()
        defer { live.stop() }
        var configuration = ServerConfiguration()
        configuration.tcpPort = live.tcp.port
        let second = Server(store: live.store, configuration: configuration, logger: Logger(label: "test"))
        #expect { try second.bind() } throws: { error in
            "\(error)" == "bind tcp:127.0.0.1:\(live.tcp.port): Address already in use"
        }
    }

    @Test("the socket of a running server is left alone")
    func unixTaken() throws {
        let live = try LiveServer()
        defer { live.stop() }
        var configuration = ServerConfiguration()
        configuration.tcpPort = nil
        configuration.unixPath = live.unix.host
        let second = Server(store: live.store, configuration: configuration, logger: Logger(label: "test"))
        #expect { try second.bind() } throws: { error in
            "\(error)" == "bind \(live.unix.host): Address already in use"
        }
        try SocketClient(live.unix).expect("MN\r\n", to: "mn\r\n")
    }

    @Test("a stop does not wait for requests whose end has not come")
    func stopWithHalfSentValues() throws {
        let live = try LiveServer()
        let clients = try (0..<3).map { _ in try SocketClient(live.unix) }
        for (client, text) in zip(clients, ["set a 0 0 5\r\nab", "set a 0 0 50000\r\nab", "set a 0 0 5000000\r\nab"]) {
            client.expect("MN\r\n", to: "mn\r\n")
            client.send(text)
        }
        live.stop(gracefulSeconds: 3600)
        for client in clients { #expect(client.isClosed) }
    }

    @Test("the unix socket has the mode that was asked for, and a stale one is replaced")
    func unixMode() throws {
        let live = try LiveServer { $0.unixMode = 0o660 }
        var status = stat()
        #expect(unsafe stat(live.unix.host, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o660)
        live.server.stop(gracefulSeconds: 0)
        var configuration = ServerConfiguration()
        configuration.tcpPort = nil
        configuration.unixPath = live.unix.host
        let next = Server(store: live.store, configuration: configuration, logger: Logger(label: "test"))
        try next.bind()
        unsafe unlink(live.unix.host)
    }
}
