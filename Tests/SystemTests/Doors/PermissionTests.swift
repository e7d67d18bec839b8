// PermissionTests: the port reads and writes files by the rights of the serving user.
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct PermissionTests {
        /// Files of several owners, made by root on the mount. 1234 owns the private ones.
        private static let tree = """
            umask 022
            echo open > open && echo secret > secret && chown 1234:1234 secret && chmod 0600 secret
            echo group > group && chown 1234:nogroup group && chmod 0640 group
            echo rootgroup > rootgroup && chown 1234:root rootgroup && chmod 0640 rootgroup
            echo root > rootfile && chmod 0600 rootfile
            mkdir closed && echo below > closed/below && chown 1234 closed && chmod 0700 closed
            mkdir drop && chown 1234 drop && chmod 0755 drop
            mkdir ours && chmod 0777 ours
            ln -s /etc/passwd passwd && ln -s ../../../../../../etc/passwd relative
            ln -s open link && ln -s secret hidden
            """

        /// What each key gives for each serving user; nil is a miss.
        private static let expected: [(name: String, root: String?, nobody: String?)] = [
            ("open", "open\n", "open\n"), ("secret", nil, nil), ("group", nil, "group\n"),
            ("rootgroup", "rootgroup\n", nil), ("rootfile", "root\n", nil), ("closed/below", nil, nil),
            ("passwd", nil, nil), ("relative", nil, nil), ("link", "open\n", "open\n"), ("hidden", nil, nil),
        ]

        @Test(
            "-u root, -u nobody and no -u serve what owner, group and others may read, and nothing else",
            arguments: ["root", "nobody", ""])
        func reading(user: String) throws {
            let daemon = try Daemon(user.isEmpty ? [] : ["-u", user])
            defer { daemon.remove() }
            try Shell.bash("cd \(daemon.path("")); \(Self.tree)")
            let client = try daemon.client()
            for (name, root, nobody) in Self.expected {
                let value = try client.get("\(Daemon.prefix)/\(name)")?.value
                #expect(value == (user == "root" ? root : nobody), "\(name) as \(user)")
            }
        }

        @Test("a write by the port needs the same rights, and what it creates belongs to the serving user")
        func writing() throws {
            let daemon = try Daemon(["-u", "nobody"])
            defer { daemon.remove() }
            try Shell.bash("cd \(daemon.path("")); \(Self.tree)")
            let client = try daemon.client()
            let refused = "SERVER_ERROR permission denied"
            for name in ["secret", "group", "open", "drop/new", "closed/new"] {
                #expect(try client.set("\(Daemon.prefix)/\(name)", "x") == refused, "\(name)")
            }
            #expect(try client.command("delete \(Daemon.prefix)/drop/none") == "NOT_FOUND")
            #expect(try client.command("delete \(Daemon.prefix)/closed/below") == refused)
            #expect(try client.set("\(Daemon.prefix)/ours/dir/new", "x") == "STORED")
            #expect(try Shell.bash("stat -c '%U %a' \(daemon.path("ours/dir/new"))") == "nobody 644\n")
            #expect(try Shell.bash("stat -c '%U %a' \(daemon.path("ours/dir"))") == "nobody 755\n")
            #expect(try Shell.bash("cat \(daemon.path("open"))") == "open\n")
            #expect(try client.set("\(Daemon.prefix)/ours", "x") == "SERVER_ERROR is a directory")
            #expect(try client.set("\(Daemon.prefix)/open/x", "x") == "SERVER_ERROR not a directory")
        }

        @Test("the server process is the serving user and cannot become root again")
        func processUser() throws {
            let daemon = try Daemon(["-u", "nobody"])
            defer { daemon.remove() }
            let status = try String(contentsOfFile: "/proc/\(daemon.serverPid)/status", encoding: .utf8)
            #expect(daemon.serverPid != daemon.pid)
            #expect(status.contains("Uid:\t65534\t65534\t65534\t65534"))
            #expect(status.contains("Gid:\t65534\t65534\t65534\t65534"))
            #expect(status.contains("CapEff:\t0000000000000000") && status.contains("CapPrm:\t0000000000000000"))
        }

        @Test("an ordinary user mounts through fusermount3, copies, fetches and unmounts")
        func ordinaryUser() throws {
            try Requirements.mountsArePossible()
            let scratch = try Scratch()
            defer { scratch.remove() }
            let port = try Ports.free()
            // A mount namespace of its own, with a device that the user may open.
            let lines = """
                set -eo pipefail
                mknod \(scratch.path)/fuse c 10 229 && chmod 666 \(scratch.path)/fuse
                mount --bind \(scratch.path)/fuse /dev/fuse
                mkdir \(scratch.path)/mnt && chown 65534 \(scratch.path)/mnt
                cat > \(scratch.path)/user.sh <<'USER'
                set -e
                cd \(scratch.path)
                \(Daemon.programPath) -p \(port) --prefix \(Daemon.prefix) mnt 2>log &
                pid=$!
                trap 'kill -9 $pid; cat log' EXIT
                for i in $(seq 100); do grep -q ready log && break; sleep 0.1; done
                grep -q ready log
                echo page > mnt/page
                printf 'get \(Daemon.prefix)/page\\r\\nquit\\r\\n' | curl -s telnet://127.0.0.1:\(port) | tr -d '\\r' > reply
                echo foreign > mnt/private && chmod 000 mnt/private
                printf 'get \(Daemon.prefix)/private\\r\\nquit\\r\\n' | curl -s telnet://127.0.0.1:\(port) | tr -d '\\r' >> reply
                kill -TERM $pid
                trap - EXIT
                wait $pid && echo "status 0" >> reply
                grep -q "\(scratch.path)/mnt" /proc/self/mountinfo && echo "still mounted" >> reply
                cat reply
                USER
                touch \(scratch.path)/log \(scratch.path)/reply && chown 65534 \(scratch.path)/log \(scratch.path)/reply
                setpriv --reuid 65534 --regid 65534 --clear-groups bash \(scratch.path)/user.sh
                """
            let result = try Shell.run(["unshare", "-m", "bash", "-c", lines])
            #expect(
                result.output == "VALUE \(Daemon.prefix)/page 0 5\npage\n\nEND\nEND\nstatus 0\n", "\(result.errors)")
        }
    }
}
