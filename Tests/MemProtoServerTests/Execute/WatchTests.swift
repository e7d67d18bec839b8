// watch: which lines come, in which order, and what happens to a client that does not read.
import Glibc
import MemStore
import TestSupport
import Testing

@testable import MemNet
@testable import MemProtoServer

@Suite struct WatchTests {
    /// Lines without their time.
    private func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map { line in
            line.split(separator: " ").dropFirst(2).joined(separator: " ")
        }
    }

    @Test("fetchers see every lookup, mutations every store, deletions every delete")
    func streams() throws {
        let server = try TestServer()
        let watcher = TestConnection(server)
        #expect(watcher.send("watch fetchers mutations deletions\r\n") == "OK\r\n")
        let client = TestConnection(server)
        _ = client.send("set a/b 0 30 1\r\nx\r\nget a/b c\r\nadd a/b 0 0 2\r\nxx\r\ndelete a/b\r\nmd a/b\r\n")
        #expect(
            lines(watcher.send("")) == [
                "type=item_get key=a%2Fb status=not_found clsid=0 cfd=1 size=0",
                "type=item_store key=a%2Fb status=stored cmd=set ttl=30 clsid=1 cfd=1 size=1",
                "type=item_get key=a%2Fb status=found clsid=1 cfd=1 size=1",
                "type=item_get key=c status=not_found clsid=0 cfd=1 size=0",
                "type=item_get key=a%2Fb status=found clsid=1 cfd=1 size=1",
                "type=item_store key=a%2Fb status=not_stored cmd=add ttl=0 clsid=1 cfd=1 size=2",
                "type=item_get key=a%2Fb status=found clsid=1 cfd=1 size=1",
                "type=deleted key=a%2Fb cmd=delete clsid=1 size=1",
                "type=item_get key=a%2Fb status=not_found clsid=0 cfd=1 size=0",
            ])
    }

    @Test("what ma and mg create, joined values and refused ones have their lines")
    func rareLines() throws {
        let server = try TestServer()
        let watcher = TestConnection(server)
        #expect(watcher.send("watch fetchers mutations\r\n") == "OK\r\n")
        let client = TestConnection(server)
        _ = client.send("ma n N50 J12\r\nset a 0 0 1\r\nx\r\nappend a 0 0 2\r\nyz\r\nmg v N0\r\nme a\r\n")
        _ = client.send("set a 0 0 1048600\r\n" + String(repeating: "z", count: 1_048_600) + "\r\n")
        #expect(
            lines(watcher.send("")) == [
                "type=item_get key=n status=not_found clsid=0 cfd=1 size=0",
                "type=item_get key=n status=not_found clsid=0 cfd=1 size=0",
                "type=item_store key=n status=stored cmd=add ttl=50 clsid=1 cfd=1 size=2",
                "type=item_get key=a status=not_found clsid=0 cfd=1 size=0",
                "type=item_store key=a status=stored cmd=set ttl=0 clsid=1 cfd=1 size=1",
                "type=item_get key=a status=found clsid=1 cfd=1 size=1",
                "type=item_store key=a status=stored cmd=append ttl=0 clsid=1 cfd=1 size=3",
                "type=item_get key=v status=not_found clsid=0 cfd=1 size=0",
                "type=item_get key=a status=found clsid=1 cfd=1 size=3",
                "type=item_store key=a status=too_large cmd=set ttl=0 clsid=39 cfd=1 size=1048600",
                "type=item_get key=a status=found clsid=1 cfd=1 size=3",
            ])
    }

    @Test("an item that the log's lookup finds gone is counted as gone")
    func absence() throws {
        let server = try TestServer()
        let watcher = TestConnection(server)
        #expect(watcher.send("watch fetchers\r\n") == "OK\r\n")
        let client = TestConnection(server)
        #expect(client.send("set a 0 -1 1\r\nx\r\ndelete a\r\n") == "STORED\r\nNOT_FOUND\r\n")
        #expect(client.send("set a 0 -1 1\r\nx\r\nset a 0 0 1\r\nx\r\n") == "STORED\r\nSTORED\r\n")
        #expect(server.counters.getExpired == 1)
        let text = watcher.send("")
        #expect(text.contains("type=item_get key=a status=expired clsid=0"))
    }

    @Test("what is evicted is told, with what was known of it, while somebody watches")
    func evictions() throws {
        let server = try TestServer(memoryLimitBytes: 2 << 20)
        let client = TestConnection(server)
        func fill(_ name: String) -> Bool {
            (0..<2000).allSatisfy { number in
                let exptime = number % 2 == 0 ? 0 : 100
                return client.send(
                    "set \(name)/\(number) 0 \(exptime) 3000\r\n\(String(repeating: "v", count: 3000))\r\n")
                    == "STORED\r\n"
            }
        }
        #expect(fill("unseen"))
        let before = server.store.statistics().evictions
        #expect(before > 1000)
        let watcher = TestConnection(server)
        #expect(watcher.send("watch evictions\r\n") == "OK\r\n")
        server.store.clock.advance(bySeconds: 7)
        _ = client.send("get unseen/1999\r\n")
        #expect(fill("seen"))
        let told = lines(watcher.send(""))
        #expect(told.count > 1000)
        #expect(server.store.statistics().evictions - before == told.count)
        let form = "clsid=17 size=3000"
        #expect(
            told.first
                == "type=eviction key=\(told[0].split(separator: "=")[2].prefix { $0 != " " }) fetch=no ttl=\(told[0].contains("ttl=-1") ? "-1" : "93") la=7 \(form)"
        )
        #expect(told.contains { $0.hasPrefix("type=eviction key=seen%2F0 fetch=no ttl=-1 la=0 ") })
        #expect(told.allSatisfy { $0.hasSuffix(form) })
        do { _ = watcher }
    }

    @Test("a line has a time and a number")
    func form() throws {
        let server = try TestServer()
        let watcher = TestConnection(server)
        #expect(watcher.send("watch\r\n") == "OK\r\n")
        _ = TestConnection(server).send("get a\r\nget b\r\n")
        let heads = watcher.send("").split(separator: "\n").map { $0.split(separator: " ") }
        #expect(heads.map { $0[1] } == ["gid=1", "gid=2"])
        let time = heads[0][0].split(separator: ".")
        #expect(time[0].hasPrefix("ts=") && time[1].count == 6)
    }

    @Test("a watcher that does not read loses lines and is told how many")
    func slowWatcher() throws {
        var configuration = ServerConfiguration()
        configuration.watcherBufferBytes = 300
        let server = try TestServer(configuration)
        let watcher = TestConnection(server)
        #expect(watcher.send("watch fetchers\r\n") == "OK\r\n")
        let client = TestConnection(server)
        for _ in 0..<10 { _ = client.send("get a\r\n") }
        let kept = watcher.send("").split(separator: "\n").count
        #expect(kept == 3)
        _ = client.send("get a\r\n")
        #expect(watcher.send("").hasPrefix("skipped=7\nts="))
        #expect(server.shared.counts[.logSkipped] == 7)
    }

    @Test("over a unix socket that is nearly full still, what a watcher made room for is used at the next line")
    func slowSocket() throws {
        let live = try LiveServer { $0.workerCount = 1 }
        defer { live.stop() }
        let watcher = try SocketClient(live.unix)
        watcher.expect("OK\r\n", to: "watch fetchers\r\n")
        let client = try SocketClient(live.tcp)
        let key = String(repeating: "k", count: 250)
        func ask(_ count: Int) {
            client.send(String(repeating: "get \(key)\r\n", count: count))
            #expect(client.receive(count * 5).count == count * 5)
        }
        while live.server.shared.counts[.logSkipped] == 0 { ask(500) }
        // The kernel tells of room only when three quarters of the socket's buffer are free. Half of that is read here.
        var size: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        unsafe getsockopt(watcher.descriptor, SOL_SOCKET, SO_SNDBUF, &size, &length)
        let before = live.server.shared.sumOfCounters().net.bytesWritten.value
        let readCount = watcher.receive(Int(size) * 3 / 8).count
        #expect(readCount == Int(size) * 3 / 8)
        ask(1)
        ask(1)
        let written = live.server.shared.sumOfCounters().net.bytesWritten.value - before
        #expect(written > 20_000, "only \(written) bytes were sent")
    }

    @Test("unknown streams, too many watchers and -W are refused; a watcher that goes is forgotten")
    func refusals() throws {
        let server = try TestServer()
        #expect(TestConnection(server).send("watch nothing\r\n") == "ERROR\r\n")
        do {
            let watchers = (0..<server.shared.configuration.watcherCountMax).map { _ in TestConnection(server) }
            for watcher in watchers { #expect(watcher.send("watch connevents sysevents\r\n") == "OK\r\n") }
            #expect(TestConnection(server).send("watch\r\n") == "WATCHER_TOO_MANY log watcher limit reached\r\n")
            #expect(server.shared.counts[.watchers] == UInt64(watchers.count))
        }
        #expect(server.shared.counts[.watchers] == 0)
        #expect(server.shared.watchHub.streams == [])
        var configuration = ServerConfiguration()
        configuration.allowsWatch = false
        #expect(
            TestConnection(try TestServer(configuration)).send("watch\r\n")
                == "CLIENT_ERROR watch commands not allowed\r\n")
    }

    @Test("over a socket, connections that come and go are told of")
    func connections() throws {
        let live = try LiveServer()
        defer { live.stop() }
        let watcher = try SocketClient(live.tcp)
        watcher.expect("OK\r\n", to: "watch connevents\r\n")
        do { try SocketClient(live.unix).expect("MN\r\n", to: "mn\r\n") }
        var text = ""
        while text.split(separator: "\n", omittingEmptySubsequences: false).count < 3 {
            let byte = watcher.receive(1)
            if byte.isEmpty { break }
            text += String(decoding: byte, as: UTF8.self)
        }
        let told = lines(text)
        #expect(told.first?.hasPrefix("type=conn_new rip=unix rport=0 transport=local cfd=") == true)
        #expect(told.last?.hasPrefix("type=conn_close rip=unix rport=0 transport=local reason=normal cfd=") == true)
    }
}
