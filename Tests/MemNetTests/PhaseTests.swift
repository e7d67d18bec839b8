// The phases of a connection, on a worker without a thread: each event leads where the picture in Phase.swift says.
import Glibc
import Logging
import MemStore
import TestSupport
import Testing

@testable import MemNet

@Suite struct PhaseTests {
    /// A worker, and the clients' ends of its connections.
    private final class Loop {
        let served = LineProtocol()
        let pool = WorkerPool(PoolConfiguration(), logger: Logger(label: "test"))
        let handle: WorkerHandle
        let worker: Cell<Worker>
        let events = EventList()
        let clients: [SocketClient]

        init(connections: Int) throws {
            pool.add(served)
            handle = try WorkerHandle(number: 0)
            pool.handles = [handle]
            worker = try Worker.make(handle, pool)
            var clients: [SocketClient] = []
            for _ in 0..<connections {
                var ends: [Int32] = [0, 0]
                #expect(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &ends) == 0)
                handle.post(.connection(ends[0], protocol: served.number))
                clients.append(SocketClient(descriptor: ends[1]))
            }
            self.clients = clients
            round()
        }

        deinit {
            worker.value.closeAll()
            worker.destroy()
            events.deallocate()
        }

        func round() { _ = worker.value.round(events, milliseconds: 0) }
        func phase(_ index: Int) -> Phase { handle.connections[index].net.phase }
        var source: CountedContents { served.doors[0].source }
    }

    @Test("a line and its response leave a connection idle")
    func idle() throws {
        let loop = try Loop(connections: 1)
        #expect(loop.phase(0) == .idle)
        loop.clients[0].send("a\nb\nc")
        loop.round()
        #expect(loop.clients[0].receiveNow() == "a\nb\n")
        #expect(loop.phase(0) == .idle && loop.handle.connections[0].net.kept.count == 1)
        #expect(!loop.handle.connections[0].net.isBetweenRequests)
        loop.clients[0].send("\n")
        loop.round()
        #expect(loop.clients[0].receiveNow() == "c\n")
        #expect(loop.handle.connections[0].net.isBetweenRequests)
    }

    @Test("a connection that yields is queued until its next turn")
    func queued() throws {
        let loop = try Loop(connections: 2)
        loop.clients[0].send("yield\n")
        // It is queued while the batch is executed, and has its turn in the same round.
        loop.round()
        #expect(loop.clients[0].receiveNow() == "yielded\n")
        #expect(loop.phase(0) == .idle && loop.worker.value.queued.isEmpty)
        #expect(loop.served.netCounters.value.yields == 1)
    }

    @Test("a connection whose client does not read is blocked, reads nothing, and goes on where it was")
    func blocked() throws {
        let loop = try Loop(connections: 1)
        let count = CountedContents.byteCount - 5
        loop.clients[0].send("large 5 \(count)\nnext\n")
        loop.round()
        #expect(loop.phase(0).blockedSince != nil && loop.phase(0).isResponding)
        #expect(loop.source.retained == 1 && loop.source.pinned == 0)
        loop.clients[0].send("last\n")
        loop.round()
        #expect(loop.phase(0).blockedSince != nil)
        var received: [UInt8] = []
        while received.count < count {
            received += loop.clients[0].receive(min(20_000, count - received.count))
            loop.round()
        }
        let expected = (5..<5 + count).map { CountedContents.byte($0) }
        #expect(received == expected)
        loop.round()
        #expect(loop.clients[0].receiveNow() == "next\nlast\n")
        #expect(loop.phase(0) == .idle && loop.source.retained == 0)
    }

