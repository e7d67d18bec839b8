// ReplacedPageTests: what becomes of flags and exptime when programs replace, change, move and copy a value's file.
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct ReplacedPageTests {
        private static let replacing = [
            "cp NEW PAGE", "cat NEW > PAGE", "tee PAGE < NEW > /dev/null", "dd if=NEW of=PAGE status=none",
            "install -m 644 NEW PAGE", "truncate -s 0 PAGE && cat NEW >> PAGE", ": > PAGE; cat NEW >> PAGE",
            "(echo head; cat NEW) > PAGE", "tar -xf TAR -C DIRECTORY --overwrite", "tar -xf TAR -C DIRECTORY",
            "rsync --ignore-times NEW PAGE", "cp NEW PAGE.next && mv PAGE.next PAGE", "sed -i s/packed/new/ PAGE",
            "perl -pi -e s/packed/new/ PAGE", "printf '%s\\n' 1d a new . wq | ed -s PAGE",
            "vim -Nesni NONE -u NONE -c 'set nofixeol backupcopy=yes nowritebackup' -c '%s/packed/new/' -c wq PAGE",
            "php -r 'file_put_contents($argv[1], \"new\");' PAGE",
            "python3 -c 'import sys; open(sys.argv[1], \"w\").write(\"new\")' PAGE",
            "python3 -c 'import os, sys; f = open(sys.argv[1], \"r+\"); f.truncate(0); f.write(\"new\")' PAGE",
        ]

        private static let keeping = [
            "echo more >> PAGE", "touch PAGE", "touch -d '2020-01-01' PAGE", "chmod 0640 PAGE", "chown 0:0 PAGE",
            "mv PAGE PAGE.next && mv PAGE.next PAGE", "ln PAGE PAGE.next && rm PAGE && mv PAGE.next PAGE",
            "printf P | dd of=PAGE conv=notrunc status=none", "truncate -s 3 PAGE", "cat PAGE", "sync PAGE",
            "setfattr -n user.note -v x PAGE", "cp NEW PAGE.other && cp PAGE PAGE.other",
        ]

        /// Runs lines of bash, each on a value with flags and a time of its own; gives what is left of both.
        private func afterEach(
            of lines: [String], _ daemon: Daemon,
            _ body: (_ line: String, _ flags: UInt32?, _ time: String) throws -> Void
        ) throws {
            let client = try daemon.client()
            let key = Daemon.prefix + "/page"
            let new = try daemon.scratch.file("page", containing: "new\n")
            try Shell.bash("tar -cf \(daemon.scratch.path("tar")) -C \(daemon.scratch.path) page")
            let places = [
                ("DIRECTORY", daemon.path("")), ("TAR", daemon.scratch.path("tar")), ("NEW", new),
                ("PAGE", daemon.path("page")),
            ]
            for line in lines {
                #expect(try client.set(key, "packed\n", flags: 2, exptime: 3000) == "STORED")
                try Shell.bash(places.reduce(line) { $0.replacingOccurrences(of: $1.0, with: $1.1) })
                // The last close of a redirection is told some microseconds after it.
                _ = try Shell.waitUntil(timeoutSeconds: 1) {
                    try client.get(key)?.flags == 0 || !Self.replacing.contains(line)
                }
                try body(line, client.get(key)?.flags, client.command("mg \(key) t"))
            }
        }

        @Test("a page that a program replaces has neither the flags nor the exptime of the one before")
        func replaced() throws {
            let daemon = try Daemon(["-u", "root"])
            defer { daemon.remove() }
            try afterEach(of: Self.replacing, daemon) { (line, flags, time) in
                #expect(flags == 0, "\(line)")
                #expect(time == "HD t-1", "\(line)")
            }
            #expect(!Files.exists(daemon.path("page.next")))
        }

        @Test("a page that is appended to, changed in place, touched or moved keeps flags and exptime")
        func kept() throws {
            let daemon = try Daemon(["-u", "root"])
            defer { daemon.remove() }
            try afterEach(of: Self.keeping, daemon) { (line, flags, time) in
                #expect(flags == 2, "\(line)")
                #expect(time.hasPrefix("HD t") && time != "HD t-1", "\(line)")
            }
        }

        @Test("a page that is replaced shortly before its old time stays")
        func time() throws {
            let daemon = try Daemon(["-u", "root"])
            defer { daemon.remove() }
            let client = try daemon.client()
            for name in ["replaced", "kept"] {
                #expect(try client.set(Daemon.prefix + "/" + name, "old", exptime: 2) == "STORED")
            }
            try Files.write("deployed", to: daemon.path("replaced"))
            #expect(try Shell.waitUntil(timeoutSeconds: 10) { try client.get(Daemon.prefix + "/kept") == nil })
            // Both had the same second.
            #expect(try client.get(Daemon.prefix + "/replaced")?.value == "deployed")
            #expect(try Files.text(daemon.path("replaced")) == "deployed")
        }

        @Test("a copy with all attributes takes flags along and no expiry")
        func backup() throws {
            let daemon = try Daemon()
            defer { daemon.remove() }
            let client = try daemon.client()
            #expect(try client.set(Daemon.prefix + "/page", "text", flags: 2, exptime: 3000) == "STORED")
            try Shell.bash(
                """
                cd \(daemon.mount!); cp -a page kept; mkdir out; tar --xattrs -cf \(daemon.scratch.path)/a.tar page
                tar --xattrs --xattrs-include='*' -xf \(daemon.scratch.path)/a.tar -C out; rsync -X page synced
                """)
            for name in ["kept", "out/page", "synced"] {
                #expect(try client.command("mg \(Daemon.prefix)/\(name) t f") == "HD t-1 f2")
            }
            let left = try client.command("mg \(Daemon.prefix)/page t")
            #expect(left.hasPrefix("HD t") && left != "HD t-1")
        }

        @Test(
            "plain text over a page that was stored compressed goes out as plain text, to every client of nginx",
            arguments: ["cp", "cat >", "rsync --inplace"])
        func compressed(way: String) throws {
            let host = ProcessInfo.processInfo.hostName.lowercased()
            let daemon = try Daemon(["-u", "root", "--prefix", "memfis://\(host)=/"])
            defer { daemon.remove() }
            let nginx = try ConfiguredNginx("gzip.conf", before: daemon)
            defer { nginx.remove() }
            let page = daemon.path("page.html")
            let plain = try daemon.scratch.file("plain.html", containing: "<p>plain</p>\n")
            try Shell.bash(
                """
                cd \(daemon.mount!); echo '<p>packed</p>' | gzip -9nc > .page.new
                setfattr -n user.memcached.flags -v 2 .page.new; mv .page.new page.html
                """)
            func fetch(_ options: [String]) throws -> HeaderAnswer { try Web.fetch(nginx.port, "/page.html", options) }
            let accepting = ["-H", "Accept-Encoding: gzip"]
            #expect(try fetch(accepting).headers["content-encoding"] == "gzip")
            #expect(try fetch([]).body == "<p>packed</p>\n")
            // rsync --inplace writes over the old bytes; whoever means another page cuts it first.
            let cut = way.hasPrefix("rsync") ? "truncate -s 0 \(page); " : ""
            try Shell.bash("\(cut)\(way == "cat >" ? "cat \(plain) > \(page)" : "\(way) \(plain) \(page)")")
            let isPlain = try Shell.waitUntil(timeoutSeconds: 5) { try fetch([]).body == "<p>plain</p>\n" }
            #expect(isPlain)
            let answer = try fetch(accepting)
            #expect(answer.headers["content-encoding"] == nil && answer.body == "<p>plain</p>\n")
            #expect(!nginx.log.contains("[error]"), "\(nginx.log)")
        }
    }
}
