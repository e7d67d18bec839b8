// Lines near and beyond their bounds: the same bytes get the same answer, however the network cuts them.
import Glibc
import MemStore
import TestSupport
import Testing

@testable import MemNet
@testable import MemProtoServer

@Suite struct CutLineTests {
    private static let lineMax = 2048
    private static let fileLineMax = 4096
    private static let getLineMax = 8192
    private static let refusal = "CLIENT_ERROR line too long\r\n"

    private func connection(getLineMax: Int = Self.getLineMax) throws -> TestConnection {
        var configuration = ServerConfiguration()
        configuration.lineLengthMax = Self.lineMax
        configuration.fileLineLengthMax = Self.fileLineMax
        configuration.getLineLengthMax = getLineMax
        let server = try TestServer(configuration) {
            $0.prefixes = [KeyPrefix(prefix: Array("f:".utf8), directory: Array("/".utf8))]
        }
        let connection = TestConnection(server)
        #expect(connection.send("set k 0 0 1\r\nx\r\n") == "STORED\r\n")
        return connection
    }

    /// The answer to `text` that is sent in pieces; what follows it shows whether the connection goes on.
    private func answer(to text: String, inPiecesOf length: Int) throws -> String {
        let connection = try connection()
        let answer = connection.send(text, inPiecesOf: length)
        return connection.isClosed ? answer + "closed" : answer
    }

    /// `head`, then `filler` as often as the line takes to have `length` bytes, its line feed aside.
    private static func line(_ head: String, filler: String, length: Int) -> String {
        let missing = length - 1 - head.utf8.count
        let text = head + String(repeating: filler, count: missing / filler.utf8.count + 1)
        return String(text.prefix(length - 1)) + "\r\n"
    }

    /// A line's head, what it is filled with, and its bound in bytes.
    private static let kinds: [(head: String, filler: String, bound: Int)] = [
        ("get k", " k", getLineMax), ("gets k", " missing", getLineMax), ("gat 0 k", " k", getLineMax),
        ("gats 0 k", " missing", getLineMax), ("get ", " ", getLineMax),
        ("get ", "longer_than_a_key_may_be", getLineMax), ("get f:/a", " f:/b", getLineMax),
        ("set k 0 0 1", " ", lineMax), ("add f:/a 0 0 1", " ", fileLineMax), ("cas", " ", lineMax),
        ("mg k", " ", lineMax), ("mg f:/", "a", fileLineMax), ("mg f:/a v", " O1", fileLineMax),
        ("ms k 1", " ", lineMax), ("ma k", " N0", lineMax), ("md k q", " ", lineMax), ("incr k 1", " ", lineMax),
        ("delete f:/", "b/", fileLineMax), ("touch k 1", " 1", lineMax), ("stats", " items", lineMax),
        ("verbosity 1", " ", lineMax), ("", "garbage", lineMax), ("", " ", lineMax), ("  get k", " k", getLineMax),
        ("GET /", "a", lineMax), ("\u{1}", "\u{1}", lineMax),
        // The key begins only where the bound of other lines ends.
        ("set" + String(repeating: " ", count: lineMax - 5) + "f:/a 0 0 1", " ", fileLineMax),
        ("set" + String(repeating: " ", count: lineMax - 2) + "f:/a 0 0 1", " ", lineMax),
    ]

    @Test("a line of any kind below, at and beyond its bound is answered the same in one piece and in many")
    func cuts() throws {
        for kind in Self.kinds {
            for length in [kind.bound - 1, kind.bound, kind.bound + 1, kind.bound * 2]
            where length > kind.head.utf8.count {
                let line = Self.line(kind.head, filler: kind.filler, length: length)
                let whole = try answer(to: line + "x\r\nmn\r\n", inPiecesOf: .max)
                let comment = "\(kind.head.prefix(20)) of \(length) bytes"
                if length > kind.bound {
                    #expect(whole == Self.refusal + "closed", "\(comment)")
                } else {
                    #expect(!whole.contains("line too long"), "\(comment)")
                    #expect(whole.hasSuffix("MN\r\n") || whole.hasSuffix("closed"), "\(comment)")
                }
                for pieceLength in [1, 7, 1000, Self.lineMax, Self.lineMax + 1, Self.fileLineMax] {
                    let cut = try answer(to: line + "x\r\nmn\r\n", inPiecesOf: pieceLength)
                    #expect(cut == whole, "\(comment) in pieces of \(pieceLength)")
                }
            }
        }
    }

