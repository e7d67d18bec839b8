// How many workers serve, and connections that change their worker.
import CShims
import Glibc
import MemStore
import TestSupport
import Testing

@testable import MemNet
@testable import MemProtoServer

@Suite struct WorkerCountTunerTests {
    /// A tenth of a second in which the busiest worker had so much of it to do, and all waited for a CPU so much of the time that they ran.
    private func window(busy: Double, waiting: Double = 0, turns: UInt64 = 10_000) -> LoadSample {
        let running = 100_000_000.0
        return LoadSample(
            length: 100_000_000, running: UInt64(running), waiting: UInt64(running * waiting),
            busiest: UInt64(busy * 100_000_000), turns: turns)
    }

    @Test("one worker serves alone as long as it has time left")
    func alone() {
        var size = WorkerCountTuner(most: 8)
        for busy in [0, 0.5, 0.89] {
            for _ in 0..<50 { size.judge(window(busy: busy)) }
            #expect(size.count == 1)
        }
    }

    @Test("workers that have no time left are joined by as many, up to all, while there are CPUs for them")
    func growth() {
        var size = WorkerCountTuner(most: 6)
        var counts: [Int] = []
        for _ in 0..<8 {
            size.judge(window(busy: 1))
            counts.append(size.count)
        }
        // The first window may be the load's beginning; each step is looked at for one.
        #expect(counts == [1, 2, 2, 4, 4, 6, 6, 6])
        // There are CPUs for all: they stay, however little there is to do.
        for _ in 0..<50 { size.judge(window(busy: 0.01)) }
        #expect(size.count == 6)
    }

    @Test("another worker that waits for a CPU and brings nothing rests again, and is tried ever less often")
    func failure() {
        var size = WorkerCountTuner(most: 2)
        var trials: [Int] = []
        for number in 0..<1000 {
            let isTrial = size.count == 2
            if isTrial { trials.append(number) }
            size.judge(window(busy: 1, waiting: isTrial ? 0.5 : 0.05))
        }
        let pauses = zip(trials.dropFirst(), trials).map { $0 - $1 }
        #expect(trials.first == 2)
        // The pause, and the trial's two windows.
        #expect(pauses.prefix(6) == [12, 22, 42, 82, 162, 162])
        #expect(size.count == 1 || trials.last! > 900)
    }

    @Test("another worker stays though it waits for a CPU if more is served")
    func gain() {
        var size = WorkerCountTuner(most: 2)
        for _ in 0..<2 { size.judge(window(busy: 1, waiting: 0.5, turns: 10_000)) }
        #expect(size.count == 2)
        size.judge(window(busy: 1, waiting: 0.5, turns: 11_000))
        for _ in 0..<WorkerCountTuner.restMin {
            #expect(size.count == 2)
            size.judge(window(busy: 1, waiting: 0.5, turns: 11_000))
        }
        // Fewer are tried then, and fail.
        size.judge(window(busy: 1, waiting: 0.5, turns: 11_000))
        #expect(size.count == 1)
        size.judge(window(busy: 1, waiting: 0.5, turns: 10_000))
        #expect(size.count == 2)
    }

    @Test("workers that wait for CPUs become fewer one by one, as long as nothing is lost by it")
    func crowd() {
        var size = WorkerCountTuner(most: 4)
        for _ in 0..<5 { size.judge(window(busy: 1)) }
        #expect(size.count == 4)
        var counts: [Int] = []
        for _ in 0..<6 {
            size.judge(window(busy: 0.6, waiting: 0.5, turns: size.count == 4 ? 10_000 : 9_700))
            counts.append(size.count)
            if size.count == 3, counts.count == 2 { break }
        }
        #expect(counts == [3, 3])
        // Not crowded any more: so it stays.
        for _ in 0..<50 { size.judge(window(busy: 0.6, waiting: 0.1)) }
        #expect(size.count == 3)
    }

    @Test("a load that goes away decides nothing")
    func interruption() {
        var size = WorkerCountTuner(most: 4)
        for _ in 0..<2 { size.judge(window(busy: 1)) }
        #expect(size.count == 2)
        size.interrupt()
        size.judge(window(busy: 0.1, waiting: 0.3, turns: 1))
        // This window began a trial instead of ending the one before.
        #expect(size.count == 1)
    }

