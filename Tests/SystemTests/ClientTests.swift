// ClientTests: Debian's memcached clients for Python work unchanged.
import Testing

extension SystemTests {
    @Suite struct ClientTests {
        @Test(
            "a round of all commands passes through a client library",
            arguments: ["pymemcache", "pylibmc", "memcache"])
        func commands(library: String) throws {
            let daemon = try Daemon(mounted: false)
            defer { daemon.remove() }
            try Shell.python("clients.py", [library, "\(daemon.port)"])
        }
    }
}
