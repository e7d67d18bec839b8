// Listings of keys and the statistics by class: their lines, many items, what is refused.
import MemStore
import Testing

@testable import MemNet
@testable import MemProtoServer

@Suite struct DumpTests {
    @Test("metadump tells of each item")
    func metadump() throws {
        let connection = TestConnection(try TestServer())
        let now = connection.server.store.clock.unixTime(of: connection.server.store.clock.nowSeconds)
        #expect(connection.send("set a/b 5 60 3\r\nabc\r\n") == "STORED\r\n")
        let cas = connection.send("mg a/b c u\r\n").dropFirst(4).filter(\.isNumber)
        #expect(
            connection.send("lru_crawler metadump all\r\n")
                == "OK\r\nkey=a%2Fb exp=\(now + 60) la=\(now) cas=\(cas) fetch=no cls=1 size=69 flags=5 \nEND\r\n")
        #expect(connection.send("get a/b\r\n").hasPrefix("VALUE"))
        let line = connection.send("lru_crawler metadump 1,3\r\n")
        #expect(line.contains(" fetch=yes "))
        #expect(connection.send("lru_crawler metadump 2\r\n") == "OK\r\nEND\r\n")
    }

    @Test("each of many items is listed once, in several sends")
    func many() throws {
        let connection = TestConnection(try TestServer())
        for number in 0..<5000 { _ = connection.send("set key\(number) 0 0 2 noreply\r\nab\r\n") }
        let before = connection.sends
        let lines = connection.send("lru_crawler mgdump all\r\n").split(separator: "\r\n")
        #expect(connection.sends > before)
        #expect(lines.first == "OK" && lines.last == "EN")
        let keys = Set(lines.dropFirst().dropLast())
        #expect(lines.count == 5002)
        #expect(keys.count == 5000)
        #expect(connection.send("stats cachedump 1 7\r\n").split(separator: "\r\n").count == 8)
        let items = connection.send("stats items\r\n")
        #expect(items.hasPrefix("STAT items:1:number 5000\r\n"))
        let slabs = connection.send("stats slabs\r\n")
        #expect(slabs.contains("STAT 1:used_chunks 5000\r\n") && slabs.contains("STAT active_slabs 1\r\n"))
    }

    @Test("a dump behind unsent answers is refused, and mn sends them")
    func pipelined() throws {
        let connection = TestConnection(try TestServer())
        #expect(
            connection.send("mg a\r\nlru_crawler metadump all\r\n")
                == "EN\r\nERROR cannot pipeline other commands before metadump\r\n")
        #expect(
            connection.send("mg a\r\nlru_crawler mgdump all\r\n")
                == "EN\r\nERROR cannot pipeline other commands before mgdump\r\n")
        #expect(
            connection.send("mg a\r\nwatch\r\n") == "EN\r\nERROR cannot pipeline other commands before watch\r\n")
        #expect(connection.send("mg a\r\nmn\r\nlru_crawler mgdump all\r\nmn\r\n") == "EN\r\nMN\r\nOK\r\nEN\r\nMN\r\n")
    }

    @Test("-X refuses every listing")
    func notAllowed() throws {
        var configuration = ServerConfiguration()
        configuration.allowsDumps = false
        let connection = TestConnection(try TestServer(configuration))
        #expect(connection.send("lru_crawler metadump all\r\n") == "ERROR metadump not allowed\r\n")
        #expect(connection.send("lru_crawler mgdump all\r\n") == "ERROR key dump not allowed\r\n")
        #expect(connection.send("stats cachedump 1 1\r\n") == "CLIENT_ERROR stats cachedump not allowed\r\n")
        #expect(connection.send("stats detail dump\r\n") == "CLIENT_ERROR stats detail not allowed\r\n")
    }

    @Test("stats sizes counts items by size when it is asked to")
    func sizes() throws {
        var configuration = ServerConfiguration()
        configuration.settingLines["track_sizes"] = "yes"
        let connection = TestConnection(try TestServer(configuration))
        #expect(connection.send("set a 0 0 1\r\nx\r\nset b 0 0 1\r\nx\r\n") == "STORED\r\nSTORED\r\n")
        #expect(connection.send("set c 0 0 40\r\n" + String(repeating: "x", count: 40) + "\r\n") == "STORED\r\n")
        #expect(connection.send("stats sizes\r\n") == "STAT 64 2\r\nSTAT 128 1\r\nEND\r\n")
    }

    @Test("the classes are memcached's")
    func classes() {
        #expect(SlabClass.number(ofTotal: 61) == 1)
        #expect(SlabClass.number(ofTotal: 96) == 1)
        #expect(SlabClass.number(ofTotal: 97) == 2)
        #expect(SlabClass.number(ofTotal: 66560 + 60) == 31)
        #expect(SlabClass.number(ofTotal: 1 << 20) == 39)
        #expect(SlabClass.chunkSizes.count == 39)
    }

    @Test("a dump and a watch want to be alone: nothing may wait before them to be sent")
    func alone() throws {
        let connection = TestConnection(try TestServer())
        func refusal(_ name: String) -> String { "ERROR cannot pipeline other commands before \(name)\r\n" }
        #expect(connection.send("mg a v\r\nlru_crawler mgdump all\r\n") == "EN\r\n" + refusal("mgdump"))
        #expect(connection.send("mg a v\r\nlru_crawler metadump all\r\n") == "EN\r\n" + refusal("metadump"))
        #expect(connection.send("get a\r\nwatch\r\n") == "END\r\n" + refusal("watch"))
        #expect(connection.send("get a\r\nmn\r\nlru_crawler mgdump all\r\n") == "END\r\nMN\r\nOK\r\nEN\r\n")
        #expect(connection.send("mn\r\nwatch\r\n") == "MN\r\nOK\r\n")
    }
}