    @Test("the kernel tells how long a thread ran")
    func runTimes() throws {
        let own = cs_thread_number()
        let before = try #require(RunTimes(ofThread: own))
        #expect(before.running > 0)
        // It runs until it has run for longer.
        while try #require(RunTimes(ofThread: own)).running <= before.running {}
        #expect(RunTimes(ofThread: 0) == nil && RunTimes.areCounted)
    }
}

@Suite struct HandoverTests {
    @Test("who rests gives all, who is joined gives the new ones their share, others give nothing")
    func shares() {
        var rests = Handover(worker: 3, serving: 2, before: 4, connections: 7)
        #expect(rests.count == Int.max)
        #expect((0..<4).map { _ in rests.receiver() } == [1, 0, 1, 0])
        #expect(rests.count == Int.max)
        var joined = Handover(worker: 0, serving: 4, before: 2, connections: 9)
        #expect(joined.count == 4)
        #expect((0..<4).map { _ in joined.receiver() } == [2, 3, 2, 3])
        #expect(joined.count == 0)
        #expect(Handover(worker: 1, serving: 2, before: 4, connections: 9).count == 0)
        #expect(Handover(worker: 2, serving: 4, before: 2, connections: 9).count == 0)
    }

    /// Connections of each worker.
    private func connections(_ live: LiveServer) -> [Int] {
        live.server.pool.handles.map { handle in handle.lock.withLock { handle.connections.count } }
    }

    /// Connections that cannot be handed over.
    private func unfinished(_ live: LiveServer) -> Int {
        live.server.pool.handles.reduce(0) { sum, handle in
            sum
                + handle.lock.withLock {
                    handle.connections.count { !$0.net.isBetweenRequests || Client($0).value.input != .command }
                }
        }
    }

    private func serve(_ live: LiveServer, _ count: Int) { live.server.pool.serve(workers: count) }

    /// Waits until the workers have so many connections.
    private func expect(_ counts: [Int], _ live: LiveServer) {
        var now = connections(live)
        for _ in 0..<5000 where now != counts {
            usleep(1000)
            now = connections(live)
        }
        #expect(now == counts)
    }

    @Test("connections are handed over between commands, and each goes on where it was")
    func moves() throws {
        let live = try LiveServer { $0.workerCount = 3 }
        defer { live.stop() }
        let clients = try (0..<12).map { try SocketClient($0 % 2 == 0 ? live.tcp : live.unix) }
        for (number, client) in clients.enumerated() {
            client.expect("STORED\r\n", to: "set k\(number) 0 0 2\r\n\(10 + number)\r\n")
        }
        expect([4, 4, 4], live)
        for serving in [1, 2, 3, 1, 3] {
            serve(live, serving)
            expect(serving == 1 ? [12, 0, 0] : serving == 2 ? [6, 6, 0] : [4, 4, 4], live)
            for (number, client) in clients.enumerated() {
                client.expect("VALUE k\(number) 0 2\r\n\(10 + number)\r\nEND\r\n", to: "get k\(number)\r\n")
            }
        }
        // A new one comes to a worker that serves.
        serve(live, 1)
        let another = try SocketClient(live.tcp)
        another.expect("MN\r\n", to: "mn\r\n")
        expect([13, 0, 0], live)
        another.expect("", to: "quit\r\n")
        #expect(another.isClosed)
        expect([12, 0, 0], live)
        #expect(live.server.pool.counts[.connections] == 12)
    }

    @Test("a connection in the middle of a command stays until the command is done")
    func unfinished() throws {
        let live = try LiveServer { $0.workerCount = 2 }
        defer { live.stop() }
        let value = String(repeating: "v", count: 100_000)
        let parts = [
            ("se", "t a 0 0 1\r\nx\r\n", "STORED\r\n"), ("set b 0 0 5\r\nab", "cde\r\n", "STORED\r\n"),
            ("set c 0 0 100000\r\n" + value.prefix(60_000), value.suffix(40_000) + "\r\n", "STORED\r\n"),
            ("set d 0 0 1", "\r\nx\r\n", "STORED\r\n"),
        ]
        let clients = try parts.map { _ in try SocketClient(live.tcp) }
        for client in clients { client.expect("MN\r\n", to: "mn\r\n") }
        expect([2, 2], live)
        for (client, part) in zip(clients, parts) { client.send(part.0) }
        let watchers = try (0..<2).map { _ in try SocketClient(live.tcp) }
        for watcher in watchers { watcher.expect("OK\r\n", to: "watch connevents\r\n") }
        expect([3, 3], live)
        for _ in 0..<5000 where unfinished(live) < 6 { usleep(1000) }
        #expect(unfinished(live) == 6)
        serve(live, 1)
        for (client, part) in zip(clients, parts) { client.expect(part.2, to: String(part.1)) }
        // The watcher stays where it is.
        expect([5, 1], live)
        clients[2].expect("VALUE c 0 100000\r\n\(value)\r\nEND\r\n", to: "get c\r\n")
        for client in clients { client.expect("VALUE a 0 1\r\nx\r\nEND\r\n", to: "get a\r\n") }
    }