    @Test("the last output of a connection is sent before it is closed")
    func closing() throws {
        let loop = try Loop(connections: 1)
        loop.clients[0].send("large 0 1000000\nquit\nnot looked at\n")
        loop.round()
        guard case .closing = loop.phase(0) else {
            Issue.record("the large response fits the socket")
            return
        }
        var count = 0
        while count < 1_000_000 {
            count += loop.clients[0].receive(min(50_000, 1_000_000 - count)).count
            loop.round()
        }
        loop.round()
        #expect(loop.handle.connections.isEmpty && loop.clients[0].isClosed)
        #expect(loop.source.retained == 0)
    }

    @Test("contents of a client that goes are given back")
    func gone() throws {
        let loop = try Loop(connections: 1)
        loop.clients[0].send("large 0 2000000\nlarge 9 2000000\n")
        loop.round()
        #expect(loop.source.retained == 2)
        loop.worker.value.closeAll()
        #expect(loop.source.retained == 0 && loop.source.pinned == 0)
    }

    @Test("a parked connection says nothing until all it waits for has come")
    func parked() throws {
        let loop = try Loop(connections: 2)
        loop.clients[0].send("ticket\n")
        loop.round()
        let ticket = try #require(UInt64(loop.clients[0].receiveNow().dropLast()))
        #expect(WorkerHandle.number(ofTicket: ticket) == 0)
        loop.clients[0].send("park 2 1000000\nnext\n")
        loop.round()
        guard case .parked = loop.phase(0) else {
            Issue.record("it is not parked")
            return
        }
        loop.clients[1].send("other\n")
        loop.handle.complete(ticket: ticket + 1)
        loop.handle.complete(ticket: ticket)
        loop.round()
        #expect(loop.clients[0].receiveNow() == "" && loop.clients[1].receiveNow() == "other\n")
        loop.handle.complete(ticket: ticket)
        loop.round()
        #expect(loop.clients[0].receiveNow() == "parked\nnext\n")
        #expect(loop.phase(0) == .idle && loop.worker.value.parked.isEmpty)
        // Nobody comes: its time is over at once.
        loop.clients[0].send("park 1 0\nnext\n")
        loop.round()
        #expect(loop.clients[0].receiveNow() == "parked\nnext\n")
        #expect(loop.served.netCounters.value.parkings == 2 && loop.served.netCounters.value.parkingTimeouts == 1)
    }

    @Test("a refused client is told so, and what it still sends is thrown away until it ends")
    func draining() throws {
        let loop = try Loop(connections: 1)
        loop.clients[0].send("refuse\nmore\n")
        loop.round()
        guard case .draining = loop.phase(0) else {
            Issue.record("it is not listened to")
            return
        }
        #expect(loop.clients[0].receiveNow() == "refused\n")
        loop.clients[0].send(String(repeating: "x", count: 100_000))
        for _ in 0..<5 { loop.round() }
        #expect(loop.clients[0].receiveNow() == "")
        shutdown(loop.clients[0].descriptor, Int32(SHUT_WR))
        for _ in 0..<5 { loop.round() }
        #expect(loop.handle.connections.isEmpty)
    }

    @Test("bytes that are received in place arrive whole, in whatever pieces they come")
    func inPlace() throws {
        let loop = try Loop(connections: 1)
        let value = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) | 1 }
        let sum = value.reduce(0) { $0 + Int($1) }
        for first in [0, 1, 500, 99_999, 100_000] {
            loop.clients[0].send(Array("put 100000\n".utf8) + value.prefix(first))
            loop.round()
            loop.clients[0].send(value.dropFirst(first) + Array("after\n".utf8))
            for _ in 0..<8 { loop.round() }
            #expect(loop.clients[0].receiveNow() == "sum \(sum)\nafter\n")
        }
    }

    @Test("inputs of several connections are shown to their door before they are executed")
    func batches() throws {
        let loop = try Loop(connections: 20)
        for (number, client) in loop.clients.enumerated() { client.send("line \(number)\n") }
        loop.round()
        for (number, client) in loop.clients.enumerated() { #expect(client.receiveNow() == "line \(number)\n") }
        #expect(loop.served.doors[0].preparedCount >= 16)
    }
}
