// ContainerTests: the files of deploy/docker, as far as that goes without a container engine: memfisd with the words of the
// compose file, nginx with its configuration.
import Foundation
import Testing

extension SystemTests {
    @Suite struct ContainerTests {
        /// The words of memfisd's command in the compose file.
        private func command() throws -> [String] {
            let text = try Files.text(Repository.path("deploy/docker/compose.yaml"))
            return text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
                .filter { $0.hasPrefix("- --") }.map { String($0.dropFirst(2)) }
        }

        @Test("the words of the compose file start a memfisd that nginx' configuration there finds")
        func compose() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let site = try scratch.directory("site")
            _ = try scratch.file("site/index.html", containing: "home")
            let socket = scratch.path("memfisd.sock")
            let words = try command().map {
                $0.replacingOccurrences(of: "=/site", with: "=\(site)").replacingOccurrences(
                    of: "/run/memfisd/memfisd.sock", with: socket)
            }
            #expect(words.count == 6)
            let log = try scratch.file("log", containing: "")
            let program = try Program([Daemon.programPath] + words, errors: log)
            defer {
                kill(program.pid, SIGTERM)
                program.wait()
            }
            #expect(
                Shell.waitUntil(timeoutSeconds: 20) { scratch.text(of: "log").contains("preload: copied 1 files") },
                "\(scratch.text(of: "log"))")
            let nginx = try ConfiguredNginx(
                "../docker/nginx.conf", replacing: [("/run/memfisd/memfisd.sock", socket)])
            defer { nginx.remove() }
            #expect(try Web.get(nginx.port, "/") == WebAnswer(status: 200, body: "home"))
            #expect(try Web.get(nginx.port, "/missing").status == 404)
        }
    }
}
