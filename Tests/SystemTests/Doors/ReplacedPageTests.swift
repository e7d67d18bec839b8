// ReplacedPageTests: pages and logs that real programs replace, overwrite without room, or cut while others have them open.
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct ReplacedPageTests {
        /// Runs a script on a directory of the mount that belongs to the serving user.
        private func run(_ script: String, _ daemon: Daemon, _ more: [String] = []) throws {
            try Shell.bash("mkdir -m 0777 \(daemon.path("site")) && mkdir \(daemon.scratch.path("work"))")
            try Shell.python(
                script,
                [daemon.path("site"), "\(daemon.port)", Daemon.prefix + "/site", daemon.scratch.path("work")] + more)
        }

        @Test("a page that programs replace is shown old or new and whole, and new at once, whoever reads it meanwhile")
        func replaced() throws {
            let daemon = try Daemon(["-m", "256", "--publish-interval", "0.2"])
            defer { daemon.remove() }
            try run("held_page.py", daemon)
        }

        @Test("a daemon in a pid namespace of its own, to which all writers are unknown, shows whole pages too")
        func otherNamespace() throws {
            let daemon = try Daemon(
                ["-m", "256", "--publish-interval", "0.2"], wrapper: ["unshare", "--pid", "--fork", "--kill-child"])
            defer {
                // unshare passes no signal on.
                kill(daemon.serverPid, SIGTERM)
                _ = daemon.waitForEnd()
                daemon.remove()
            }
            try run("held_page.py", daemon)
        }

        @Test("an overwrite for which files have no room leaves the old page", arguments: ["limit of files", "memory"])
        func failed(room: String) throws {
            let daemon = try Daemon(room == "memory" ? ["-m", "64"] : ["-m", "256", "--files-max-bytes", "4m"])
            defer { daemon.remove() }
            try run("failed_overwrite.py", daemon, ["\((room == "memory" ? 80 : 8) << 20)"])
        }

        @Test("a log is followed through rotation while its writer keeps it open")
        func rotation() throws {
            let daemon = try Daemon(["--publish-interval", "0.2"])
            defer { daemon.remove() }
            try run("log_rotation.py", daemon)
        }

        @Test(
            "plain text over a page with the flag of gzip is served as plain text; appends keep the flag",
            arguments: [
                "cp NEW PAGE", "cat NEW > PAGE", "tee PAGE < NEW > /dev/null", "dd if=NEW of=PAGE status=none",
                "truncate -s 0 PAGE && cat NEW >> PAGE && false || cp NEW PAGE", "perl -pi -e 's/^.*$/new/s' PAGE",
                "rsync --inplace --ignore-times NEW PAGE && truncate -s 0 PAGE && cp NEW PAGE",
            ])
        func flags(command: String) throws {
            let daemon = try Daemon()
            defer { daemon.remove() }
            let client = try daemon.client()
            let key = Daemon.prefix + "/page"
            let new = try daemon.scratch.file("new", containing: "new\n")
            #expect(try client.set(key, "packed", flags: 2, exptime: 3000) == "STORED")
            try Shell.bash(
                "printf x >> \(daemon.path("page")); chmod 0664 \(daemon.path("page")); touch \(daemon.path("page"))")
            #expect(try client.get(key)?.flags == 2)
            try Shell.bash(
                command.replacingOccurrences(of: "NEW", with: new)
                    .replacingOccurrences(of: "PAGE", with: daemon.path("page")))
            #expect(try client.get(key)?.flags == 0)
            #expect(try client.command("mg \(key) t") == "HD t-1")
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
    }
}
