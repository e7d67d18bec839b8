// Nginx: a real nginx of a test: one port that asks memfisd over TCP, one over
// the unix socket, and one that serves a plain directory, to compare with.
import Foundation

final class Nginx {
    let tcpPort: Int
    let unixPort: Int
    let plainPort: Int
    let plainDirectory: String
    private let program: Program
    private let scratch: Scratch

    init(before daemon: Daemon) throws {
        scratch = try Scratch()
        tcpPort = try Ports.free()
        unixPort = try Ports.free()
        plainPort = try Ports.free()
        plainDirectory = try scratch.directory("plain")
        let configuration = """
            user nobody nogroup;
            worker_processes 1;
            pid \(scratch.path)/nginx.pid;
            events { worker_connections 512; }
            http {
                default_type text/html;
                access_log off;
                client_body_temp_path \(scratch.path)/body;
                proxy_temp_path \(scratch.path)/proxy;
                fastcgi_temp_path \(scratch.path)/fastcgi;
                uwsgi_temp_path \(scratch.path)/uwsgi;
                scgi_temp_path \(scratch.path)/scgi;
                memcached_buffer_size 64k;
                upstream by_tcp { server 127.0.0.1:\(daemon.port); keepalive 16; }
                upstream by_unix { server unix:\(daemon.socketPath); keepalive 16; }
                server {
                    listen 127.0.0.1:\(tcpPort);
                    location / { set $memcached_key \(Daemon.prefix)$uri; memcached_pass by_tcp; }
                }
                server {
                    listen 127.0.0.1:\(unixPort);
                    location / { set $memcached_key \(Daemon.prefix)$uri; memcached_pass by_unix; }
                }
                server { listen 127.0.0.1:\(plainPort); root \(plainDirectory); }
            }
            """
        try configuration.write(toFile: scratch.path("nginx.conf"), atomically: true, encoding: .utf8)
        program = try Program([
            "/usr/sbin/nginx", "-p", scratch.path, "-c", scratch.path("nginx.conf"), "-e", scratch.path("error.log"),
            "-g", "daemon off;",
        ])
        let opened = Shell.waitUntil(timeoutSeconds: 15) {
            !program.isRunning || (try? MemcachedClient(port: plainPort)) != nil
        }
        guard opened, program.isRunning else { throw TestFailure("nginx did not start: \(log)") }
    }

    var log: String { scratch.text(of: "error.log") }

    /// The ports that ask memfisd, with the way they do it.
    var doors: [(name: String, port: Int)] { [("TCP", tcpPort), ("unix socket", unixPort)] }

    func remove() {
        if program.isRunning { kill(program.pid, SIGTERM) }
        program.wait()
        scratch.remove()
    }
}

/// An answer of curl's.
struct WebAnswer: Equatable {
    var status: Int
    var body: String
}

enum Web {
    /// Fetches a path with curl; `options` before the address.
    static func get(_ port: Int, _ path: String, _ options: [String] = []) throws -> WebAnswer {
        let result = try Shell.run(
            ["curl", "-s", "--path-as-is", "-w", "\n%{http_code}"] + options + ["http://127.0.0.1:\(port)\(path)"])
        guard let cut = result.output.lastIndex(of: "\n"),
            let status = Int(result.output[result.output.index(after: cut)...])
        else { throw TestFailure("curl: \(result.output) \(result.errors)") }
        return WebAnswer(status: status, body: String(result.output[..<cut]))
    }
}
