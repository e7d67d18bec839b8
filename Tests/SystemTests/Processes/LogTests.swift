// LogTests: where the log goes and what a line of it looks like.
import Foundation
import Testing

extension SystemTests {
    @Suite struct LogTests {
        /// Runs memfisd until it is ready, with its standard error connected to a stream that is said to be the journal's.
        private func lines(_ words: [String], asJournal: Bool) throws -> [String] {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let port = try Ports.free()
            let log = try scratch.file("log", containing: "")
            let attributes = try FileManager.default.attributesOfItem(atPath: log)
            var environment: [String: String] = [:]
            if asJournal {
                let (device, inode) = (attributes[.systemNumber] as? Int, attributes[.systemFileNumber] as? Int)
                environment["JOURNAL_STREAM"] = "\(try #require(device)):\(try #require(inode))"
            }
            let program = try Program(
                [Daemon.programPath, "-p", "\(port)", "--config", ""] + words, errors: log, environment: environment)
            #expect(
                Shell.waitUntil(timeoutSeconds: 20) { scratch.text(of: "log").contains("ready") || !program.isRunning })
            if program.isRunning { kill(program.pid, SIGTERM) }
            program.wait()
            return scratch.text(of: "log").split(separator: "\n").map(String.init)
        }

        @Test("under systemd each line begins with its priority, and has neither time nor name")
        func journal() throws {
            let lines = try lines(["-U", "11211", "-v"], asJournal: true)
            #expect(lines.allSatisfy { $0.hasPrefix("<") && !$0.contains("memfisd: ") && !$0.contains("T0") })
            #expect(lines.contains { $0.hasPrefix("<4>-U is accepted") })
            #expect(lines.contains { $0.hasPrefix("<5>ready: ") })
            #expect(lines.contains { $0.hasPrefix("<6>starting memfisd") })
            let failure = try self.lines(["-m", "0"], asJournal: true)
            #expect(failure == ["<3>-m 0: expected a number from 1 to 67108864"])
        }

        @Test("elsewhere a line has a time, a level and the name once")
        func plain() throws {
            let form = try Regex(
                "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[+-][0-9]{4} (info|notice|warning) memfisd: [^ ].*$")
            let lines = try lines(["-v"], asJournal: false)
            #expect(lines.count > 3)
            for line in lines { #expect(line.contains(form) && line.ranges(of: "memfisd: ").count == 1, "\(line)") }
        }

        @Test("the log file is opened again on SIGHUP by all processes, also after it was moved away")
        func rotation() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            Files.setMode(scratch.path, 0o777)
            let log = scratch.path("memfisd.log")
            let daemon = try Program(
                [
                    Daemon.programPath, "-p", "\(try Ports.free())", "--config", "", "--log-file", log,
                    try scratch.directory("mnt"),
                ], errors: scratch.path("errors"))
            defer { Files.unmount(scratch.path("mnt")) }
            #expect(Shell.waitUntil(timeoutSeconds: 20) { scratch.text(of: "memfisd.log").contains("ready") })
            try Files.rename(log, to: log + ".1")
            kill(daemon.pid, SIGHUP)
            #expect(Shell.waitUntil(timeoutSeconds: 20) { scratch.text(of: "memfisd.log").contains("opened again") })
            kill(daemon.pid, SIGTERM)
            daemon.wait()
            #expect(scratch.text(of: "memfisd.log").contains("stopped"))
            #expect(!scratch.text(of: "memfisd.log.1").contains("stopped"))
        }

        @Test("in the background lines go to syslog, and warnings of the start to the shell too")
        func syslog() throws {
            try Requirements.mountsArePossible()
            let scratch = try Scratch()
            defer { scratch.remove() }
            let output = try Shell.python(
                "syslog.py",
                [Daemon.programPath, "\(try Ports.free())", scratch.path, try scratch.directory("mnt")])
            #expect(output.contains("memfisd[") && output.contains("ready: "))
        }
    }
}
