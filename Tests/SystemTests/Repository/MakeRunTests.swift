// MakeRunTests: `make run` serves the sample site and leaves nothing behind.
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct MakeRunTests {
        private func start(_ scratch: Scratch, port: Int, httpPort: Int, mount: String? = nil) throws -> Program {
            try Requirements.mountsArePossible()
            return try Program(
                [Repository.path("scripts/run")], output: try scratch.file("output", containing: ""),
                errors: try scratch.file("errors", containing: ""),
                environment: [
                    "MEMFISD": Daemon.programPath, "PORT": "\(port)", "HTTP_PORT": "\(httpPort)",
                    "RUN": scratch.path("run"), "MNT": mount ?? scratch.path("run/mnt"),
                ])
        }

        @Test("it serves the sample site, and SIGINT stops nginx and memfisd and unmounts")
        func serves() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let (port, httpPort) = (try Ports.free(), try Ports.free())
            let program = try start(scratch, port: port, httpPort: httpPort)
            let isUp = Shell.waitUntil(timeoutSeconds: 60) {
                scratch.text(of: "output").contains("Ctrl-C") || !program.isRunning
            }
            #expect(isUp && program.isRunning, "\(scratch.text(of: "output"))\(scratch.text(of: "errors"))")
            for page in ["about.html", "style.css", "pictures/memory.svg", "articles/index.html"] {
                let source = try String(contentsOfFile: Repository.path("deploy/sample-site/\(page)"), encoding: .utf8)
                #expect(try Web.get(httpPort, "/\(page)") == WebAnswer(status: 200, body: source))
            }
            #expect(try Web.get(httpPort, "/latest/").status == 200)
            // What the output says to try: the port may make a file in the root of the tree.
            #expect(try MemcachedClient(port: port).set(Daemon.prefix + "/port.html", "hello") == "STORED")
            #expect(try Web.get(httpPort, "/articles/names%20with%20blanks%20and%20100%25.html").status == 200)
            let type = try Shell.bash("curl -sI http://127.0.0.1:\(httpPort)/ | tr -d '\\r' | grep -i ^content-type")
            #expect(type == "Content-Type: text/html\n")
            kill(program.pid, SIGINT)
            #expect(program.wait() == 0)
            #expect((try? MemcachedClient(port: port)) == nil && (try? MemcachedClient(port: httpPort)) == nil)
            let mounts = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
            #expect(!mounts.contains(scratch.path("run/mnt")))
        }

        @Test("a mount point that is taken is named, and nothing is written")
        func mountTaken() throws {
            let daemon = try Daemon()
            defer { daemon.remove() }
            let mount = try #require(daemon.mount)
            let scratch = try Scratch()
            defer { scratch.remove() }
            let program = try start(scratch, port: try Ports.free(), httpPort: try Ports.free(), mount: mount)
            #expect(program.wait() == 1)
            #expect(scratch.text(of: "errors").contains("\(mount) is a mount already - choose another: make run MNT="))
            #expect(!Files.exists(scratch.path("run")))
        }

        @Test("a second run leaves what the first one wrote")
        func runsAlready() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            _ = try scratch.directory("run")
            let first = try Program(["bash", "-c", "sleep 60; : scripts/run"])
            defer {
                kill(-first.pid, SIGKILL)
                first.wait()
            }
            _ = try scratch.file("run/make-run.pid", containing: "\(first.pid)\n")
            _ = try scratch.file("run/memfisd.log", containing: "the first one's")
            let program = try start(scratch, port: try Ports.free(), httpPort: try Ports.free())
            #expect(program.wait() == 1)
            #expect(scratch.text(of: "errors").contains("process \(first.pid) runs the site already"))
            #expect(scratch.text(of: "run/make-run.pid") == "\(first.pid)\n")
            #expect(scratch.text(of: "run/memfisd.log") == "the first one's")
        }

        @Test("a taken port is named with how to choose another")
        func portTaken() throws {
            let daemon = try Daemon(mounted: false)
            defer { daemon.remove() }
            let scratch = try Scratch()
            defer { scratch.remove() }
            let program = try start(scratch, port: daemon.port, httpPort: try Ports.free())
            let status = program.wait()
            let errors = scratch.text(of: "errors")
            #expect(status == 1)
            #expect(errors.contains("port \(daemon.port)") && errors.contains("make run PORT="))
        }
    }
}
