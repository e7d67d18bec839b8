// What clients can make the server hold is bounded: keys of a get, beginnings of requests, answers that nobody takes, values that
// do not come to their end. Whoever passes a bound is closed or refused and counted; the others are served.
import Glibc
import MemStore
import TestSupport
import Testing

@testable import MemNet
@testable import MemProtoServer

@Suite(.serialized) struct BoundsTests {
    /// A server with one worker, so that its share is the whole of each bound.
    private func live(_ change: (inout ServerConfiguration) -> Void) throws -> LiveServer {
        try LiveServer {
            $0.workerCount = 1
            $0.getLineLengthMax = 8192
            change(&$0)
        }
    }

    /// A figure of `stats memfis`.
    private func figure(_ name: String, _ live: LiveServer) throws -> Int {
        let client = try SocketClient(live.tcp)
        client.send("stats memfis\r\n")
        let line = client.receiveToEnd().split(separator: "\r\n").first { $0.hasPrefix("STAT \(name) ") }
        return try #require(Int(line?.split(separator: " ").last ?? ""))
    }

    /// Asks until the figure is what a test waits for, which a busy machine may take a minute for.
    private func wait(for name: String, _ live: LiveServer, _ isReached: (Int) -> Bool) throws -> Bool {
        for _ in 0..<6000 {
            if isReached(try figure(name, live)) { return true }
            usleep(10_000)
        }
        return false
    }

    @Test("a get of too many keys is refused as a whole, and what follows is served")
    func keys() throws {
        var configuration = ServerConfiguration()
        configuration.getKeysMax = 3
        let connection = TestConnection(try TestServer(configuration))
        let refusal = "CLIENT_ERROR too many keys\r\n"
        #expect(connection.send("set a 0 0 1\r\nx\r\nget a b c\r\n") == "STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n")
        #expect(connection.send("get a b c d\r\ngets  a b c d e\r\nmn\r\n") == refusal + refusal + "MN\r\n")
        #expect(connection.send("gat 0 a b c d\r\ngat 0 a b c\r\n") == refusal + "VALUE a 0 1\r\nx\r\nEND\r\n")
        #expect(connection.server.counters.getsTooLong == 3)
    }

    @Test("beginnings of lines take no more than their bound")
    func input() throws {
        let live = try live { $0.inputHeldMaxBytes = 100_000 }
        defer { live.stop() }
        var clients: [SocketClient] = []
        for _ in 0..<60 {
            let client = try SocketClient(live.unix)
            client.send("get " + String(repeating: "k", count: 5000))
            clients.append(client)
        }
        #expect(try wait(for: "input_held_closed", live) { $0 > 10 })
        #expect(try figure("input_held_bytes", live) <= 115_000)
        try SocketClient(live.tcp).expect("MN\r\n", to: "mn\r\n")
        let countedCount = try figure("input_held_closed", live)
        let refusal = "SERVER_ERROR out of memory reading request\r\n"
        // Whoever is refused reads why, and then the end.
        let refusedCount = clients.count { $0.hasInput }
        #expect(refusedCount == countedCount)
        for client in clients where client.hasInput {
            #expect(client.receive(refusal.utf8.count) == Array(refusal.utf8))
            #expect(client.isClosed)
        }
    }

    @Test("answers that nobody takes hold no more than their bound")
    func output() throws {
        let live = try live { $0.outputHeldMaxBytes = 70_000 }
        defer { live.stop() }
        let other = try SocketClient(live.tcp)
        other.expect("STORED\r\n", to: "set k 0 0 10000\r\n" + String(repeating: "v", count: 10_000) + "\r\n")
        var clients: [SocketClient] = []
        for _ in 0..<40 {
            let client = try SocketClient(live.unix)
            client.send(String(repeating: "get k k k k\r\n", count: 200))
            clients.append(client)
        }
        #expect(try wait(for: "output_held_closed", live) { $0 > 0 })
        #expect(try figure("output_held_bytes", live) <= 80_000)
        other.expect("MN\r\n", to: "mn\r\n")
        let closedCount = try figure("output_held_closed", live)
        #expect(clients.count > closedCount)
    }