    @Test("commands before a line that is too long are answered")
    func before() throws {
        let long = String(repeating: "x", count: Self.lineMax + 1)
        for pieceLength in [1, 100, Int.max] {
            let answer = try answer(to: "get k\r\nset a 0 0 1\r\ny\r\n\(long)\r\nget a\r\n", inPiecesOf: pieceLength)
            #expect(answer == "VALUE k 0 1\r\nx\r\nEND\r\nSTORED\r\n" + Self.refusal + "closed")
        }
    }

    @Test("a get of very many keys gives others their turn, and a key that is too long at its end takes back all of it")
    func turns() throws {
        let connection = try connection(getLineMax: 16 << 20)
        let misses = String(repeating: " m", count: 3 * Limit.turnKeysMax)
        #expect(connection.send("get k\(misses) k\r\n") == "VALUE k 0 1\r\nx\r\nVALUE k 0 1\r\nx\r\nEND\r\n")
        #expect(connection.yields == 3)
        #expect(connection.send("get\(misses)\r\nmn\r\n") == "END\r\nMN\r\n")
        #expect(connection.send("gat 0\(misses) k\r\nmn\r\n") == "VALUE k 0 1\r\nx\r\nEND\r\nMN\r\n")
        let long = String(repeating: "l", count: 251)
        let refusal = "CLIENT_ERROR bad command line format\r\n"
        for keys in ["\(long)", "\(long) k", "k \(long) k", " \(long)", String(long.dropLast()) + " \(long)"] {
            #expect(connection.send("get k\(misses) \(keys)\r\nmn\r\n") == refusal + "MN\r\n", "\(keys)")
        }
        // As long as a key may be, and that of a file, which may be longer.
        for keys in [String(long.dropLast()), "f:/\(long)", "f:/\(long) \(long.dropLast()) "] {
            #expect(connection.send("get k\(misses) \(keys)\r\n") == "VALUE k 0 1\r\nx\r\nEND\r\n", "\(keys)")
        }
    }

    @Test("over a socket, a get of 200,000 keys is answered in one piece and in many, by a client that reads only then")
    func multiget() throws {
        let live = try LiveServer { $0.workerCount = 1 }
        defer { live.stop() }
        let count = 200_000
        let setter = try SocketClient(live.unix)
        setter.send((0..<count).map { "set k\($0) 0 0 1 noreply\r\ny\r\n" }.joined() + "mn\r\n")
        #expect(setter.receive(4) == Array("MN\r\n".utf8))
        let line = Array(("get" + (0..<count).map { " k\($0)" }.joined() + "\r\n").utf8)
        let expected = Array(((0..<count).map { "VALUE k\($0) 0 1\r\ny\r\n" }.joined() + "END\r\n").utf8)
        for address in [live.tcp, live.unix] {
            for pieceLength in [line.count, 65536, 1500] {
                let client = try SocketClient(address)
                for start in stride(from: 0, to: line.count, by: pieceLength) {
                    client.send(Array(line[start..<min(line.count, start + pieceLength)]))
                }
                let isRight = client.receive(expected.count) == expected
                #expect(isRight, "pieces of \(pieceLength)")
            }
        }
    }

    @Test("over a socket, a client whose line is too long reads why, then the end, however it sends the line")
    func refusal() throws {
        let live = try LiveServer {
            $0.workerCount = 1
            $0.getLineLengthMax = 100_000
        }
        defer { live.stop() }
        for head in ["get k", "set k 0 0 1", "garbage"] {
            let line = Array((head + String(repeating: " k", count: 2_000_000) + "\r\n").utf8)
            for address in [live.tcp, live.unix] {
                for pieceLength in [line.count, 65536] {
                    let client = try SocketClient(address)
                    for start in stride(from: 0, to: line.count, by: pieceLength) {
                        client.send(Array(line[start..<min(line.count, start + pieceLength)]))
                    }
                    let answer = client.receive(Self.refusal.utf8.count)
                    #expect(answer == Array(Self.refusal.utf8), "\(head) in pieces of \(pieceLength)")
                    var byte: UInt8 = 0
                    let length = unsafe recv(client.descriptor, &byte, 1, 0)
                    #expect(length == 0, "an end, no reset")
                }
            }
        }
        try SocketClient(live.tcp).expect("MN\r\n", to: "mn\r\n")
    }
}
