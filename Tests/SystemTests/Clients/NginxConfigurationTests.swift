// NginxConfigurationTests: every configuration of deploy/nginx does what it says before a real memfisd: hit, miss, HEAD,
// ranges, clients with gzip and without, directories, and a memfisd that is gone.
import Foundation
import Testing

/// What a configuration promises beyond what all do.
struct NginxPromise: Sendable, CustomTestStringConvertible {
    var file: String
    /// Sent as Host.
    var host = "localhost"
    /// Below the mount, where the site of that host lies.
    var directory = ""
    /// Answers to a path that is not there, to a directory without its slash, and to a page when memfisd is gone.
    var miss = 404
    var noSlash = 404
    var down = 502
    /// Something of the answer when memfisd is gone; nginx' own page has its name.
    var downBody = "nginx"
    var testDescription: String { file }

    static let all = [
        NginxPromise(file: "site.conf", down: 503, downBody: "The site is being started."),
        NginxPromise(file: "virtual-hosts.conf", host: "a.example", directory: "a.example/"),
        NginxPromise(file: "virtual-hosts.conf", host: "b.example", directory: "b.example/"),
        NginxPromise(file: "unix-socket.conf", down: 503, downBody: "The site is being started."),
        NginxPromise(file: "fallback-files.conf", noSlash: 301, down: 200, downBody: "original of page.html"),
        NginxPromise(
            file: "fallback-application.conf", miss: 200, noSlash: 200, down: 200,
            downBody: "application: GET /page.html"),
        NginxPromise(file: "directory-index.conf"),
        NginxPromise(file: "directory-redirect.conf", noSlash: 301),
        NginxPromise(file: "gzip.conf"),
        NginxPromise(file: "cache-headers.conf"),
        NginxPromise(file: "memfis-2011.conf"),
    ]
}

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct NginxConfigurationTests {
        private static let page = String(repeating: "<p>a page of some length</p>\n", count: 200)

        private func daemon() throws -> Daemon {
            let host = ProcessInfo.processInfo.hostName.lowercased()
            let prefixes = ["memfis://\(host)=/", "memfis://a.example=/a.example", "memfis://b.example=/b.example"]
            return try Daemon(["-m", "64"] + prefixes.flatMap { ["--prefix", $0] })
        }

        private func makeSite(below directory: String) throws {
            try Files.makeDirectory(directory)
            try Files.makeDirectory("\(directory)/articles")
            try Files.write(Self.page, to: "\(directory)/page.html")
            try Files.write("<h1>home</h1>\n", to: "\(directory)/index.html")
            try Files.write("<h1>articles</h1>\n", to: "\(directory)/articles/index.html")
            try Files.write("body { color: black }\n", to: "\(directory)/style.css")
        }

        /// Starts both, makes the site, and runs `body`; everything is ended afterwards.
        private func with(
            _ promise: NginxPromise, _ body: (Daemon, ConfiguredNginx) throws -> Void
        ) throws {
            let daemon = try daemon()
            defer { daemon.remove() }
            try makeSite(below: daemon.path(promise.directory))
            let nginx = try ConfiguredNginx(promise.file, before: daemon)
            defer { nginx.remove() }
            try Files.write("original of page.html\n", to: nginx.originals + "/page.html")
            try Files.makeDirectory(nginx.originals + "/articles")
            try body(daemon, nginx)
        }

        @Test(
            "each answers hits, misses, HEAD, ranges, gzip and plain clients, directories, and lives on without memfisd",
            arguments: NginxPromise.all)
        func promises(promise: NginxPromise) throws {
            try with(promise) { (daemon, nginx) throws in
                func fetch(_ path: String, _ options: [String] = []) throws -> HeaderAnswer {
                    try Web.fetch(nginx.port, path, ["-H", "Host: \(promise.host)"] + options)
                }
                let hit = try fetch("/page.html")
                #expect(hit.status == 200 && hit.body == Self.page)
                #expect(hit.headers["content-type"] == "text/html" && hit.headers["content-encoding"] == nil)
                #expect(try fetch("/style.css").headers["content-type"] == "text/css")
                #expect(try fetch("/missing.html").status == promise.miss)
                #expect(try fetch("/missing.html", ["-I"]).status == promise.miss)

                let head = try fetch("/page.html", ["-I"])
                #expect(head.status == 200 && head.headers["content-length"] == "\(Self.page.utf8.count)")

                let range = try fetch("/page.html", ["-r", "3-8"])
                #expect(range.status == 206 && range.body == "a page")
                #expect(try fetch("/page.html", ["-r", "-5"]).body == "</p>\n")
                #expect(try fetch("/page.html", ["-r", "999999-"]).status == 416)

                let unpacked = try Shell.bash(
                    "curl -s --compressed -H 'Host: \(promise.host)' http://127.0.0.1:\(nginx.port)/page.html")
                #expect(unpacked == Self.page)

                #expect(try fetch("/").body == "<h1>home</h1>\n")
                let directory = try fetch("/articles/")
                #expect(directory.status == 200 && directory.body == "<h1>articles</h1>\n")
                #expect(directory.headers["content-type"] == "text/html")
                let noSlash = try fetch("/articles")
                #expect(noSlash.status == promise.noSlash)
                #expect(noSlash.headers["location"] == (promise.noSlash == 301 ? "/articles/" : nil))
                #expect(!nginx.log.contains("[error]") && !nginx.log.contains("[crit]"), "\(nginx.log)")

                daemon.stop()
                let down = try fetch("/page.html")
                #expect(down.status == promise.down && down.body.contains(promise.downBody))
                #expect(try fetch("/page.html", ["-I"]).status == promise.down)
            }
        }

        @Test("every file of deploy/nginx has its promise")
        func complete() throws {
            let files = try FileManager.default.contentsOfDirectory(atPath: Repository.path("deploy/nginx"))
            let configurations = Set(files.filter { $0.hasSuffix(".conf") })
            #expect(configurations == Set(NginxPromise.all.map(\.file)))
        }

        @Test("virtual hosts do not see each other's pages, and an unknown host gets the default one")
        func virtualHosts() throws {
            try with(NginxPromise(file: "virtual-hosts.conf", directory: "a.example/")) { (daemon, nginx) throws in
                try makeSite(below: daemon.path("b.example"))
                try Files.write("only b", to: daemon.path("b.example/b.html"))
                func status(_ host: String) throws -> Int {
                    try Web.fetch(nginx.port, "/b.html", ["-H", "Host: \(host)"]).status
                }
                #expect(try status("b.example") == 200)
                #expect(try status("a.example") == 404)
                #expect(try status("c.example") == 404)
            }
        }

        @Test(
            "a value with the gzip flag goes packed to clients that take it, unpacked to others; plain ones are packed by nginx"
        )
        func gzip() throws {
            try with(NginxPromise(file: "gzip.conf")) { (daemon, nginx) throws in
                try Shell.bash("cp \(daemon.path("page.html")) \(nginx.originals)/page.html")
                try Shell.bash(
                    try Self.recipe(daemon, nginx).replacingOccurrences(
                        of: daemon.path("page.html"), with: daemon.path("packed.html")))
                let packed = daemon.path("packed.html")
                let accepting = ["-H", "Accept-Encoding: gzip"]
                let asStored = try Web.fetch(nginx.port, "/packed.html", accepting)
                #expect(asStored.headers["content-encoding"] == "gzip")
                #expect(asStored.headers["content-length"] == "\(try Files.attributes(packed).size)")
                let plain = try Web.fetch(nginx.port, "/packed.html")
                #expect(plain.headers["content-encoding"] == nil && plain.body == Self.page)
                let head = try Web.fetch(nginx.port, "/packed.html", ["-I"])
                #expect(head.status == 200 && head.headers["content-encoding"] == nil)
                let byNginx = try Web.fetch(nginx.port, "/page.html", accepting)
                #expect(byNginx.headers["content-encoding"] == "gzip" && byNginx.headers["vary"] == "Accept-Encoding")
            }
        }

        /// The commands of gzip.conf, for the page in the mount and its original beside nginx.
        private static func recipe(_ daemon: Daemon, _ nginx: ConfiguredNginx) throws -> String {
            let lines = try Files.text(Repository.path("deploy/nginx/gzip.conf")).split(separator: "\n")
            let commands = lines.filter { $0.hasPrefix("#   ") }.map { $0.dropFirst(4) }
            try #require(commands.count == 3)
            return commands.joined(separator: "\n")
                .replacingOccurrences(of: "gzip -9nc page.html", with: "gzip -9nc \(nginx.originals)/page.html")
                .replacingOccurrences(of: "/srv/site/", with: daemon.path(""))
        }

        @Test("the recipe for compressed pages serves right bytes after each of its steps, to every client")
        func gzipRecipe() throws {
            try with(NginxPromise(file: "gzip.conf")) { (daemon, nginx) throws in
                let original = nginx.originals + "/page.html"
                try Files.write(Self.page, to: original)
                // Each command of the recipe, and a fetch by both kinds of clients before and behind it.
                var script = """
                    set -e
                    check() {
                        for client in "" --compressed; do
                            curl -fsS $client http://127.0.0.1:\(nginx.port)/page.html | cmp - \(original)
                        done
                    }
                    check

                    """
                for command in try Self.recipe(daemon, nginx).split(separator: "\n") {
                    script += command.replacingOccurrences(of: "&&", with: "\ncheck\n") + "\ncheck\n"
                }
                // Over a plain page, and over one that is compressed already.
                for _ in 0..<2 {
                    let result = try Shell.run(["bash", "-o", "pipefail", "-c", script])
                    #expect(result.status == 0, "\(result.output)\(result.errors)")
                }
                let packed = try Web.fetch(nginx.port, "/page.html", ["-H", "Accept-Encoding: gzip"])
                #expect(packed.headers["content-encoding"] == "gzip")
            }
        }

        @Test(
            "while memfisd is gone the answer is plain text that says when to ask again",
            arguments: ["site.conf", "unix-socket.conf"])
        func unavailable(file: String) throws {
            try with(NginxPromise(file: file)) { (daemon, nginx) throws in
                daemon.stop()
                for path in ["/page.html", "/style.css", "/"] {
                    let answer = try Web.fetch(nginx.port, path)
                    #expect(answer.status == 503 && answer.headers["content-type"] == "text/plain")
                    #expect(answer.headers["retry-after"] == "5")
                }
            }
        }

        @Test(
            "what the application stores for a path that ends in a slash comes from memory",
            arguments: ["/", "/dir/", "/a b/c/"])
        func applicationDirectory(path: String) throws {
            try with(NginxPromise(file: "fallback-application.conf")) { (daemon, nginx) throws in
                try Shell.bash("rm \(daemon.path("index.html"))")
                let escaped = path.replacingOccurrences(of: " ", with: "%20")
                #expect(try Web.fetch(nginx.port, escaped).body == "application: GET \(escaped)\n")
                let host = ProcessInfo.processInfo.hostName.lowercased()
                #expect(try daemon.client().set("memfis://\(host)\(escaped)index.html", "stored") == "STORED")
                let stored = try Web.fetch(nginx.port, escaped)
                #expect(stored.body == "stored" && stored.headers["content-type"] == "text/html")
            }
        }

        @Test("pages, assets and names with a fingerprint are kept for their times, a miss is not")
        func cacheHeaders() throws {
            try with(NginxPromise(file: "cache-headers.conf")) { (daemon, nginx) throws in
                try Files.write("x", to: daemon.path("app.3f9a2c1b.js"))
                func control(_ path: String) throws -> String? {
                    try Web.fetch(nginx.port, path).headers["cache-control"]
                }
                #expect(try control("/page.html") == "max-age=60")
                #expect(try control("/") == "max-age=60")
                #expect(try control("/style.css") == "max-age=3600")
                #expect(try control("/app.3f9a2c1b.js") == "max-age=315360000")
                #expect(try control("/missing.css") == nil)
            }
        }

        @Test("the application answers what is not stored, queries and POST; what it stores comes from memory")
        func application() throws {
            try with(NginxPromise(file: "fallback-application.conf")) { (daemon, nginx) throws in
                #expect(try Web.fetch(nginx.port, "/page.html?a=b").body == "application: GET /page.html?a=b\n")
                #expect(
                    try Web.fetch(nginx.port, "/page.html", ["-d", "x=1"]).body == "application: POST /page.html\n")
                let host = ProcessInfo.processInfo.hostName.lowercased()
                #expect(try Web.fetch(nginx.port, "/made/new").body == "application: GET /made/new\n")
                #expect(try daemon.client().set("memfis://\(host)/made/new", "stored") == "STORED")
                #expect(try Web.fetch(nginx.port, "/made/new").body == "stored")
            }
        }

        @Test("the lines of the README serve a site that was copied in")
        func readme() throws {
            let lines = try Files.text(Repository.path("README.md")).split(separator: "\n")
            let block = lines.drop { !$0.hasPrefix("    upstream memfisd {") }.prefix { $0.hasPrefix("    ") }
            let daemon = try daemon()
            defer { daemon.remove() }
            try makeSite(below: daemon.path(""))
            let nginx = try ConfiguredNginx(
                text: block.joined(separator: "\n"), replacing: [("127.0.0.1:11211", "127.0.0.1:\(daemon.port)")])
            defer { nginx.remove() }
            #expect(try Web.fetch(nginx.port, "/").body == "<h1>home</h1>\n")
            #expect(try Web.fetch(nginx.port, "/page.html").body == Self.page)
        }

        @Test("files on disk answer what is not in memory, and what is there in both comes from memory")
        func originals() throws {
            try with(NginxPromise(file: "fallback-files.conf")) { (daemon, nginx) throws in
                try Files.write("on disk alone", to: nginx.originals + "/disk.html")
                #expect(try Web.fetch(nginx.port, "/disk.html").body == "on disk alone")
                #expect(try Web.fetch(nginx.port, "/page.html").body == Self.page)
                try Shell.bash("rm \(daemon.path("page.html"))")
                #expect(try Web.fetch(nginx.port, "/page.html").body == "original of page.html\n")
            }
        }
    }
}
