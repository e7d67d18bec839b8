// ClientTests: memcached's clients and tools work unchanged: libraries of four languages, memcached-tool, libmemcached's commands,
// the plugins of two monitors.
import Foundation
import Testing

extension SystemTests {
    @Suite struct ClientTests {
        /// Runs `body` with a daemon that has no mount.
        private func withDaemon(_ words: [String] = [], _ body: (Daemon) throws -> Void) throws {
            let daemon = try Daemon(words, mounted: false)
            defer { daemon.remove() }
            try body(daemon)
        }

        @Test(
            "a round of all commands passes through a client library",
            arguments: ["pymemcache", "pylibmc", "memcache", "meta_memcache"])
        func python(library: String) throws {
            try withDaemon { try Shell.python("clients.py", [library, "\($0.port)"]) }
        }

        @Test("so it does through those of Perl and PHP", arguments: [("perl", "client.pl"), ("php", "client.php")])
        func others(language: String, script: String) throws {
            try withDaemon { daemon in
                let path = Repository.path("Tests/SystemTests/Scripts/\(script)")
                let output = try Shell.bash("\(language) \(path) \(daemon.port)")
                #expect(output.contains("checks passed"))
            }
        }

        @Test("memccapable finds nothing missing")
        func memccapable() throws {
            try withDaemon { daemon in
                let output = try Shell.bash("memccapable -a -h 127.0.0.1 -p \(daemon.port) -t 20")
                #expect(output.split(separator: "\n").count { $0.hasSuffix("[pass]") } == 27, "\(output)")
                #expect(output.contains("All tests passed"))
            }
        }

        @Test("memcached-tool shows classes, statistics, settings, keys and a dump that can be sent again")
        func memcachedTool() throws {
            try withDaemon { daemon in
                let client = try daemon.client()
                for number in 0..<20 { #expect(try client.set("key\(number)", "value\(number)") == "STORED") }
                func tool(_ mode: String) throws -> String {
                    try Shell.bash(
                        "/usr/share/memcached/scripts/memcached-tool 127.0.0.1:\(daemon.port) \(mode) 2>/dev/null")
                }
                #expect(try tool("display").contains(#/ 1 +96B +\d+s +1 +20 +no +0 +0 +0/#))
                #expect(try tool("stats").contains(#/curr_items +20\s/#))
                #expect(try tool("settings").contains(#/item_size_max +1048576\s/#))
                #expect(try tool("sizes").contains(#/sizes_status +disabled/#))
                #expect(try tool("keys").split(separator: "\n").count { $0.hasPrefix("key=key") } == 20)
                let dump = try tool("dump")
                #expect(dump.contains("add key7 0 0 6\nvalue7\n") || dump.contains("add key7 0 0 6\r\nvalue7\r\n"))
            }
        }

        @Test("libmemcached's commands copy, show, list, touch and remove")
        func libmemcached() throws {
            try withDaemon { daemon in
                let file = try daemon.scratch.file("page", containing: "hello")
                let servers = "--servers=127.0.0.1:\(daemon.port)"
                try Shell.bash("memccp \(servers) \(file)")
                #expect(try Shell.bash("memccat \(servers) page") == "hello\n")
                #expect(try Shell.bash("memcdump \(servers)") == "page\n")
                try Shell.bash("memcexist \(servers) page; memctouch \(servers) page; memcping \(servers)")
                #expect(try Shell.bash("memcstat \(servers)").contains("curr_items: 1"))
                try Shell.bash("memcrm \(servers) page; memcflush \(servers)")
                #expect(try Shell.bash("memcdump \(servers)") == "")
            }
        }

        @Test("munin's plugin graphs it", arguments: ["bytes", "counters", "rates"])
        func munin(graph: String) throws {
            try withDaemon { daemon in
                let plugin = daemon.scratch.path("memcached_\(graph)")
                let line = "ln -s /usr/share/munin/plugins/memcached_ \(plugin); port=\(daemon.port) perl \(plugin)"
                let values = try Shell.bash(line).split(separator: "\n")
                #expect(values.count >= 2)
                #expect(values.allSatisfy { $0.contains(#/^memcache_\w+\.value \d+$/#) })
            }
        }

        @Test("collectd's plugin reads it")
        func collectd() throws {
            try withDaemon { daemon in
                let base = daemon.scratch.path("")
                let configuration = try daemon.scratch.file(
                    "collectd.conf",
                    containing: """
                        FQDNLookup false
                        BaseDir "\(base)"
                        PIDFile "\(base)/collectd.pid"
                        Interval 1
                        LoadPlugin memcached
                        LoadPlugin csv
                        <Plugin memcached>
                          <Instance "test">
                            Address "127.0.0.1"
                            Port "\(daemon.port)"
                          </Instance>
                        </Plugin>
                        <Plugin csv>
                          DataDir "\(base)/csv"
                        </Plugin>

                        """)
                #expect(try daemon.client().set("a", "b") == "STORED")
                let collector = try Program(["collectd", "-f", "-C", configuration])
                defer {
                    kill(collector.pid, SIGTERM)
                    collector.wait()
                }
                let isThere = Shell.waitUntil(timeoutSeconds: 30) {
                    let command = "cat $(find \(base)/csv -name 'memcached_items-current*') </dev/null"
                    return (try? Shell.bash(command))?.contains(#/\d,1(\.0*)?\n/#) == true
                }
                #expect(isThere)
            }
        }
    }
}
