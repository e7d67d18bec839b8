// The statistics by size class over time: what counts up stays where it is and never falls, memory comes in whole pages.
import MemStore
import Testing

@testable import MemNet
@testable import MemProtoServer

@Suite struct ClassFigureTests {
    /// `STAT` lines by name.
    private func figures(_ connection: TestConnection, _ command: String) -> [String: Int] {
        var figures: [String: Int] = [:]
        for line in connection.send(command + "\r\n").split(separator: "\r\n") {
            let words = line.split(separator: " ")
            if words.count == 3 { figures[String(words[1])] = Int(words[2]) }
        }
        return figures
    }

    private func set(_ connection: TestConnection, _ names: Range<Int>, size: Int, exptime: Int = 0) {
        let value = String(repeating: "v", count: size)
        for number in names {
            #expect(connection.send("set k\(number)_\(size) 0 \(exptime) \(size)\r\n\(value)\r\n") == "STORED\r\n")
        }
    }

    /// Names whose figures count up.
    private static let counting = [
        "get_hits", "cmd_set", "delete_hits", "incr_hits", "cas_hits", "touch_hits", "hits_to_cold", "evicted",
        "reclaimed", "expired_unfetched", "outofmemory",
    ]

    @Test("no counter of a class falls or leaves it when other classes come to hold more items, or it holds none")
    func counters() throws {
        let connection = TestConnection(try TestServer())
        var last: [String: Int] = [:]
        func check(_ comment: String) {
            let now = figures(connection, "stats slabs").merging(figures(connection, "stats items")) { $1 }
            for (name, value) in last where Self.counting.contains(String(name.split(separator: ":").last!)) {
                #expect((now[name] ?? -1) >= value, "\(comment): \(name)")
            }
            let sums = Self.counting.prefix(2).map { name in
                now.filter { $0.key.hasSuffix(":" + name) }.reduce(0) { $0 + $1.value }
            }
            let whole = figures(connection, "stats")
            #expect(sums == [whole["get_hits"], whole["cmd_set"]], "\(comment): the sums are the whole")
            last = now
        }
        #expect(connection.send("stats slabs\r\n").hasPrefix("STAT active_slabs 0\r\n"))
        set(connection, 0..<10, size: 100)
        for number in 0..<10 { _ = connection.send("get k\(number)_100\r\n") }
        check("ten small items")
        set(connection, 0..<20, size: 5000)
        for number in 0..<3 { _ = connection.send("get k\(number)_5000\r\n") }
        check("twenty larger ones")
        for number in 0..<10 { #expect(connection.send("delete k\(number)_100\r\n") == "DELETED\r\n") }
        check("the small ones deleted")
        set(connection, 0..<1, size: 100)
        check("one of them again")
    }

    @Test("total_malloced rises by whole pages, and not where items take the place of others that expired")
    func pages() throws {
        let connection = TestConnection(try TestServer())
        func total() -> Int { figures(connection, "stats slabs")["total_malloced"] ?? -1 }
        #expect(total() == 0)
        set(connection, 0..<10, size: 66_560, exptime: 2)
        let before = total()
        #expect(before > 0 && before % SlabClass.pageSizeBytes == 0)
        connection.server.store.clock.advance(bySeconds: 4)
        set(connection, 10..<20, size: 66_560)
        #expect(total() == before)
        set(connection, 20..<60, size: 66_560)
        let more = total()
        #expect(more > before && more % SlabClass.pageSizeBytes == 0)
        for number in 10..<60 { _ = connection.send("delete k\(number)_66560\r\n") }
        #expect(total() == more)
    }
}
