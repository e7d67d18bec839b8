// MonitoringTests: the checks that docs/migration.md gives to operators, run by the programs they are for, against a
// server that lives and against one that is gone.
import Foundation
import Testing

extension SystemTests {
    @Suite struct MonitoringTests {
        /// The indented block of the page that contains `word`, for a server on `port`.
        private static func block(with word: String, port: Int) throws -> String {
            let page = try Files.text(Repository.path("docs/migration.md"))
            let part = try #require(page.components(separatedBy: "### Monitoring").last)
            let blocks = part.components(separatedBy: "\n\n").filter { $0.hasPrefix("    ") }
            let found = try #require(blocks.first { $0.contains(word) })
            return found.split(separator: "\n").map { $0.dropFirst(4) }.joined(separator: "\n")
                .replacingOccurrences(of: "11211", with: "\(port)")
        }

        @Test("check_tcp")
        func nagios() throws {
            let daemon = try Daemon(mounted: false)
            defer { daemon.remove() }
            let command = try Self.block(with: "check_tcp", port: daemon.port)
            #expect(try Shell.run(["bash", "-c", command]).status == 0)
            daemon.stop()
            #expect(try Shell.run(["bash", "-c", command]).status == 2)
        }

        @Test("monit")
        func monit() throws {
            let daemon = try Daemon(mounted: false)
            defer { daemon.remove() }
            let scratch = try Scratch()
            defer { scratch.remove() }
            let check = try Self.block(with: "check host memfisd", port: daemon.port)
            let file = try scratch.file(
                "monitrc",
                containing: """
                    set daemon 1
                    set pidfile \(scratch.path("pid"))
                    set idfile \(scratch.path("id"))
                    set statefile \(scratch.path("state"))
                    \(check.replacingOccurrences(of: "for 3 cycles ", with: ""))

                    """)
            try Shell.bash("chmod 600 \(file)")
            let monit = try Program(["/usr/bin/monit", "-v", "-I", "-c", file, "-l", scratch.path("log")])
            defer {
                kill(monit.pid, SIGKILL)
                monit.wait()
            }
            let log = { scratch.text(of: "log") }
            #expect(
                Shell.waitUntil(timeoutSeconds: 60) {
                    log().contains("succeeded testing protocol") || log().contains("failed protocol")
                })
            #expect(!log().contains("failed protocol"), "\(log())")
            daemon.stop()
            #expect(
                Shell.waitUntil(timeoutSeconds: 60) {
                    log().contains("failed protocol test")
                }, "\(log())")
        }

        @Test("HAProxy")
        func haproxy() throws {
            let daemon = try Daemon(mounted: false)
            defer { daemon.remove() }
            let scratch = try Scratch()
            defer { scratch.remove() }
            let backend = try Self.block(with: "backend memfisd", port: daemon.port)
            let file = try scratch.file(
                "haproxy.cfg",
                containing: """
                    global
                        stats socket \(scratch.path("admin")) level admin
                    defaults
                        timeout connect 5s
                        timeout client 5s
                        timeout server 5s
                    \(backend) inter 100 rise 1 fall 1

                    """)
            let program = try Program(["/usr/sbin/haproxy", "-db", "-f", file])
            defer {
                kill(program.pid, SIGKILL)
                program.wait()
            }
            /// The backend's server: its check's last answer, as `show stat` has it.
            func state() throws -> String {
                try Shell.run([
                    "/usr/bin/python3", "-c",
                    """
                    import socket, sys
                    s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(b"show stat\\n")
                    for line in s.makefile():
                        fields = line.split(",")
                        if fields[:2] == ["memfisd", "memfisd"]: print(fields[17], fields[36])
                    """, scratch.path("admin"),
                ]).output
            }
            #expect(try Shell.waitUntil(timeoutSeconds: 60) { try state().hasPrefix("UP L7OK") })
            daemon.stop()
            #expect(try Shell.waitUntil(timeoutSeconds: 60) { try state().hasPrefix("DOWN") })
        }
    }
}
