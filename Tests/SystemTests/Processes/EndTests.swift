// EndTests: however a process of the daemon ends, no mount stays dead and nobody hangs.
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct EndTests {
        /// Keeps the mount busy: a reader, a writer, a working directory and an open file, until it fails.
        private static func busyPrograms(_ mount: String) throws -> [Program] {
            let lines = [
                "cd \(mount) && while cat page > /dev/null; do :; done",
                "cd \(mount) && while echo more >> written; do :; done",
                "cd \(mount) && exec 3> open && while echo x >&3; do sleep 0.01; done",
            ]
            return try lines.map { try Program(["bash", "-c", $0]) }
        }

        @Test(
            "kill -9 of the server or the monitor while the mount is busy leaves no hung process and no dead mount",
            arguments: ["server", "monitor"])
        func killed(victim: String) throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let daemon = try Daemon(["-m", "128"], scratch: scratch)
            let mount = try #require(daemon.mount)
            try Shell.bash("head -c 5000000 /dev/urandom > \(mount)/page")
            let server = daemon.serverPid
            let programs = try Self.busyPrograms(mount)
            let isBusy = Shell.waitUntil(timeoutSeconds: 60) {
                ["written", "open"].allSatisfy { !((try? Files.text("\(mount)/\($0)")) ?? "").isEmpty }
            }
            #expect(isBusy, "no program has written")
            #expect(programs.allSatisfy { $0.isRunning })
            kill(victim == "server" ? server : daemon.pid, SIGKILL)

            #expect(Shell.waitUntil(timeoutSeconds: 10) { !Files.isMounted(mount) }, "the mount stays")
            #expect(Shell.waitUntil(timeoutSeconds: 10) { kill(server, 0) != 0 }, "the server stays")
            #expect(daemon.waitForEnd() == 128 + SIGKILL)
            #expect(Shell.waitUntil(timeoutSeconds: 10) { programs.allSatisfy { !$0.isRunning } }, "a program hangs")
            for program in programs where program.isRunning {
                kill(program.pid, SIGKILL)
                program.wait()
            }

            let next = try Daemon(scratch: scratch)
            #expect(try FileManager.default.contentsOfDirectory(atPath: mount) == [])
            #expect(next.stop() == 0)
            #expect(!Files.isMounted(mount))
        }

        /// The children of a process, the zombies among them.
        private static func children(of process: pid_t) -> [pid_t] {
            let path = "/proc/\(process)/task/\(process)/children"
            let numbers = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            return numbers.split(separator: " ").compactMap { pid_t($0) }
        }

        /// What ps(1) shows of a process in one of its columns.
        private static func shown(_ column: String, _ process: pid_t) throws -> String {
            try Shell.run(["ps", "-o", "\(column)=", "-p", "\(process)"]).output
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }

        /// The sentinel, a child of the monitor.
        private static func sentinel(of daemon: Daemon) throws -> pid_t {
            let server = daemon.serverPid
            return try #require(children(of: daemon.pid).first { $0 != server })
        }

        /// Kills the monitor and others. It is stopped first, so that it cannot put another sentinel in the place of the one that
        /// ends first.
        private static func killMonitor(of daemon: Daemon, and others: [pid_t]) {
            kill(daemon.pid, SIGSTOP)
            for process in others + [daemon.pid] { kill(process, SIGKILL) }
            _ = daemon.waitForEnd()
        }

        @Test("ps tells the three processes apart, by short names and by command lines")
        func names() throws {
            let daemon = try Daemon(["-m", "32"])
            defer { daemon.remove() }
            let processes = [daemon.pid, daemon.serverPid, try Self.sentinel(of: daemon)]
            let names = try processes.map { try Self.shown("comm", $0) }
            #expect(names == ["memfisd-monitor", "memfisd", "memfisd-sentry"])
            let lines = try processes.map { try Self.shown("args", $0) }
            #expect(lines[0].hasPrefix("memfisd: monitor -p \(daemon.port) "))
            #expect(lines[1].hasPrefix("\(Daemon.programPath) -p \(daemon.port) "))
            #expect(lines[2].hasPrefix("memfisd: sentinel -p \(daemon.port) "))
            // The variables lie behind the words.
            #expect(try Files.text("/proc/\(daemon.pid)/environ").contains("MEMFISD_CONFIG=\0"))
        }

        @Test(
            """
            a sentinel that was killed is replaced and leaves no zombie, and the new one does its work when the monitor and \
            all of its process group are killed
            """)
        func sentinelKilled() throws {
            let daemon = try Daemon(["-m", "32"])
            defer { daemon.remove() }
            let server = daemon.serverPid
            for count in 1...2 {
                kill(try Self.sentinel(of: daemon), SIGKILL)
                let message = "the sentinel process ended; another one is in its place"
                let isReplaced = Shell.waitUntil(timeoutSeconds: 20) {
                    daemon.log.split(separator: "\n").count { $0.contains(message) } == count
                        && Self.children(of: daemon.pid).count == 2
                }
                #expect(isReplaced && Self.children(of: server).isEmpty, "\(daemon.log)")
            }
            kill(-daemon.pid, SIGKILL)
            #expect(Shell.waitUntil(timeoutSeconds: 20) { kill(server, 0) != 0 })
            #expect(Shell.waitUntil(timeoutSeconds: 20) { !Files.isMounted(daemon.mount!) })
        }

        @Test("when monitor and sentinel are killed at once the server ends, and the next start cleans the mount")
        func bothKilled() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let daemon = try Daemon(scratch: scratch)
            let mount = try #require(daemon.mount)
            let server = daemon.serverPid
            let sentinel = try Self.sentinel(of: daemon)
            Self.killMonitor(of: daemon, and: [sentinel])
            #expect(Shell.waitUntil(timeoutSeconds: 10) { kill(server, 0) != 0 }, "the server stays")
            #expect(Files.isDeadMount(mount) || !Files.isMounted(mount))
            let next = try Daemon(scratch: scratch)
            #expect(try FileManager.default.contentsOfDirectory(atPath: mount) == [])
            #expect(next.stop() == 0)
        }

        @Test("a mount whose server, monitor and sentinel were all killed is cleaned by the next start")
        func allKilled() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let daemon = try Daemon(scratch: scratch)
            let mount = try #require(daemon.mount)
            let server = daemon.serverPid
            let sentinel = try Self.sentinel(of: daemon)
            Self.killMonitor(of: daemon, and: [sentinel, server])
            #expect(Shell.waitUntil(timeoutSeconds: 10) { Files.isDeadMount(mount) })
            let next = try Daemon(scratch: scratch)
            #expect(try FileManager.default.contentsOfDirectory(atPath: mount) == [])
            #expect(next.stop() == 0)
        }

        @Test(
            "SIGTERM and SIGINT unmount a busy mount, end every process and exit with 0",
            arguments: [SIGTERM, SIGINT, SIGUSR1])
        func stopped(signal: Int32) throws {
            let daemon = try Daemon()
            defer { daemon.remove() }
            let mount = try #require(daemon.mount)
            let server = daemon.serverPid
            let holder = try OpenFile(mount + "/open")
            defer { holder.close() }
            #expect(daemon.stop(signal: signal) == 0)
            #expect(!Files.isMounted(mount))
            #expect(kill(server, 0) != 0)
            #expect(daemon.log.contains("stopped"))
        }

        @Test("a client that is reading a large value when SIGTERM comes gets it whole")
        func drained() throws {
            let daemon = try Daemon(["-m", "128"])
            defer { daemon.remove() }
            let client = try daemon.client()
            try Shell.bash("head -c 30000000 /dev/zero | tr '\\0' x > \(daemon.path("large"))")
            try client.send("get \(Daemon.prefix)/large\r\n")
            #expect(try client.line() == "VALUE \(Daemon.prefix)/large 0 30000000")
            kill(daemon.pid, SIGTERM)
            #expect(try client.bytes(30_000_000).allSatisfy { $0 == UInt8(ascii: "x") })
            #expect(try client.line() == "" && client.line() == "END")
            #expect(daemon.waitForEnd() == 0)
        }

        @Test("further mount points show the same tree and go with the first")
        func severalMountPoints() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let second = try scratch.directory("second")
            let daemon = try Daemon([second], scratch: scratch)
            defer { daemon.remove() }
            // The last word of the command line is the test's own mount point, so `second` comes first.
            try Shell.bash("echo page > \(second)/page && test $(cat \(daemon.path("page"))) = page")
            #expect(daemon.stop() == 0)
            #expect(!Files.isMounted(second) && !Files.isMounted(daemon.path("").dropLast().description))
        }
    }
}
