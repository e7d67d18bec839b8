// ListenConfiguration: where a protocol is served, and the sockets that are made of it.
import Glibc
import MemStore

/// The addresses of one protocol.
public struct ListenConfiguration: Sendable {
    /// Hosts to listen on, each `host`, `host:port`, `[v6]` or `[v6]:port`; empty = 127.0.0.1 and ::1.
    public var hosts: [String] = []
    /// The TCP port; 0 = any free one, nil = no TCP.
    public var tcpPort: UInt16?
    /// Path of the unix socket; nil = none.
    public var unixPath: String?
    /// Permission bits of the unix socket.
    public var unixMode: UInt32 = 0o700
    /// Group of the unix socket; nil = that of the process.
    public var unixGroup: UInt32?
    /// Connections that wait to be accepted, at most.
    public var backlog: Int32 = 1024
    /// Listening sockets that somebody else made (socket activation); they are served beside the others.
    public var inheritedSockets: [Int32] = []

    public init() {}

    /// Makes the listening sockets. Do it before privileges are dropped: ports below 1024, the unix socket's group.
    /// - Throws: when an address cannot be resolved or bound; nothing listens then.
    public func bind() throws(SystemError) -> [ListeningSocket] {
        var bound = inheritedSockets.map { ListeningSocket(owning: $0) }
        if let unixPath {
            bound.append(
                try ListeningSocket.unix(path: unixPath, mode: unixMode, group: unixGroup, backlog: backlog))
        }
        if let tcpPort {
            for address in try ListenAddress.all(hosts, port: tcpPort) { try bindTCP(address, &bound) }
        }
        return bound
    }

    /// Binds one address. With "any free port", all addresses get the port that the first one got.
    private func bindTCP(_ wanted: ListenAddress, _ bound: inout [ListeningSocket]) throws(SystemError) {
        var address = wanted.address
        if address.port == 0, let first = bound.first(where: { $0.address.port != 0 }) {
            address = address.with(port: first.address.port)
        }
        do throws(SystemError) {
            bound.append(try ListeningSocket.tcp(address, backlog: backlog))
        } catch {
            // A machine without IPv6 has no ::1; what the operator named must work.
            guard wanted.isOptional, error.errno == EADDRNOTAVAIL || error.errno == EAFNOSUPPORT else { throw error }
        }
    }
}
