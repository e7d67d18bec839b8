// Two protocols on the same workers: memcached's on one port and a line protocol on another, at the same time.
import Glibc
import Logging
import MemProtoServer
import MemStore
import TestSupport
import Testing

@testable import MemNet

@Suite(.serialized) struct TwoProtocolTests {
    /// Both protocols on three workers.
    private final class Both {
        let store: Store
        let pool: WorkerPool
        let server: Server
        let lines = LineProtocol()
        let memcached: SocketAddress
        let line: SocketAddress

        init() throws {
            store = try Store(configuration: StoreConfiguration())
            var configuration = PoolConfiguration()
            configuration.workerCount = 3
            configuration.usesAllWorkers = true
            configuration.connectionsMax = 60
            let logger = Logger(label: "test")
            pool = WorkerPool(configuration, logger: logger)
            var options = ServerConfiguration()
            options.tcpPort = 0
            options.listenHosts = ["127.0.0.1"]
            server = Server(store: store, configuration: options, logger: logger, pool: pool)
            try server.bind()
            pool.add(lines)
            var listening = ListenConfiguration()
            listening.hosts = ["127.0.0.1"]
            listening.tcpPort = 0
            let sockets = try listening.bind()
            pool.listen(sockets, for: lines)
            line = sockets[0].address
            memcached = try SocketAddress.resolve(host: "127.0.0.1", port: server.boundAddresses[0].port)[0]
            try pool.start()
        }

        func stop() { pool.stop(graceMilliseconds: 0) }
    }

    @Test(
        "each port speaks its own protocol, and both are served at the same time while connections change their workers"
    )
    func together() throws {
        let both = try Both()
        let finished = SharedCounts<WorkerPool.CountName>()
        let (memcached, line) = (both.memcached, both.line)
        var threads: [MemStore.Thread] = []
        for number in 0..<2 {
            threads.append(
                try Thread.start(name: "gets") {
                    let clients = (0..<4).compactMap { _ in try? SocketClient(memcached) }
                    for turn in 0..<300 {
                        for (index, client) in clients.enumerated() {
                            let key = "k\(number).\(index)"
                            client.send("set \(key) 0 0 6\r\n\(100_000 + turn)\r\nget \(key)\r\n")
                        }
                        for (index, client) in clients.enumerated() {
                            let expected = "STORED\r\nVALUE k\(number).\(index) 0 6\r\n\(100_000 + turn)\r\nEND\r\n"
                            let received = client.receive(expected.utf8.count)
                            #expect(received == Array(expected.utf8))
                        }
                    }
                    finished.add(1, to: .connections)
                })
            threads.append(
                try Thread.start(name: "lines") {
                    let clients = (0..<4).compactMap { _ in try? SocketClient(line) }
                    for turn in 0..<100 {
                        let offset = turn * 17
                        for client in clients { client.send("a \(turn)\nlarge \(offset) 50000\nyield\nget k\n") }
                        for client in clients {
                            let content = (offset..<offset + 50_000).map { CountedContents.byte($0) }
                            let expected = Array("a \(turn)\n".utf8) + content + Array("yielded\nget k\n".utf8)
                            let received = client.receive(expected.count)
                            #expect(received == expected)
                        }
                    }
                    finished.add(1, to: .connections)
                })
        }
        var changes = 0
        while finished[.connections] < 4 {
            changes += 1
            both.pool.serve(workers: changes % 3 + 1)
            usleep(500)
        }
        for thread in threads { thread.join() }
        both.stop()
        finished.destroy()
        for door in both.lines.doors { #expect(door.source.retained == 0 && door.source.pinned == 0) }
        #expect(both.pool.counts[.connections] == 0 && both.lines.counts[.connections] == 0)
    }

    @Test("a connection of one protocol that is parked, blocked or in the middle of a value holds up none of the other")
    func apart() throws {
        let both = try Both()
        defer { both.stop() }
        let parked = try (0..<6).map { _ in try SocketClient(both.line) }
        for client in parked {
            client.send("ticket\n")
            _ = client.receiveLine()
            client.send("park 1 100000\n")
        }
        let blocked = try (0..<6).map { _ in try SocketClient(both.line) }
        for client in blocked { client.send("large 0 3000000\n") }
        let half = try (0..<6).map { _ in try SocketClient(both.memcached) }
        for client in half { client.send("set half 0 0 100000\r\n" + String(repeating: "x", count: 50_000)) }
        for _ in 0..<6 {
            try SocketClient(both.memcached).expect("STORED\r\n", to: "set k 0 0 1\r\nx\r\n")
            try SocketClient(both.line).expect("hello\n", to: "hello\n")
        }
        for client in half { client.expect("STORED\r\n", to: String(repeating: "x", count: 50_000) + "\r\n") }
        for client in blocked { #expect(client.receive(3_000_000).count == 3_000_000) }
    }

    @Test("the limit on connections counts both, and each client is told in its own protocol")
    func limit() throws {
        let both = try Both()
        defer { both.stop() }
        var clients: [SocketClient] = []
        for number in 0..<60 {
            let client = try SocketClient(number % 2 == 0 ? both.memcached : both.line)
            if number % 2 == 0 { client.expect("MN\r\n", to: "mn\r\n") } else { client.expect("x\n", to: "x\n") }
            clients.append(client)
        }
        let late = try SocketClient(both.memcached)
        late.expect("ERROR Too many open connections\r\n", to: "")
        let alsoLate = try SocketClient(both.line)
        alsoLate.expect("full\n", to: "")
        #expect(both.lines.counts[.rejected] == 1 && both.lines.counts[.connections] == 30)
        clients[0].send("stats\r\n")
        var line = clients[0].receiveLine()
        while line != "END\r", !line.isEmpty {
            if line.hasPrefix("STAT curr_connections") { #expect(line == "STAT curr_connections 30\r") }
            if line.hasPrefix("STAT rejected_connections") { #expect(line == "STAT rejected_connections 1\r") }
            line = clients[0].receiveLine()
        }
    }
}
