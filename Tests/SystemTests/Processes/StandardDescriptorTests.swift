// StandardDescriptorTests: memfisd started with stdin, stdout or stderr closed, as some supervisors and scripts do.
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct StandardDescriptorTests {
        static let closings = ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"]

        @Test("it serves, logs to its file and ends in order", arguments: closings, [true, false])
        func foreground(closing: String, isMounted: Bool) throws {
            let scratch = try Scratch()
            let daemon = try Daemon(
                ["--log-file", scratch.path("log"), "-vv"], mounted: isMounted, scratch: scratch,
                wrapper: ["bash", "-c", "exec \"$@\" \(closing)", "bash"])
            defer { daemon.remove() }
            #expect(try daemon.client().set("key", "value") == "STORED")
            for descriptor in 0...2 {
                let target = try FileManager.default.destinationOfSymbolicLink(
                    atPath: "/proc/\(daemon.serverPid)/fd/\(descriptor)")
                #expect(descriptor == 2 ? target == scratch.path("log") : target != scratch.path("log"))
                #expect(!target.hasPrefix("socket:") && !target.contains("signalfd"))
            }
            #expect(daemon.stop() == 0)
            #expect(daemon.log.contains("stopped"))
            if let mount = daemon.mount { #expect(!Files.isMounted(mount)) }
        }

        @Test("in the background it lets the shell go and ends on SIGTERM", arguments: closings, [true, false])
        func background(closing: String, isMounted: Bool) throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let port = try Ports.free()
            let mount = try scratch.directory("mnt")
            defer { Files.unmount(mount) }
            let words =
                [Daemon.programPath, "-d", "-p", "\(port)", "-P", scratch.path("pid"), "-m", "16", "--config", ""]
                + (isMounted ? [mount] : [])
            let result = try Shell.run(
                ["bash", "-c", "exec \"$@\" \(closing)", "bash"] + words, timeoutSeconds: 20)
            #expect(result.status == 0, "\(result.errors)")
            let process = try #require(pid_t(scratch.text(of: "pid").trimmingCharacters(in: .whitespacesAndNewlines)))
            #expect(try MemcachedClient(port: port).set("key", "value") == "STORED")
            kill(process, SIGTERM)
            #expect(Shell.waitUntil(timeoutSeconds: 20) { kill(process, 0) != 0 })
            #expect(!Files.isMounted(mount))
        }
    }
}
