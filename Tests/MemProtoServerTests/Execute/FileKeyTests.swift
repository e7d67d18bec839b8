// Keys of files through the protocol: what is refused is said, and nothing else of the answer is lost.
import MemStore
import Testing

@testable import MemNet
@testable import MemProtoServer

@Suite struct FileKeyTests {
    private func connection(_ change: (inout StoreConfiguration) -> Void = { _ in }) throws -> TestConnection {
        TestConnection(
            try TestServer { store in
                store.prefixes = [KeyPrefix(prefix: Array("f:".utf8), directory: Array("/".utf8))]
                change(&store)
            })
    }

    @Test("with files read only, everything that would change one is refused")
    func readOnly() throws {
        let connection = try connection { $0.filesReadOnly = true }
        let refused = "SERVER_ERROR permission denied\r\n"
        #expect(connection.send("set f:/a 0 0 1\r\nx\r\n") == refused)
        #expect(connection.send("touch f:/a 10\r\n") == refused)
        #expect(connection.send("touch f:/a 10 noreply\r\n").isEmpty)
        #expect(connection.send("mg f:/a N10 v q\r\n") == refused)
        #expect(connection.send("mg f:/a T10\r\n") == refused)
        #expect(connection.send("incr f:/a 1\r\n") == refused)
        #expect(connection.send("delete f:/a\r\n") == refused)
        #expect(connection.send("ms f:/a 1\r\nx\r\n") == refused)
        #expect(connection.send("get f:/a\r\n") == "END\r\n")
        #expect(connection.send("mg f:/a v\r\n") == "EN\r\n")
    }

    @Test("a gat of which one key is refused answers the others, and the refusal in place of the end")
    func touchedPartly() throws {
        let connection = try connection { $0.filesReadOnly = true }
        #expect(connection.send("set a 0 0 1\r\nx\r\n") == "STORED\r\n")
        #expect(
            connection.send("gat 10 f:/a a\r\n") == "VALUE a 0 1\r\nx\r\nSERVER_ERROR permission denied\r\n")
        #expect(connection.send("gat 10 a\r\n") == "VALUE a 0 1\r\nx\r\nEND\r\n")
    }

    @Test("dumps list files behind the items, under their canonical keys")
    func dumped() throws {
        let connection = try connection()
        #expect(connection.send("set f:/d/a 0 0 1\r\nx\r\nset b 0 0 1\r\nx\r\n") == "STORED\r\nSTORED\r\n")
        #expect(connection.send("lru_crawler mgdump all\r\n") == "OK\r\nmg b\r\nmg f:/d/a\r\nEN\r\n")
        let lines = connection.send("lru_crawler metadump all\r\n").split(whereSeparator: \.isNewline)
        #expect(lines.count == 4 && lines[2].hasPrefix("key=f%3A%2Fd%2Fa exp=-1 "))
        #expect(connection.send("stats cachedump 1 0\r\n") == "ITEM b [1 b; 0 s]\r\nEND\r\n")
    }

    @Test("a file behaves like an item")
    func fileAsItem() throws {
        let connection = try connection()
        connection.server.store.clock.resume()
        #expect(connection.send("set f:/d/a 7 0 1\r\nx\r\n") == "STORED\r\n")
        #expect(connection.send("append f:/d/a 0 0 2\r\nyz\r\n") == "STORED\r\n")
        #expect(connection.send("get f:/d/a\r\n") == "VALUE f:/d/a 7 3\r\nxyz\r\nEND\r\n")
        #expect(connection.send("touch f:/d/a 100\r\n") == "TOUCHED\r\n")
        #expect(connection.send("mg f:/d/a t\r\n") == "HD t100\r\n")
        #expect(connection.send("flush_all\r\nmg f:/d/a s\r\n") == "OK\r\nHD s3\r\n")
        #expect(connection.send("delete f:/d\r\n") == "SERVER_ERROR is a directory\r\n")
        #expect(connection.send("set f:/d/a/b 0 0 1\r\nx\r\n") == "SERVER_ERROR not a directory\r\n")
        #expect(connection.send("set f:/d/../a 0 0 1\r\nx\r\n") == "CLIENT_ERROR invalid path\r\n")
        #expect(connection.send("delete f:/d/a\r\n") == "DELETED\r\n")
        #expect(connection.send("get f:/d/a\r\n") == "END\r\n")
    }
}
