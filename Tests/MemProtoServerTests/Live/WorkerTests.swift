// Workers: input that is told of once, ends that come with it, and answers of several connections.
import CShims
import Glibc
import Logging
import MemStore
import TestSupport
import Testing

@testable import MemNet
@testable import MemProtoServer

@Suite struct WorkerTests {
    @Test("what was asked before the client ended its side is answered, then the connection is closed")
    func halfClose() throws {
        let live = try LiveServer()
        defer { live.stop() }
        for address in [live.tcp, live.unix] {
            let client = try SocketClient(address)
            client.send("set k 0 0 1\r\nx\r\nget k\r\n")
            shutdown(client.descriptor, Int32(SHUT_WR))
            let expected = "STORED\r\nVALUE k 0 1\r\nx\r\nEND\r\n"
            #expect(client.receive(expected.utf8.count) == Array(expected.utf8))
            #expect(client.isClosed)
        }
    }

    @Test("more input than one read takes is all answered, however little comes after it")
    func fullReads() throws {
        let live = try LiveServer { $0.workerCount = 1 }
        defer { live.stop() }
        for address in [live.tcp, live.unix] {
            let client = try SocketClient(address)
            let line = "get a_key_that_nobody_has_set_so_far\r\n"
            // Whole reads, and one that ends with the buffer's end.
            for total in [NetLimits.readBufferBytes * 3, NetLimits.readBufferBytes, NetLimits.readBufferBytes + 1] {
                let count = total / line.utf8.count
                let filler = String(repeating: "x", count: total - count * line.utf8.count)
                client.send(String(repeating: line, count: count) + filler)
                #expect(client.receive(count * 5) == Array(String(repeating: "END\r\n", count: count).utf8))
                client.expect("ERROR\r\n", to: "zz\r\n")
            }
        }
    }

    @Test("small commands and large values take turns on one connection")
    func largeAndSmall() throws {
        let live = try LiveServer { $0.workerCount = 1 }
        defer { live.stop() }
        let client = try SocketClient(live.tcp)
        let value = String(repeating: "v", count: 100_000)
        for _ in 0..<5 {
            client.expect("STORED\r\n", to: "set large 0 0 100000\r\n\(value)\r\n")
            client.expect("STORED\r\nSTORED\r\n", to: "set large 0 0 100000\r\n\(value)\r\nset small 0 0 1\r\ny\r\n")
            client.expect("VALUE small 0 1\r\ny\r\nEND\r\n", to: "get small\r\n")
            let many = String(repeating: "get small\r\n", count: 500)
            client.expect(String(repeating: "VALUE small 0 1\r\ny\r\nEND\r\n", count: 500), to: many)
        }
        client.expect("VALUE large 0 100000\r\n\(value)\r\nEND\r\n", to: "get large\r\n")
    }

    /// A worker without a thread, and the client's ends of connections that it has.
    private func worker(connections: Int) throws -> (server: TestServer, worker: Cell<Worker>, clients: [Int32]) {
        let server = try TestServer {
            $0.prefixes = [KeyPrefix(prefix: Array("f:".utf8), directory: Array("/".utf8))]
        }
        let handle = try WorkerHandle(number: 1)
        let worker = try Worker.make(handle, server.pool)
        var clients: [Int32] = []
        for _ in 0..<connections {
            var ends: [Int32] = [0, 0]
            #expect(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &ends) == 0)
            handle.post(.connection(ends[0], protocol: server.served.number))
            clients.append(ends[1])
        }
        return (server, worker, clients)
    }

    private func end(_ worker: Cell<Worker>, _ clients: [Int32]) {
        for client in clients { close(client) }
        worker.value.closeAll()
        worker.value.doors.end()
        worker.destroy()
    }