    @Test("who has authenticated stays known, and who has not stays unknown")
    func authenticated() throws {
        let live = try LiveServer {
            $0.workerCount = 2
            $0.users = ["user:password"]
        }
        defer { live.stop() }
        let known = try (0..<4).map { _ in try SocketClient(live.tcp) }
        let unknown = try SocketClient(live.tcp)
        for client in known { client.expect("STORED\r\n", to: "set auth 0 0 13\r\nuser password\r\n") }
        for serving in [1, 2, 1] {
            serve(live, serving)
            expect(serving == 1 ? [5, 0] : [3, 2], live)
            for client in known { client.expect("MN\r\n", to: "mn\r\n") }
        }
        unknown.expect("CLIENT_ERROR unauthenticated\r\n", to: "get key\r\n")
    }

    @Test("connections that change their workers all the time lose and repeat no answer")
    func underLoad() throws {
        let live = try LiveServer { $0.workerCount = 4 }
        defer { live.stop() }
        let finished = SharedCounts<WorkerPool.CountName>()
        let changed = SharedCounts<WorkerPool.CountName>()
        let threads = try (0..<4).map { thread in
            let addresses = (0..<6).map { $0 % 2 == 0 ? live.tcp : live.unix }
            return try Thread.start(name: "client") {
                let clients = addresses.compactMap { try? SocketClient($0) }
                #expect(clients.count == 6)
                var turn = 0
                // Whoever is quick goes on until the workers have changed often enough.
                while turn < 400 || changed[.connections] < 8 {
                    defer { turn += 1 }
                    for (number, client) in clients.enumerated() {
                        client.send(
                            "ms t\(thread).\(number) 8 O\(turn)\r\n\(10_000_000 + turn)\r\nincr t\(thread).\(number) 1\r\n"
                        )
                    }
                    for client in clients {
                        let expected = "HD O\(turn)\r\n\(10_000_001 + turn)\r\n"
                        let received = client.receive(expected.utf8.count)
                        #expect(received == Array(expected.utf8))
                    }
                }
                finished.add(1, to: .connections)
            }
        }
        while finished[.connections] < 4 {
            changed.add(1, to: .connections)
            serve(live, Int(changed[.connections]) % 4 + 1)
            usleep(300)
        }
        for thread in threads { thread.join() }
        print("connections changed their workers \(changed[.connections]) times")
        finished.destroy()
        changed.destroy()
    }

    @Test("one worker serves from the start, all of them if they are to")
    func start() throws {
        for usesAll in [false, true] {
            let live = try LiveServer {
                $0.workerCount = 4
                $0.usesAllWorkers = usesAll
            }
            defer { live.stop() }
            let clients = try (0..<8).map { _ in try SocketClient(live.tcp) }
            for client in clients { client.expect("MN\r\n", to: "mn\r\n") }
            expect(usesAll ? [2, 2, 2, 2] : [8, 0, 0, 0], live)
            clients[0].send("stats memfis\r\n")
            let lines = clients[0].receiveToEnd()
            #expect(lines.contains("STAT workers_serving \(usesAll ? 4 : 1)\r\n"))
        }
    }

    @Test("a stop closes connections that are on their way to another worker")
    func stop() throws {
        for _ in 0..<20 {
            let live = try LiveServer { $0.workerCount = 4 }
            let clients = try (0..<16).map { _ in try SocketClient(live.tcp) }
            for client in clients { client.expect("MN\r\n", to: "mn\r\n") }
            for serving in [1, 3, 2, 4] { serve(live, serving) }
            live.stop()
            for client in clients { #expect(client.isClosed) }
            #expect(live.server.pool.counts[.connections] == 0)
        }
    }
}
