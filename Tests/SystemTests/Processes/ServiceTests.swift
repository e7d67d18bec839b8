// ServiceTests: memfisd as a service of systemd: its units, readiness, descriptors, sockets.
import Foundation
import Testing

@testable import memfisd

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct ServiceTests {
        @Test(
            "run as its unit says, the server in a sandbox serves a mount that everybody sees; crash, reload and stop are in order",
            arguments: ["memfisd.service", "memfisd@.service"])
        func unit(name: String) throws {
            try Requirements.mountsArePossible()
            let scratch = try Scratch()
            defer { scratch.remove() }
            let mount = try scratch.directory("mnt")
            defer { Files.unmount(mount) }
            let site = try scratch.directory("site")
            for number in 0..<20 { _ = try scratch.file("site/\(number)", containing: "\(number)") }
            let port = try Ports.free()
            let configuration = try scratch.file(
                "memfisd.conf", containing: "port \(port)\nmountpoint \(mount)\nmemory-limit 32\nprefix memfis://test\n"
            )
            var unit = try Files.text(Repository.path("deploy/systemd/\(name)"))
            // The directory of the example.
            unit = unit.replacingOccurrences(of: "--preload /var/www/%i", with: "")
            try Shell.python(
                "service.py",
                [Daemon.programPath, try scratch.file(name, containing: unit), configuration, "\(port)", mount, site])
        }

        @Test("systemd finds nothing wrong in the units, and the exposure is low")
        func analysis() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            var paths: [String] = []
            for name in ["memfisd.service", "memfisd@.service", "memfisd.socket"] {
                var text = try Files.text(Repository.path("deploy/systemd/\(name)"))
                text = text.replacingOccurrences(of: "/usr/sbin/memfisd", with: Daemon.programPath)
                // The pages are installed by the package alone.
                text = text.replacingOccurrences(of: "Documentation=man:", with: "#")
                paths.append(try scratch.file(name.replacingOccurrences(of: "@", with: "@x"), containing: text))
            }
            let verdict = try Shell.run(["systemd-analyze", "verify"] + paths)
            #expect(verdict.status == 0 && verdict.errors == "", "\(verdict.errors)")
            for path in paths.prefix(2) {
                // In tenths; the parameter is the highest that passes.
                let security = try Shell.run(
                    ["systemd-analyze", "security", "--offline=yes", "--threshold=17", "--no-pager", path])
                #expect(security.status == 0, "\(security.output.suffix(200))")
            }
        }

        @Test("sockets that systemd holds stand for those of the options")
        func socketActivation() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let port = try Ports.free()
            let other = try Ports.free()
            let path = scratch.path("activated.sock")
            let program = try Program(
                [
                    "systemd-socket-activate", "-l", "127.0.0.1:\(port)", "-l", path, Daemon.programPath, "-p",
                    "\(other)",
                ], errors: try scratch.file("log", containing: ""))
            defer {
                kill(program.pid, SIGTERM)
                program.wait()
            }
            #expect(Shell.waitUntil(timeoutSeconds: 10) { Files.exists(path) })
            #expect(try MemcachedClient(port: port).set("a", "b") == "STORED")
            let answer = try Shell.bash("printf 'get a\\r\\nquit\\r\\n' | curl -s --unix-socket \(path) telnet://x")
            #expect(answer == "VALUE a 0 1\r\nb\r\nEND\r\n")
            #expect((try? MemcachedClient(port: other)) == nil)
        }

        @Test("a descriptor that does not listen is refused; descriptors for another process are left alone")
        func wrongDescriptors() throws {
            let line = "exec 3</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \(Daemon.programPath) -p -1"
            let result = try Shell.run(["bash", "-c", line], timeoutSeconds: 20)
            #expect(result.status == 71 && result.errors.contains("descriptor 3 of LISTEN_FDS is no listening socket"))
            #expect(
                try InheritedDescriptors.take(["LISTEN_FDS": "1", "LISTEN_PID": "1"]) == InheritedDescriptors.none)
        }

        @Test("--mount-only needs somebody who takes the device")
        func mountOnlyAlone() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let mount = try scratch.directory("mnt")
            let result = try Shell.run([Daemon.programPath, "--mount-only", mount], timeoutSeconds: 20)
            #expect(result.status == 64 && result.errors.contains("NOTIFY_SOCKET"))
            #expect(!Files.isMounted(mount))
        }
    }
}
