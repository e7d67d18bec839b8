// NameTests: every name that a path can have, asked for through nginx.
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct NameTests {
        @Test(
            "blanks, percent, question mark, hash, UTF-8 and a path of 1,000 bytes are found; what is missing is a 404")
        func names() throws {
            let daemon = try Daemon()
            defer { daemon.remove() }
            let nginx = try Nginx(before: daemon)
            defer { nginx.remove() }
            let deep = (0..<9).map { _ in String(repeating: "d", count: 110) }.joined(separator: "/")
            let names = [
                "plain.html", "a b.html", "100%.html", "%41.html", "what?.html", "part#1.html", "grüße/日本語.html",
                "\"quoted\" + 'plus'.html", "back\\slash", "\u{7f}delete", "tab\there", "new\nline", deep + "/end.html",
            ]
            for name in names {
                let path = URL(fileURLWithPath: daemon.path(name))
                try FileManager.default.createDirectory(
                    at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data("content of \(name)".utf8).write(to: path, options: [])
            }
            for door in nginx.doors {
                for name in names {
                    let answer = try Web.get(door.port, "/" + quoted(name))
                    #expect(answer == WebAnswer(status: 200, body: "content of \(name)"), "\(name) by \(door.name)")
                }
                for missing in ["/nothing", "/plain.html/x", "/plain.htm", "/gr%C3%BC%C3%9Fe", "/" + deep, "/a%20b"] {
                    #expect(try Web.get(door.port, missing).status == 404, "\(missing) by \(door.name)")
                }
            }
            #expect(!nginx.log.contains("[error]"), "\(nginx.log)")
        }

        private func quoted(_ name: String) -> String {
            name.utf8.map { byte in
                let isPlain = byte == 0x2f || (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte)
                return isPlain ? String(UnicodeScalar(byte)) : String(format: "%%%02X", byte)
            }.joined()
        }

        @Test("a directory with a slash gives its index file; HEAD, ranges and an empty file work")
        func answers() throws {
            let daemon = try Daemon(["--index", "index.html", "--index", "default.txt"])
            defer { daemon.remove() }
            let nginx = try Nginx(before: daemon)
            defer { nginx.remove() }
            try Shell.bash(
                """
                cd \(daemon.path(""))
                mkdir first second none && echo index > first/index.html && echo default > second/default.txt
                : > empty && printf 0123456789 > digits && echo top > index.html
                """)
            for (_, port) in nginx.doors {
                #expect(try Web.get(port, "/") == WebAnswer(status: 200, body: "top\n"))
                #expect(try Web.get(port, "/first/") == WebAnswer(status: 200, body: "index\n"))
                #expect(try Web.get(port, "/second/") == WebAnswer(status: 200, body: "default\n"))
                #expect(try Web.get(port, "/none/").status == 404)
                #expect(try Web.get(port, "/first").status == 404)
                #expect(try Web.get(port, "/empty") == WebAnswer(status: 200, body: ""))
                #expect(try Web.get(port, "/digits", ["-r", "2-4"]) == WebAnswer(status: 206, body: "234"))
                #expect(try Web.get(port, "/digits", ["-r", "20-"]).status == 416)
                let head = try Web.get(port, "/digits", ["-I"])
                #expect(head.status == 200 && head.body.contains("Content-Length: 10"))
                #expect(try Web.get(port, "/nothing", ["-I"]).status == 404)
                #expect(try Web.get(port, "/digits").body == "0123456789")
            }
        }

        @Test("a file of 300 MB is served byte for byte, and a HEAD of it is answered at once")
        func largeFile() throws {
            let daemon = try Daemon(["-m", "800"])
            defer { daemon.remove() }
            let nginx = try Nginx(before: daemon)
            defer { nginx.remove() }
            let source = daemon.scratch.path("large")
            try Shell.bash("head -c 300000000 /dev/urandom > \(source) && cp \(source) \(daemon.path("large"))")
            for (_, port) in nginx.doors {
                #expect(try Web.get(port, "/large", ["-I", "-m", "5"]).status == 200)
                try Shell.bash("curl -fsS http://127.0.0.1:\(port)/large | cmp - \(source)")
                try Shell.bash(
                    "curl -fsS -r 299999000- http://127.0.0.1:\(port)/large | cmp - <(tail -c 1000 \(source))")
            }
            try FileManager.default.removeItem(atPath: daemon.path("large"))
            #expect(try Web.get(nginx.tcpPort, "/large").status == 404)
        }
    }
}
