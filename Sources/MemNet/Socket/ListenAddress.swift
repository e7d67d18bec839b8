// ListenAddress: from the words of `-l` to addresses. Pure but for the name lookup.
import MemStore

/// An address to listen on.
public struct ListenAddress {
    var address: SocketAddress
    /// Nobody named it: it may be missing on this machine.
    var isOptional: Bool

    /// A host and a port as an operator writes them.
    struct Word: Equatable {
        /// Nil = every address.
        var host: String?
        /// Nil = the port of `-p`.
        var port: UInt16?

        /// Reads `host`, `host:port`, `[v6]`, `[v6]:port`, a bare v6 address, `*`; and memcached's `proto[…]:` and
        /// `tag[…]:` before it, which have no meaning here. Nil: none of these.
        init?(_ text: String) {
            var rest = Substring(text)
            while let mark = ["proto[", "tag["].first(where: rest.hasPrefix) {
                guard let close = rest.firstIndex(of: "]") else { return nil }
                rest = rest[rest.index(after: close)...]
                guard rest.first == ":" else { return nil }
                rest = rest.dropFirst()
                _ = mark
            }
            var name = rest
            var portText: Substring?
            if rest.first == "[" {
                guard let close = rest.firstIndex(of: "]") else { return nil }
                name = rest[rest.index(after: rest.startIndex)..<close]
                let behind = rest[rest.index(after: close)...]
                if !behind.isEmpty {
                    guard behind.first == ":" else { return nil }
                    portText = behind.dropFirst()
                }
            } else if let colon = rest.firstIndex(of: ":"), rest.lastIndex(of: ":") == colon {
                name = rest[..<colon]
                portText = rest[rest.index(after: colon)...]
            }
            if let portText {
                guard let number = UInt16(portText) else { return nil }
                port = number
            }
            if name.isEmpty, port == nil { return nil }
            host = name == "*" || name.isEmpty ? nil : String(name)
        }
    }

    /// All addresses of the operator's words; without any, the loopback's.
    static func all(_ words: [String], port: UInt16) throws(SystemError) -> [ListenAddress] {
        if words.isEmpty {
            let ipv4 = try SocketAddress.resolve(host: "127.0.0.1", port: port)
            let ipv6 = try SocketAddress.resolve(host: "::1", port: port)
            return ipv4.map { ListenAddress(address: $0, isOptional: false) }
                + ipv6.map { ListenAddress(address: $0, isOptional: true) }
        }
        var all: [ListenAddress] = []
        for text in words {
            guard let word = Word(text) else { throw SystemError("not an address:", text, errno: 0) }
            for address in try SocketAddress.resolve(host: word.host, port: word.port ?? port)
            where !all.contains(where: { $0.address == address }) {
                all.append(ListenAddress(address: address, isOptional: word.host == nil))
            }
        }
        return all
    }
}
