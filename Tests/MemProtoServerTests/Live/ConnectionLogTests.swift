// What the log tells of connections: their beginning and end with -vv, clients of other protocols at any level, but rarely.
import Glibc
import Logging
import MemStore
import TestSupport
import Testing

@testable import MemNet
@testable import MemProtoServer

@Suite(.serialized) struct ConnectionLogTests {
    private func live(_ log: RecordedLog, _ level: Logger.Level) throws -> LiveServer {
        try LiveServer(logger: log.logger(level)) { configuration, _ in
            configuration.workerCount = 1
            configuration.idleTimeoutSeconds = 60
        }
    }

    /// Waits for a line that has all `parts`.
    private func hasLine(_ log: RecordedLog, _ parts: String...) -> Bool {
        for _ in 0..<1000 {
            if log.lines.contains(where: { line in parts.allSatisfy { line.contains($0) } }) { return true }
            usleep(10_000)
        }
        return false
    }

    @Test("connections are told of with their address, and with the reason for which they are closed")
    func connections() throws {
        let log = RecordedLog()
        let live = try live(log, .debug)
        do { try SocketClient(live.tcp).expect("MN\r\n", to: "mn\r\n") }
        #expect(hasLine(log, "debug connection ", " opened by 127.0.0.1:"))
        #expect(hasLine(log, "debug connection ", " of 127.0.0.1:", " closed: the client ended it"))
        do { try SocketClient(live.unix).expect("MN\r\n", to: "mn\r\n") }
        #expect(hasLine(log, " opened by the unix socket"))
        let long = try SocketClient(live.tcp)
        long.expect("CLIENT_ERROR line too long\r\n", to: String(repeating: "x", count: 3000))
        shutdown(long.descriptor, Int32(SHUT_RDWR))
        #expect(hasLine(log, "closed: a line is too long"))
        let idle = try SocketClient(live.tcp)
        idle.expect("MN\r\n", to: "mn\r\n")
        live.store.clock.advance(bySeconds: 100)
        try SocketClient(live.unix).expect("MN\r\n", to: "mn\r\n")
        #expect(hasLine(log, "closed: idle for too long"))
        let last = try SocketClient(live.tcp)
        last.expect("MN\r\n", to: "mn\r\n")
        live.stop()
        #expect(hasLine(log, "closed: the server stops"))
        #expect(!log.lines.contains { $0.contains("mn") || $0.contains("xxx") })
    }

    @Test("a client of the binary protocol is answered in it, and told of once a minute with its address")
    func binary() throws {
        let log = RecordedLog()
        let live = try live(log, .notice)
        defer { live.stop() }
        live.store.clock.pause()
        // Cut anywhere, the header gets the same answer: "not supported", to this opcode and opaque.
        let header: [UInt8] = [0x80, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 8, 7, 6, 0, 0, 0, 0, 0, 0, 0, 0]
        let text = Array("the binary protocol is not offered; use the text protocol".utf8)
        let answer: [UInt8] =
            [0x81, 0x0a, 0, 0, 0, 0, 0, 0x83, 0, 0, 0, UInt8(text.count), 9, 8, 7, 6, 0, 0, 0, 0, 0, 0, 0, 0] + text
        for length in [1, 5, 23, 24] {
            let client = try SocketClient(live.tcp)
            for start in stride(from: 0, to: header.count, by: length) {
                client.send(Array(header[start..<min(start + length, header.count)]))
            }
            let received = client.receive(answer.count)
            #expect(received == answer)
            #expect(client.isClosed)
        }
        let lines = log.lines.filter { $0.contains("binary") }
        #expect(lines.count == 1)
        #expect(lines[0].hasPrefix("warning a client at 127.0.0.1:"))
        #expect(lines[0].hasSuffix("set it to the text (ASCII) protocol"))
        live.store.clock.advance(bySeconds: 60)
        try SocketClient(live.unix).send(header)
        #expect(hasLine(log, "a client at the unix socket", "(3 more since the last line)"))
        let client = try SocketClient(live.tcp)
        client.send("stats memfis\r\n")
        #expect(client.receiveToEnd().contains("STAT binary_closed 5\r\n"))
    }

    @Test("a probe by HTTP is closed and told of")
    func http() throws {
        let log = RecordedLog()
        let live = try live(log, .notice)
        defer { live.stop() }
        for _ in 0..<3 {
            let client = try SocketClient(live.tcp)
            client.send("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n")
            #expect(client.isClosed)
        }
        #expect(log.lines.count == 1)
        #expect(hasLine(log, "warning a client at 127.0.0.1:", "speaks HTTP"))
    }
}