    private func receive(_ client: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 1000)
        let count = unsafe recv(client, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    /// Sends a text from each client, lets the worker do a round, and compares what each is answered.
    private func exchange(_ worker: Cell<Worker>, _ clients: [Int32], _ texts: [String], _ answers: [String]) {
        let events = EventList()
        defer { events.deallocate() }
        for (client, text) in zip(clients, texts) {
            #expect(unsafe send(client, text, text.utf8.count, 0) == text.utf8.count)
        }
        // The mail first, then what the connections have sent.
        for _ in 0..<2 {
            let goesOn = worker.value.round(events, milliseconds: 0)
            #expect(goesOn)
        }
        for (client, answer) in zip(clients, answers) { #expect(receive(client) == answer) }
    }

    @Test("connections are served in groups, each in its own order")
    func groups() throws {
        let (server, worker, clients) = try worker(connections: 20)
        defer { withExtendedLifetime(server) {} }
        exchange(
            worker, clients,
            clients.indices.map { "set k\($0) 0 0 2\r\n\(10 + $0)\r\nget k\($0)\r\n" },
            clients.indices.map { "STORED\r\nVALUE k\($0) 0 2\r\n\(10 + $0)\r\nEND\r\n" })
        end(worker, clients)
    }

    @Test("a file's key is answered as it is when its turn comes, though it was looked up with those of the group")
    func filesInGroups() throws {
        let (server, worker, clients) = try worker(connections: 6)
        defer { withExtendedLifetime(server) {} }
        let shown = "VALUE f:/d/a 7 1\r\nx\r\n"
        let hit = shown + "END\r\n"
        let other = "VALUE f:/d/b 0 1\r\ny\r\nEND\r\n"
        exchange(
            worker, clients,
            ["set f:/d/a 7 0 1\r\nx\r\nget f:/d/a\r\n", "set f:/d/b 0 0 1\r\ny\r\nget f:/d/b\r\n"],
            ["STORED\r\n" + hit, "STORED\r\n" + other])
        exchange(
            worker, clients,
            [
                "get f:/d/a\r\n", "get f:/d/b\r\n", "get f:/d/none\r\n", "get f:/d/a f:/d/b\r\n",
                "gets f:/d/b\r\n", "get f:/d/b\r\nget f:/d/a\r\n",
            ],
            [
                hit, other, "END\r\n", shown + other, "VALUE f:/d/b 0 1 2\r\ny\r\nEND\r\n", other + hit,
            ])
        exchange(
            worker, clients,
            [
                "get f:/d/a\r\n", "set f:/d/a 0 0 1\r\nz\r\n", "get f:/d/a\r\n", "delete f:/d/a\r\n",
                "get f:/d/a\r\n", "get f:/d/b\r\n",
            ],
            [hit, "STORED\r\n", "VALUE f:/d/a 0 1\r\nz\r\nEND\r\n", "DELETED\r\n", "END\r\n", other])
        let counters = server.shared.counters[1].commands.value
        #expect(counters.getHits == 12 && counters.getMisses == 2)
        end(worker, clients)
    }

    @Test("large values that have come with their lines are stored in the round that reads the lines")
    func valuesAtOnce() throws {
        let (server, worker, clients) = try worker(connections: 10)
        defer { withExtendedLifetime(server) {} }
        let events = EventList()
        defer { events.deallocate() }
        // The mail.
        _ = worker.value.round(events, milliseconds: 0)
        // Behind the first value, lines are read alone.
        for length in [100_000, 60_000] {
            for (number, client) in clients.enumerated() {
                let value = String(repeating: "v", count: length - number)
                let text =
                    "set small\(number) 0 0 1\r\ns\r\nset k\(number) 0 0 \(length - number)\r\n\(value)\r\nmn\r\n"
                #expect(unsafe send(client, text, text.utf8.count, 0) == text.utf8.count)
            }
            _ = worker.value.round(events, milliseconds: 0)
            for client in clients { #expect(receive(client) == "STORED\r\nSTORED\r\nMN\r\n") }
        }
        end(worker, clients)
    }

    @Test("a value of which no more has come holds no memory that was meant for the rest")
    func halfSent() throws {
        let (server, worker, clients) = try worker(connections: 1)
        let events = EventList()
        defer { events.deallocate() }
        func takenBytes() -> Int {
            let statistics = server.store.statistics()
            return statistics.memoryUsedBytes - statistics.memoryFreeBlockBytes
        }
        _ = worker.value.round(events, milliseconds: 0)
        let before = takenBytes()
        // It fills the first read, so that a second one is tried.
        let line = "set k 0 0 1000000\r\n"
        let text = line + String(repeating: "v", count: NetLimits.readBufferBytes - line.utf8.count)
        #expect(unsafe send(clients[0], text, text.utf8.count, 0) == text.utf8.count)
        _ = worker.value.round(events, milliseconds: 0)
        #expect((NetLimits.readBufferBytes / 2..<NetLimits.readBufferBytes * 2).contains(takenBytes() - before))
        end(worker, clients)
        #expect(takenBytes() == before)
    }

    @Test("an answer that the socket does not take waits, and goes on when it does")
    func blockedAnswer() throws {
        let (server, worker, clients) = try worker(connections: 2)
        defer { withExtendedLifetime(server) {} }
        let events = EventList()
        defer { events.deallocate() }
        func round() {
            _ = worker.value.round(events, milliseconds: 0)
        }
        let set = "set k 0 0 3000\r\n" + String(repeating: "x", count: 3000) + "\r\n"
        #expect(unsafe send(clients[0], set, set.utf8.count, 0) == set.utf8.count)
        round()
        round()
        #expect(receive(clients[0]) == "STORED\r\n")
        // One small answer after another, until one is not taken; each is put off to the end of its group.
        var asked = 0
        while server.shared.counters[1].net.value.outputStalls == 0, asked < 10_000 {
            #expect(unsafe send(clients[0], "get k\r\n", 7, 0) == 7)
            asked += 1
            round()
        }
        #expect(unsafe send(clients[1], "mn\r\n", 4, 0) == 4)
        round()
        #expect(receive(clients[1]) == "MN\r\n")
        let one = "VALUE k 0 3000\r\n\r\nEND\r\n".utf8.count + 3000
        var received = 0
        for _ in 0..<100_000 where received < asked * one {
            let text = receive(clients[0])
            received += text.utf8.count
            if text.isEmpty { round() }
        }
        #expect(received == asked * one)
        end(worker, clients)
    }
}
