// Why a file's key is a miss: what the statistics, the watchers and the log say.
import MemStore
import Testing

@testable import MemNet
@testable import MemProtoServer

@Suite struct FileMissTests {
    /// A server whose tree has one file of each kind that is not served.
    private func server(_ log: RecordedLog = RecordedLog(), isTraced: Bool = false) throws -> TestServer {
        let server = try TestServer(logger: log.logger(isTraced ? .trace : .debug)) {
            $0.prefixes = [KeyPrefix(prefix: Array("f:".utf8), directory: Array("/".utf8))]
        }
        let session = server.store.makeSession()
        defer { session.end() }
        let root = Caller(uid: 0, gid: 0)
        func name(_ text: String, _ body: (Bytes) throws(StoreError) -> Attributes) throws -> Ino {
            try Array(text.utf8).withBytes { (name) throws(StoreError) in try body(name).ino }
        }
        func file(_ text: String, mode: UInt32, in parent: Ino = .root) throws -> Ino {
            try name(text) { (name) throws(StoreError) in
                try session.makeNode(name, in: parent, mode: mode, device: 0, caller: root)
            }
        }
        _ = try file("new", mode: 0o100644)
        try session.publish(file("secret", mode: 0o100600))
        _ = try file("fifo", mode: 0o010644)
        let closed = try name("closed") { (name) throws(StoreError) in
            try session.makeDirectory(name, in: .root, mode: 0o700, caller: root)
        }
        try session.publish(file("page", mode: 0o100644, in: closed))
        _ = try name("out") { (name) throws(StoreError) in
            try Array("/etc/passwd".utf8).withBytes { (target) throws(StoreError) in
                try session.makeSymlink(name, in: .root, target: target, caller: root)
            }
        }
        return server
    }

    private static let reasons: [(key: String, word: String)] = [
        ("f:/none", "not_found"), ("f:/secret/x", "not_found"), ("f:/secret", "denied"), ("f:/closed/page", "denied"),
        ("f:/new", "unpublished"), ("f:/closed", "not_regular"), ("f:/fifo", "not_regular"), ("f:/", "not_regular"),
        ("f:/out", "nowhere"), ("f:/a/../b", "nowhere"),
    ]

    @Test("each reason is counted, whatever command asks")
    func counters() throws {
        let connection = TestConnection(try server())
        func counts() -> [String: Int] {
            let names = ["absent", "denied", "unpublished", "not_regular", "nowhere", "expired"].map { "file_" + $0 }
            var counts: [String: Int] = [:]
            for line in connection.send("stats memfis\r\n").split(separator: "\r\n") {
                let words = line.split(separator: " ")
                if words.count == 3, names.contains(String(words[1])) { counts[String(words[1])] = Int(words[2]) }
            }
            return counts
        }
        let all = Self.reasons.map(\.key).joined(separator: " ")
        #expect(connection.send("get \(all)\r\n") == "END\r\n")
        let once = [
            "file_absent": 2, "file_denied": 2, "file_unpublished": 1, "file_not_regular": 3, "file_nowhere": 2,
            "file_expired": 0,
        ]
        #expect(counts() == once)
        for reason in Self.reasons { #expect(connection.send("mg \(reason.key) v\r\n") == "EN\r\n") }
        #expect(counts() == once.mapValues { $0 * 2 })
        #expect(connection.send("gets \(all)\r\n") == "END\r\n")
        #expect(counts() == once.mapValues { $0 * 3 })
        // Items and hits are none of these.
        #expect(connection.send("set f:/page 0 1 1\r\nx\r\nget none f:/page\r\n").hasSuffix("x\r\nEND\r\n"))
        #expect(counts() == once.mapValues { $0 * 3 })
        connection.server.store.clock.advance(bySeconds: 2)
        #expect(connection.send("get f:/page\r\n") == "END\r\n")
        #expect(counts()["file_expired"] == 1)
    }

    @Test("watch fetchers has the reason in place of not_found")
    func watched() throws {
        let server = try server()
        let watcher = TestConnection(server)
        #expect(watcher.send("watch fetchers\r\n") == "OK\r\n")
        let client = TestConnection(server)
        for reason in Self.reasons {
            _ = client.send("get \(reason.key)\r\n")
            #expect(watcher.send("").contains(" status=\(reason.word) "), "\(reason.key)")
        }
    }

    @Test("at the level of -vvv requests and reasons are logged without values, below it no key is")
    func traced() throws {
        let quiet = RecordedLog()
        _ = TestConnection(try server(quiet)).send("get f:/secret\r\nset a 0 0 5\r\nvalue\r\n")
        #expect(quiet.lines.isEmpty)
        let log = RecordedLog()
        let connection = TestConnection(try server(log, isTraced: true))
        _ = connection.send("get f:/secret\r\nset a 0 0 5\r\nvalue\r\ngets f:/\u{1b}[31m%\r\n")
        #expect(
            log.lines == [
                "trace connection 1: get f:/secret", "trace connection 1: set a 0 0 5",
                "trace miss of f:/secret: the serving user may not read it",
                "trace connection 1: gets f:/%1B[31m%25", "trace miss of f:/%1B[31m%25: there is no such file",
            ])
        let before = log.lines.count
        _ = connection.send("get " + String(repeating: "x", count: 600) + "\r\n")
        #expect(log.lines[before].hasSuffix("x...") && log.lines[before].utf8.count < 600)
    }
}