    @Test(
        "values that do not come to their end hold no more than their bound, and the one that is arriving is left alone"
    )
    func halfSent() throws {
        let live = try live { $0.halfSentMaxBytes = 200_000 }
        defer { live.stop() }
        let other = try SocketClient(live.tcp)
        other.expect("OK\r\n", to: "debugtime p\r\n")
        var clients: [SocketClient] = []
        func begin(_ number: Int) throws {
            let client = try SocketClient(live.unix)
            client.send("set k\(number) 0 0 50000\r\n" + String(repeating: "v", count: 40_000))
            clients.append(client)
        }
        for number in 0..<9 { try begin(number) }
        #expect(try wait(for: "half_sent_bytes", live) { $0 == 360_000 })
        #expect(try figure("half_sent_closed", live) == 0)
        other.expect("OK\r\n", to: "debugtime 2\r\n")
        #expect(try wait(for: "half_sent_closed", live) { $0 == 4 })
        try begin(9)
        #expect(try wait(for: "half_sent_closed", live) { $0 == 5 })
        #expect(try figure("half_sent_bytes", live) == 200_000)
        clients[9].send(String(repeating: "v", count: 10_000) + "\r\n")
        let answer = clients[9].receive(8)
        #expect(answer == Array("STORED\r\n".utf8))
        other.expect("VALUE k9 0 50000\r\n", to: "get k9\r\n")
    }

    @Test("values that come faster than others fall silent hold twice their bound at most, and one alone stays")
    func halfSentFlood() throws {
        let live = try live { $0.halfSentMaxBytes = 200_000 }
        defer { live.stop() }
        let other = try SocketClient(live.tcp)
        other.expect("OK\r\n", to: "debugtime p\r\n")
        let alone = try SocketClient(live.unix)
        alone.send("set alone 0 0 900000\r\n" + String(repeating: "v", count: 890_000))
        #expect(try wait(for: "half_sent_bytes", live) { $0 == 890_000 })
        #expect(try figure("half_sent_closed", live) == 0)
        alone.send(String(repeating: "v", count: 10_000) + "\r\n")
        let stored = alone.receive(8)
        #expect(stored == Array("STORED\r\n".utf8))
        var clients: [SocketClient] = []
        for number in 0..<30 {
            let client = try SocketClient(live.unix)
            client.send("set k\(number) 0 0 50000\r\n" + String(repeating: "v", count: 40_000))
            clients.append(client)
        }
        #expect(try wait(for: "half_sent_closed", live) { $0 >= 20 })
        #expect(try figure("half_sent_bytes", live) <= 440_000)
        clients[29].send(String(repeating: "v", count: 10_000) + "\r\n")
        let answer = clients[29].receive(8)
        #expect(answer == Array("STORED\r\n".utf8))
    }

    @Test("a line without an end, the clients of watch and the prefixes of stats detail have their bounds")
    func counts() throws {
        var configuration = ServerConfiguration()
        configuration.lineLengthMax = 4096
        configuration.watcherCountMax = 1
        configuration.prefixCountMax = 2
        configuration.countsPrefixes = true
        let server = try TestServer(configuration)
        let long = TestConnection(server)
        #expect(long.send("incr " + String(repeating: " ", count: 4000)) == "" && !long.isClosed)
        #expect(long.send(String(repeating: " ", count: 92)) == "CLIENT_ERROR line too long\r\n" && long.isClosed)
        #expect(server.counters.linesTooLong == 1)
        let watcher = TestConnection(server)
        #expect(watcher.send("watch mutations\r\n") == "OK\r\n")
        let client = TestConnection(server)
        #expect(client.send("watch\r\n") == "WATCHER_TOO_MANY log watcher limit reached\r\n")
        #expect(client.send("get a:1 b:1 c:1 a:2\r\n") == "END\r\n")
        let counted = "PREFIX a get 2 hit 0 set 0 del 0\r\nPREFIX b get 1 hit 0 set 0 del 0\r\nEND\r\n"
        #expect(client.send("stats detail dump\r\n") == counted)
        #expect(client.send("stats memfis\r\n").contains("STAT detail_prefixes 2\r\n"))
        do { _ = watcher }
    }

    @Test("a share is never less than two lines of a get, and one batch of answers")
    func shares() {
        var configuration = ServerConfiguration()
        let share = configuration.pool(memoryLimitBytes: 64 << 20).memoryShare(workers: 4)
        #expect(share.input == 32 << 20 && share.output == 16 << 20 && share.halfSent == 4 << 20)
        configuration.inputHeldMaxBytes = 1
        #expect(configuration.pool(memoryLimitBytes: 64 << 20).memoryShare(workers: 4).input == 32 << 20)
    }
}
