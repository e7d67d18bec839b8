// Authentication by a file of users: what an unknown client may do, what it is told, and that a reload counts.
import MemStore
import Testing

@testable import MemNet
@testable import MemProtoServer

@Suite struct AuthTests {
    private func server() throws -> TestServer {
        var configuration = ServerConfiguration()
        configuration.users = ["foo:bar", "baz:wizard"]
        return try TestServer(configuration)
    }

    @Test("before a user is known nothing works")
    func unknown() throws {
        let connection = TestConnection(try server())
        #expect(connection.send("get foo\r\n") == "CLIENT_ERROR unauthenticated\r\n")
        #expect(connection.send("mg foo v\r\n") == "CLIENT_ERROR unauthenticated\r\n")
        #expect(connection.send("stats\r\n") == "CLIENT_ERROR unauthenticated\r\n")
    }

    @Test(
        "a line that is too short to be anything closes the connection of an unknown client",
        arguments: ["mn\r\n", "a\n"])
    func short(line: String) throws {
        let connection = TestConnection(try server())
        #expect(connection.send(line) == "")
        #expect(connection.isClosed)
    }

    @Test("user and password open the connection", arguments: ["foo bar", "baz wizard"])
    func known(token: String) throws {
        let server = try server()
        let connection = TestConnection(server)
        #expect(connection.send("set x 0 0 \(token.count)\r\n\(token)\r\n") == "STORED\r\n")
        #expect(connection.send("set a 0 0 1\r\nv\r\nget a x\r\n") == "STORED\r\nVALUE a 0 1\r\nv\r\nEND\r\n")
        #expect(server.counters.authCommands == 1)
        #expect(server.counters.authErrors == 0)
    }

    @Test("the token may come in pieces")
    func pieces() throws {
        let connection = TestConnection(try server())
        #expect(connection.send("set x 0 0 7\r\nfoo bar\r\nmn\r\n", inPiecesOf: 1) == "STORED\r\nMN\r\n")
    }

    @Test("a wrong password, a token without a space or without its end are refused")
    func refused() throws {
        let server = try server()
        let connection = TestConnection(server)
        #expect(connection.send("set x 0 0 7\r\nfoo baz\r\n") == "CLIENT_ERROR authentication failure\r\n")
        #expect(connection.send("set x 0 0 6\r\nfoobar\r\n") == "CLIENT_ERROR bad authentication token format\r\n")
        #expect(connection.send("set x 0 0 7\r\nfoo barxx") == "CLIENT_ERROR bad command line termination\r\n")
        #expect(connection.send("set x 0 0 16385\r\n") == "CLIENT_ERROR auth token too long\r\n")
        #expect(server.counters.authErrors == 3)
        #expect(connection.send("get a\r\n") == "CLIENT_ERROR unauthenticated\r\n")
    }

    @Test("users of a reloaded file count for the next connection")
    func reload() throws {
        let server = try server()
        server.shared.users = ["new:secret"]
        let connection = TestConnection(server)
        #expect(connection.send("set x 0 0 7\r\nfoo bar\r\n") == "CLIENT_ERROR authentication failure\r\n")
        #expect(connection.send("set x 0 0 10\r\nnew secret\r\n") == "STORED\r\n")
    }
}
