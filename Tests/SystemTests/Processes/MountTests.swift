// MountTests: what a mount of the daemon shows and how it goes: mount options, the control directory, notices, and ways to
// unmount.
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct MountTests {
        private func asNobody(_ command: String) throws -> ProgramResult {
            try Shell.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "sh", "-c", command])
        }

        @Test("-o uid=, gid=, umask= and fsname= are what programs see")
        func shownOwners() throws {
            let daemon = try Daemon(["-o", "uid=12,gid=34,umask=027,fsname=pages"])
            defer { daemon.remove() }
            #expect(try daemon.client().set(Daemon.prefix + "/page", "x") == "STORED")
            #expect(try Shell.bash("stat -c '%u %g %a' \(daemon.path("page"))") == "12 34 640\n")
            #expect(
                try Shell.bash("findmnt -no SOURCE,FSTYPE \(daemon.path(""))").split(separator: " ").first == "pages")
        }

        @Test("-o ro refuses every change on the mount, and the port may write")
        func readOnly() throws {
            let daemon = try Daemon(["-o", "ro"])
            defer { daemon.remove() }
            #expect(try daemon.client().set(Daemon.prefix + "/page", "x") == "STORED")
            #expect(try Files.text(daemon.path("page")) == "x")
            for call in ["touch new", "rm page", "mv page other", "chmod 600 page", "mkdir d", "echo y >> page"] {
                let result = try Shell.run(["sh", "-c", "cd \(daemon.path("")) && \(call)"])
                #expect(result.status != 0 && result.errors.contains("Read-only file system"), "\(call)")
            }
        }

        @Test("-o noatime leaves access times alone, which reading moves otherwise", arguments: [true, false])
        func accessTimes(moves: Bool) throws {
            let daemon = try Daemon(["-o", moves ? "relatime" : "noatime"])
            defer { daemon.remove() }
            let page = daemon.path("page")
            try Shell.bash("echo x > \(page); touch -d @1000 \(page); touch -a -d @500 \(page); cat \(page)")
            #expect(try (Shell.bash("stat -c %X \(page)") == "500\n") == !moves)
        }

        @Test(
            "umount, fusermount3 -u and a lazy umount while busy take the mount; the port goes on, and SIGTERM ends it")
        func unmounting() throws {
            for command in ["umount", "fusermount3 -u", "umount -l"] {
                let daemon = try Daemon()
                defer { daemon.remove() }
                let mount = daemon.path("")
                try Files.write("page", to: daemon.path("page"))
                let file = command == "umount -l" ? try OpenFile(daemon.path("page"), appending: true) : nil
                try Shell.bash("\(command) \(mount)")
                #expect(!Files.exists(daemon.path("page")))
                try file?.write(" and more")
                file?.close()
                let wanted = file == nil ? "page" : "page and more"
                let client = try daemon.client()
                #expect(
                    try Shell.waitUntil(timeoutSeconds: 5) { try client.get(Daemon.prefix + "/page")?.value == wanted })
                #expect(try client.set(Daemon.prefix + "/other", "x") == "STORED")
                #expect(daemon.stop() == 0)
            }
        }

        @Test("inotify tells of what programs do on the mount")
        func inotify() throws {
            let daemon = try Daemon()
            defer { daemon.remove() }
            #expect(
                try Shell.python("watch_directory.py", [daemon.path("")])
                    == "created page\nwritten and closed page\nmoved from page\nmoved to other\nremoved other\n")
        }

        @Test("a listing that is stuck in a directory delays its changes by the coherence timeout, and no others")
        func stuckListing() throws {
            let daemon = try Daemon(["--coherence-timeout", "300"])
            defer { daemon.remove() }
            let client = try daemon.client()
            for name in ["stuck/a", "other/a"] { #expect(try client.set("\(Daemon.prefix)/\(name)", "x") == "STORED") }
            try Shell.bash("ls \(daemon.path("stuck")) \(daemon.path("other"))")
            let program = Daemon.built("stuck-reader")
            let output = try daemon.scratch.file("stuck", containing: "")
            let reader = try Program(
                ["sh", "-c", "sleep 60 | \(program) \(daemon.path("stuck"))"], output: output, errors: output)
            defer { kill(-reader.pid, SIGKILL) }
            #expect(Shell.waitUntil(timeoutSeconds: 20) { daemon.scratch.text(of: "stuck").contains("stuck") })
            func seconds(_ name: String) throws -> Double {
                let start = Date()
                #expect(try client.set("\(Daemon.prefix)/\(name)", "y") == "STORED")
                return Date().timeIntervalSince(start)
            }
            // The answers come, though the directory stays locked: that is what is asked here.
            #expect(try seconds("stuck/new") >= 0.3)
            for name in ["other/new", "other/a", "stuck/a"] { _ = try seconds(name) }
            #expect(try client.get("\(Daemon.prefix)/stuck/new")?.value == "y")
            #expect(try Shell.run(["ls", daemon.path("other")], timeoutSeconds: 10).output == "a\nnew\n")
            #expect(try Files.text(daemon.path(".memfisd/stats")).contains("\ncoherence_timeouts 1\n"))
        }

        @Test("a page that somebody was reading when the port changed it is not kept: later readers get the new one")
        func stuckRead() throws {
            let daemon = try Daemon()
            defer { daemon.remove() }
            let client = try daemon.client()
            let key = Daemon.prefix + "/page"
            #expect(try client.set(key, "old page") == "STORED")
            #expect(try Files.text(daemon.path("page")) == "old page")
            let output = try daemon.scratch.file("stuck", containing: "")
            let reader = try Program(
                [
                    "bash", "-c",
                    "exec 3> >(exec \(Daemon.built("stuck-reader")) \(daemon.path("page"))); echo $! >&2; exec sleep 60",
                ],
                output: output, errors: daemon.scratch.path("reader"))
            #expect(Shell.waitUntil(timeoutSeconds: 20) { daemon.scratch.text(of: "stuck").contains("stuck") })
            #expect(try client.set(key, "new page") == "STORED")
            kill(-reader.pid, SIGKILL)
            reader.wait()
            #expect(try Shell.waitUntil(timeoutSeconds: 20) { try Files.text(daemon.path("page")) == "new page" })
        }

        @Test("overlayfs works with its upper and work directories on the mount, whiteouts and renames included")
        func overlay() throws {
            let daemon = try Daemon()
            defer { daemon.remove() }
            let merged = try daemon.scratch.directory("merged")
            let lower = try daemon.scratch.directory("lower")
            try Shell.bash(
                """
                cd \(daemon.mount!); mkdir up work; echo lower >\(lower)/a; mkdir \(lower)/d; echo lower >\(lower)/d/b
                mount -t overlay o -o lowerdir=\(lower),upperdir=$PWD/up,workdir=$PWD/work \(merged)
                cd \(merged); mv a c; rm d/b; echo upper >d/e; test "$(ls)" = "c
                d"; test "$(cat c)" = lower; test "$(ls d)" = e; cd /; umount \(merged)
                """)
            defer { Files.unmount(merged) }
            #expect(try Shell.bash("stat -c '%F %t,%T' \(daemon.path("up/a"))") == "character special file 0,0\n")
        }

        @Test("the control directory shows items, statistics and settings to root and the serving user alone")
        func control() throws {
            let daemon = try Daemon(["-u", "nobody"])
            defer { daemon.remove() }
            let client = try daemon.client()
            let items = daemon.path(".memfisd/items")
            #expect(try client.set("session/1", "secret") == "STORED")
            #expect(try Shell.bash("ls -A \(daemon.path(""))") == "")
            #expect(try Files.text(items + "/session%2F1") == "secret")
            #expect(try asNobody("cat \(items)/*").output == "secret")
            try Shell.bash("printf new > \(items)/made; rm \(items)/session%2F1")
            #expect(try client.get("made")?.value == "new")
            #expect(try client.get("session/1") == nil)
            for report in ["stats", "settings"] {
                let name = report == "stats" ? "published_bytes" : "maxconns"
                #expect(try Files.text(daemon.path(".memfisd/\(report)")).contains("\n\(name) "), "\(report)")
            }
            let other = try Shell.run(["setpriv", "--reuid", "1", "--regid", "1", "--clear-groups", "ls", items])
            #expect(other.errors.contains("Permission denied"))
        }

        @Test("no key, symlink or prefix leads into the control directory")
        func controlIsNoFile() throws {
            let daemon = try Daemon(["--prefix", "in=/.memfisd", "-u", "root"])
            defer { daemon.remove() }
            let client = try daemon.client()
            #expect(try client.set("session", "secret") == "STORED")
            try Files.makeSymlink(to: ".memfisd/items/session", at: daemon.path("relative"))
            try Files.makeSymlink(to: daemon.path(".memfisd/items/session"), at: daemon.path("absolute"))
            try Files.makeDirectory(daemon.path("d"))
            #expect(try Files.text(daemon.path("relative")) == "secret", "root may follow it on the mount")
            for key in [
                "in/items/session", "in/stats", "\(Daemon.prefix)/.memfisd/items/session", "\(Daemon.prefix)/relative",
                "\(Daemon.prefix)/absolute", "\(Daemon.prefix)/.memfisd/stats", "\(Daemon.prefix)/d/../.memfisd/stats",
            ] {
                #expect(try client.get(key) == nil, "\(key)")
                #expect(try client.set(key, "x") != "STORED", "\(key)")
            }
            #expect(try client.get("session")?.value == "secret")
        }

        @Test("-o metadata_keys answers the keys of the proof of concept, and nothing does so without it")
        func metadataKeys() throws {
            for isOn in [true, false] {
                let daemon = try Daemon(isOn ? ["-o", "metadata_keys"] : [])
                defer { daemon.remove() }
                try Files.write("page", to: daemon.path("a.css"))
                let client = try daemon.client()
                let listing = try client.get("\(Daemon.prefix)/")?.value
                #expect(listing == (isOn ? "[\n \".\", \n \"..\", \n \"a.css\"\n]" : nil))
                let attributes = try client.get("\(Daemon.prefix)/a.css?attr")?.value
                #expect((attributes?.contains("\"st_size\": 4") ?? false) == isOn)
            }
        }
    }
}
