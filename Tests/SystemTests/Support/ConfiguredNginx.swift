// ConfiguredNginx: a real nginx that runs one of deploy/nginx as it is, but for its ports and paths.
import Foundation

final class ConfiguredNginx {
    let port: Int
    /// What the example calls /var/www/html.
    let originals: String
    private let program: Program
    private let scratch: Scratch

    /// - Parameter name: a file of deploy/nginx.
    convenience init(_ name: String, before daemon: Daemon) throws {
        try self.init(
            name,
            replacing: [
                ("127.0.0.1:11211", "127.0.0.1:\(daemon.port)"), ("/run/memfisd/memfisd.sock", daemon.socketPath),
            ])
    }

    /// - Parameter places: what the file names, and what is used for it.
    convenience init(_ name: String, replacing places: [(String, String)]) throws {
        try self.init(text: try Files.text(Repository.path("deploy/nginx/\(name)")), replacing: places)
    }

    /// - Parameter text: a configuration for nginx's http block.
    init(text: String, replacing places: [(String, String)]) throws {
        scratch = try Scratch()
        port = try Ports.free()
        let applicationPort = try Ports.free()
        originals = try scratch.directory("originals")
        var site = text
        let replacements =
            places + [
                ("127.0.0.1:8080", "127.0.0.1:\(port)"), ("listen 8080;", "listen 127.0.0.1:\(port);"),
                ("127.0.0.1:8000", "127.0.0.1:\(applicationPort)"), ("/var/www/html", originals),
            ]
        for (written, used) in replacements { site = site.replacingOccurrences(of: written, with: used) }
        // The application of the example that has one.
        site += """

            server {
                listen 127.0.0.1:\(applicationPort);
                location / { default_type text/html; return 200 "application: $request_method $request_uri\n"; }
            }
            """
        _ = try scratch.file("site.conf", containing: site)
        let frame = try Files.text(Repository.path("scripts/run-nginx.conf"))
        let path = try scratch.file(
            "nginx.conf", containing: frame.replacingOccurrences(of: "@RUN@", with: scratch.path))
        program = try Program(["/usr/sbin/nginx", "-c", path, "-e", scratch.path("error.log"), "-g", "daemon off;"])
        let opened = Shell.waitUntil(timeoutSeconds: 15) {
            !program.isRunning || (try? MemcachedClient(port: port)) != nil
        }
        guard opened, program.isRunning else { throw TestFailure("nginx did not start: \(log)") }
    }

    var log: String { scratch.text(of: "error.log") }

    func remove() {
        if program.isRunning { kill(program.pid, SIGTERM) }
        program.wait()
        scratch.remove()
    }
}

/// A whole answer of curl's, with its header lines.
struct HeaderAnswer {
    var status: Int
    /// Names in lower case.
    var headers: [String: String]
    var body: String
}

extension Web {
    /// Fetches a path and keeps the header. The body is as it came, still compressed if it was.
    static func fetch(_ port: Int, _ path: String, _ options: [String] = []) throws -> HeaderAnswer {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let result = try Shell.run(
            ["curl", "-s", "--path-as-is", "-D", scratch.path("header"), "-o", scratch.path("body")] + options
                + ["http://127.0.0.1:\(port)\(path)"])
        let lines = scratch.text(of: "header").replacingOccurrences(of: "\r", with: "").split(separator: "\n")
        guard let first = lines.first?.split(separator: " "), first.count >= 2, let status = Int(first[1]) else {
            throw TestFailure("curl: status \(result.status) \(result.errors)")
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] =
                line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        return HeaderAnswer(status: status, headers: headers, body: scratch.text(of: "body"))
    }
}
