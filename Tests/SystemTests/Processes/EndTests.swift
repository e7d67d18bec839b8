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

        /// The sentinel, a child of the server.
        private static func sentinel(of server: pid_t) throws -> pid_t {
            let children = try Files.text("/proc/\(server)/task/\(server)/children")
            return try #require(children.split(separator: " ").first.flatMap { pid_t($0) })
        }

        @Test("a sentinel that was killed is replaced, and the new one does its work when the monitor is killed")
        func sentinelKilled() throws {
            let daemon = try Daemon(["-m", "32"])
            defer { daemon.remove() }
            let server = daemon.serverPid
            for _ in 0..<2 {
                let before = try Self.sentinels(of: daemon, server)
                for process in before { kill(process, SIGKILL) }
                #expect(
                    try Shell.waitUntil(timeoutSeconds: 20) {
                        let now = try Self.sentinels(of: daemon, server)
                        return !now.isEmpty && now.isDisjoint(with: before)
                    })
            }
            #expect(daemon.log.contains("the sentinel process ended; another one is in its place"))
            kill(daemon.pid, SIGKILL)
            #expect(Shell.waitUntil(timeoutSeconds: 20) { kill(server, 0) != 0 })
            #expect(Shell.waitUntil(timeoutSeconds: 20) { !Files.isMounted(daemon.mount!) })
        }

        /// Living processes called so that are children of the monitor or the server.
        private static func sentinels(of daemon: Daemon, _ server: pid_t) throws -> Set<pid_t> {
            var result: Set<pid_t> = []
            for parent in [daemon.pid, server] {
                let path = "/proc/\(parent)/task/\(parent)/children"
                let children = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
                for child in children.split(separator: " ").compactMap({ pid_t($0) }) {
                    let status = (try? String(contentsOfFile: "/proc/\(child)/status", encoding: .utf8)) ?? ""
                    if status.contains("memfisd-sentry"), !status.contains("State:\tZ") { result.insert(child) }
                }
            }
            return result
        }

        @Test("when monitor and sentinel are killed at once the server ends, and the next start cleans the mount")
        func bothKilled() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let daemon = try Daemon(scratch: scratch)
            let mount = try #require(daemon.mount)
            let server = daemon.serverPid
            let sentinel = try Self.sentinel(of: server)
            // Stopped, it cannot put another sentinel in the place of the one that ends first.
            kill(daemon.pid, SIGSTOP)
            for process in [sentinel, daemon.pid] { kill(process, SIGKILL) }
            _ = daemon.waitForEnd()
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
            let sentinel = try Self.sentinel(of: server)
            kill(daemon.pid, SIGSTOP)
            for process in [sentinel, daemon.pid, server] { kill(process, SIGKILL) }
            _ = daemon.waitForEnd()
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
