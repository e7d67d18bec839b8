// StuckEndTests: the server is killed while a thread of it waits inside of the kernel for a program that waits for the server.
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct StuckEndTests {
        private static let fileCount = 300

        /// Programs that list a directory, and others that replace its files through the port: a notice of the server waits
        /// for the directory, which a program keeps while it waits for an answer.
        private func load(_ daemon: Daemon) throws -> [Program] {
            let script = Repository.path("Tests/SystemTests/Scripts/replace_files.py")
            let replacing = [
                "/usr/bin/python3", "-B", script, daemon.socketPath, Daemon.prefix + "/d", "\(Self.fileCount)",
            ]
            // ls fails for a file that goes while it lists, too.
            let directory = daemon.path("d")
            let listing = ["bash", "-c", "while ls -l \(directory) > /dev/null || [ -d \(directory) ]; do :; done"]
            let client = try daemon.client()
            for number in 0..<Self.fileCount {
                #expect(try client.set("\(Daemon.prefix)/d/\(number)", "x") == "STORED")
            }
            return try (0..<4).map { _ in try Program(replacing) } + (0..<4).map { _ in try Program(listing) }
        }

        /// How many files the programs have removed to write them anew.
        private static func replaced(_ daemon: Daemon) throws -> Int {
            let client = try daemon.client()
            try client.send("stats\r\n")
            var count = 0
            while case let line = try client.line(), line != "END" {
                if line.hasPrefix("STAT delete_hits ") { count = Int(line.dropFirst(17)) ?? 0 }
            }
            return count
        }

        /// Stops the server so that one thread of it waits inside of the kernel, which no signal ends.
        private func stopStuck(_ server: pid_t) -> Bool {
            Shell.waitUntil(timeoutSeconds: 60) {
                kill(server, SIGSTOP)
                usleep(30_000)
                let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(server)/task")) ?? []
                let isStuck = threads.contains { thread in
                    (try? Files.text("/proc/\(server)/task/\(thread)/status"))?.contains("State:\tD") ?? false
                }
                if !isStuck { kill(server, SIGCONT) }
                return isStuck
            }
        }

        @Test(
            "kill -9 of a server or a monitor ends everything, a thread that waits inside of the kernel too",
            arguments: ["server", "monitor"])
        func killed(victim: String) throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let daemon = try Daemon(["-u", "root"], scratch: scratch)
            let mount = try #require(daemon.mount)
            let server = daemon.serverPid
            let programs = try load(daemon)
            #expect(stopStuck(server), "no thread waited inside of the kernel")
            kill(victim == "server" ? server : daemon.pid, SIGKILL)

            let isGone = Shell.waitUntil(timeoutSeconds: 15) { !Files.isMounted(mount) && kill(server, 0) != 0 }
            #expect(isGone, "the server or its mount stays")
            if !isGone { Files.abort(mount) }
            #expect(daemon.waitForEnd() == 128 + SIGKILL)
            #expect(Shell.waitUntil(timeoutSeconds: 10) { programs.allSatisfy { !$0.isRunning } }, "a program hangs")
            for program in programs where program.isRunning {
                kill(program.pid, SIGKILL)
                program.wait()
            }
        }

        @Test("SIGTERM ends a server whose threads wait for programs of the mount", arguments: 1...5)
        func stopped(round: Int) throws {
            let daemon = try Daemon(["-u", "root"])
            defer { daemon.remove() }
            let mount = try #require(daemon.mount)
            let programs = try load(daemon)
            let isReplacing = try Shell.waitUntil(timeoutSeconds: 60) {
                try Self.replaced(daemon) > 2 * Self.fileCount
            }
            #expect(isReplacing, "the programs replace no files")
            kill(daemon.pid, SIGTERM)
            let isGone = Shell.waitUntil(timeoutSeconds: 20) { !daemon.isRunning && !Files.isMounted(mount) }
            #expect(isGone, "round \(round): the daemon or its mount stays")
            for program in programs {
                kill(program.pid, SIGKILL)
                program.wait()
            }
        }
    }
}
