// SocketAddress: an address of a socket, from text and as text.
import CShims
import Glibc
import MemStore

/// An internet or unix address.
public struct SocketAddress: Sendable, Equatable {
    /// The address as the kernel takes it.
    var bytes: [UInt8]

    /// What kind of socket it belongs to.
    public enum Family: Sendable { case ipv4, ipv6, unix, other }

    /// Longest path of a unix socket in bytes. Source: unix(7), sun_path less its NUL.
    static let unixPathLengthMax = 107

    public var family: Family {
        guard bytes.count >= 2 else { return .other }
        switch Int32(bytes[0]) | Int32(bytes[1]) << 8 {
        case AF_INET: return .ipv4
        case AF_INET6: return .ipv6
        case AF_UNIX: return .unix
        default: return .other
        }
    }

    /// The address of a unix socket.
    /// - Throws: when the path is too long.
    public static func unix(path: String) throws(SystemError) -> SocketAddress {
        let name = Array(path.utf8)
        guard !name.isEmpty, name.count <= unixPathLengthMax else {
            throw SystemError("unix socket path of more than \(unixPathLengthMax) bytes:", path, errno: 0)
        }
        return SocketAddress(bytes: [UInt8(AF_UNIX), 0] + name + [0])
    }

    /// All addresses of a host for listening. Source: getaddrinfo(3).
    ///
    /// - Parameters:
    ///   - host: a name or a number; nil is every address of the machine.
    ///   - port: 0 ... 65535, 0 = any free one.
    public static func resolve(host: String?, port: UInt16) throws(SystemError) -> [SocketAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        unsafe hints.ai_family = AF_UNSPEC
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else {
            throw SystemError(unsafe String(cString: gai_strerror(code)) + ":", host ?? "*", errno: 0)
        }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            let buffer = unsafe UnsafeRawBufferPointer(
                start: entry.pointee.ai_addr, count: Int(entry.pointee.ai_addrlen))
            addresses.append(SocketAddress(bytes: unsafe Array(buffer)))
            unsafe next = entry.pointee.ai_next
        }
        return addresses
    }

    /// Lends the address to a system call.
    @unsafe public func withPointer<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        unsafe bytes.withUnsafeBytes { buffer in
            unsafe body(buffer.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(buffer.count))
        }
    }

    /// The address that a socket is bound to. Source: getsockname(2).
    public static func local(of descriptor: Int32) -> SocketAddress {
        unsafe ask { unsafe getsockname(descriptor, $0, $1) }
    }

    /// The address that a socket is connected to. Source: getpeername(2).
    public static func peer(of descriptor: Int32) -> SocketAddress {
        unsafe ask { unsafe getpeername(descriptor, $0, $1) }
    }

    private static func ask(
        _ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> SocketAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let code = unsafe withUnsafeMutableBytes(of: &storage) { buffer in
            unsafe call(buffer.baseAddress!.assumingMemoryBound(to: sockaddr.self), &length)
        }
        guard code == 0 else { return SocketAddress(bytes: []) }
        let count = min(Int(length), MemoryLayout<sockaddr_storage>.size)
        return SocketAddress(bytes: unsafe withUnsafeBytes(of: &storage) { unsafe Array($0.prefix(count)) })
    }

    /// The port of an internet address, else 0.
    public var port: UInt16 {
        guard family == .ipv4 || family == .ipv6, bytes.count >= 4 else { return 0 }
        return UInt16(bytes[2]) << 8 | UInt16(bytes[3])
    }

    /// The same address with another port.
    public func with(port: UInt16) -> SocketAddress {
        guard family == .ipv4 || family == .ipv6 else { return self }
        var copy = self
        copy.bytes[2] = UInt8(port >> 8)
        copy.bytes[3] = UInt8(port & 0xff)
        return copy
    }

    /// The host without the port, or the path of a unix socket.
    public var host: String {
        switch family {
        case .ipv4, .ipv6:
            var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
            let offset = family == .ipv4 ? 4 : 8
            let code = family == .ipv4 ? AF_INET : AF_INET6
            _ = unsafe bytes.withUnsafeBytes { buffer in
                unsafe inet_ntop(code, buffer.baseAddress! + offset, &text, socklen_t(INET6_ADDRSTRLEN))
            }
            return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        case .unix:
            return String(decoding: bytes.dropFirst(2).prefix { $0 != 0 }, as: UTF8.self)
        case .other:
            return ""
        }
    }

    /// The address as the log shows it; a client of a unix socket has none.
    public var logText: String {
        switch family {
        case .ipv4: "\(host):\(port)"
        case .ipv6: "[\(host)]:\(port)"
        case .unix: "the unix socket"
        case .other: "an address that is gone"
        }
    }

    /// The address as `stats conns` shows it.
    public var statsText: String {
        switch family {
        case .ipv4: "tcp:\(host):\(port)"
        case .ipv6: "tcp6:[\(host)]:\(port)"
        case .unix where !host.isEmpty: "unix:\(host)"
        case .unix, .other: "?:<AF 0>"
        }
    }
}
