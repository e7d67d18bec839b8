// BothDoorsTests: what one door stores the other shows, at once.
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct BothDoorsTests {
        private func flags(_ path: String) throws -> String {
            try Shell.bash("getfattr --absolute-names --only-values -n user.memcached.flags \(path)")
        }

        @Test("what a client stores under a file key is on the mount with its size, bytes, flags and time")
        func portToMount() throws {
            let daemon = try Daemon()
            defer { daemon.remove() }
            let client = try daemon.client()
            for round in 0..<50 {
                let value = String(repeating: "x\(round)", count: round + 1)
                #expect(try client.set(Daemon.prefix + "/dir/page", value, flags: UInt32(round)) == "STORED")
                let attributes = try Files.attributes(daemon.path("dir/page"))
                #expect(attributes.size == value.utf8.count)
                #expect(abs(attributes.mtimeSeconds - Files.nowSeconds()) <= 2)
                #expect(try Files.text(daemon.path("dir/page")) == value)
            }
            #expect(try flags(daemon.path("dir/page")) == "49")
            #expect(try client.command("append \(Daemon.prefix)/dir/page 0 0 3\r\nend") == "STORED")
            #expect(try Files.text(daemon.path("dir/page")).hasSuffix("x49end"))
            #expect(try client.command("delete \(Daemon.prefix)/dir/page") == "DELETED")
            #expect(!Files.exists(daemon.path("dir/page")))
            #expect(try client.set(Daemon.prefix + "/dir/page", "again") == "STORED")
            #expect(try Files.text(daemon.path("dir/page")) == "again")
        }

        @Test("what is written on the mount is served by the port with the flags set there")
        func mountToPort() throws {
            let daemon = try Daemon()
            defer { daemon.remove() }
            let client = try daemon.client()
            let key = Daemon.prefix + "/page"
            for round in 0..<50 {
                try "version \(round)".write(toFile: daemon.path("page"), atomically: round % 2 == 0, encoding: .utf8)
                #expect(try client.get(key)?.value == "version \(round)")
            }
            try Shell.bash("setfattr -n user.memcached.flags -v 42 \(daemon.path("page"))")
            #expect(try client.get(key)?.flags == 42)
            try Shell.bash("mv \(daemon.path("page")) \(daemon.path("moved"))")
            #expect(try client.get(key) == nil)
            #expect(try client.get(Daemon.prefix + "/moved")?.value == "version 49")
            Files.remove(daemon.path("moved"))
            #expect(try client.get(Daemon.prefix + "/moved") == nil)
        }

        @Test("a file whose exptime is due is gone from both doors")
        func exptime() throws {
            let daemon = try Daemon()
            defer { daemon.remove() }
            let client = try daemon.client()
            #expect(try client.set(Daemon.prefix + "/short", "x", exptime: 2) == "STORED")
            #expect(try client.set(Daemon.prefix + "/long", "y", exptime: 1000) == "STORED")
            #expect(Files.exists(daemon.path("short")))
            #expect(try Shell.waitUntil(timeoutSeconds: 5) { try client.get(Daemon.prefix + "/short") == nil })
            #expect(Shell.waitUntil(timeoutSeconds: 2) { !Files.exists(daemon.path("short")) })
            #expect(try client.get(Daemon.prefix + "/long")?.value == "y")
            #expect(try Files.text(daemon.path("long")) == "y")
        }

        @Test("several prefixes serve several directories, and --files-read-only refuses writes by the port")
        func prefixes() throws {
            let daemon = try Daemon(
                ["--prefix", "memfis://a.example=/a", "--prefix", "memfis://b.example=/b", "--files-read-only"])
            defer { daemon.remove() }
            let client = try daemon.client()
            try Shell.bash("cd \(daemon.path("")) && mkdir a b && echo a > a/page && echo b > b/page")
            #expect(try client.get("memfis://a.example/page")?.value == "a\n")
            #expect(try client.get("memfis://b.example/page")?.value == "b\n")
            #expect(try client.get(Daemon.prefix + "/b/page")?.value == "b\n")
            #expect(try client.set("memfis://a.example/page", "new") == "SERVER_ERROR permission denied")
            #expect(try client.get("memfis://a.example/page")?.value == "a\n")
        }

        @Test("a full store answers an error on both doors and keeps what it holds")
        func full() throws {
            let daemon = try Daemon(["-m", "32"])
            defer { daemon.remove() }
            let client = try daemon.client()
            try Files.write("kept", to: daemon.path("kept"))
            let result = try Shell.run(["dd", "if=/dev/zero", "of=" + daemon.path("big"), "bs=1M", "count=64"])
            #expect(result.status != 0 && result.errors.contains("No space left on device"))
            #expect(try client.get(Daemon.prefix + "/kept")?.value == "kept")
            let value = String(repeating: "v", count: 900_000)
            var refused = 0
            for round in 0..<40 where try client.set(Daemon.prefix + "/file\(round)", value) != "STORED" {
                refused += 1
            }
            #expect(refused > 0)
            #expect(try client.get(Daemon.prefix + "/kept")?.value == "kept")
            Files.remove(daemon.path("big"))
            #expect(
                try Shell.waitUntil(timeoutSeconds: 5) { try client.set(Daemon.prefix + "/after", value) == "STORED" })
        }
    }
}
