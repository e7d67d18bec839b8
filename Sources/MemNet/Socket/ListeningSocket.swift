// ListeningSocket: made before the daemon gives up its rights, served by the acceptor later.
import CShims
import Glibc
import MemStore

/// A bound and listening socket.
public final class ListeningSocket: Sendable {
    public let descriptor: FileDescriptor
    public let address: SocketAddress

    /// Takes over a descriptor that listens already.
    init(owning descriptor: Int32) {
        self.descriptor = FileDescriptor(owning: descriptor)
        address = SocketAddress.local(of: descriptor)
        let flags = fcntl(descriptor, F_GETFL)
        _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
    }

    /// A listening TCP socket. An IPv6 one takes no IPv4 connections: those have a socket of their own.
    static func tcp(_ address: SocketAddress, backlog: Int32) throws(SystemError) -> ListeningSocket {
        let isIPv6 = address.family == .ipv6
        let descriptor = try make(isIPv6 ? AF_INET6 : AF_INET, address.statsText)
        set(descriptor, SOL_SOCKET, SO_REUSEADDR)
        if isIPv6 { set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY) }
        return try listen(descriptor, address, backlog)
    }

    /// A listening unix socket. A socket file that nobody serves is replaced, anything else is left alone.
    static func unix(
        path: String, mode: UInt32, group: UInt32?, backlog: Int32
    ) throws(SystemError) -> ListeningSocket {
        let address = try SocketAddress.unix(path: path)
        var status = stat()
        if unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK {
            if isServed(address) { throw SystemError("bind", path, errno: EADDRINUSE) }
            unsafe unlink(path)
        }
        let descriptor = try make(AF_UNIX, path)
        // Nobody may connect before mode and group are right.
        let previousMask = umask(0o777)
        let bound = unsafe address.withPointer { unsafe bind(descriptor, $0, $1) }
        let code = errno
        umask(previousMask)
        guard bound == 0 else { throw fail(descriptor, "bind", path, code) }
        if let group, unsafe chown(path, uid_t.max, group) != 0 { throw fail(descriptor, "chown", path, errno) }
        guard unsafe chmod(path, mode) == 0 else { throw fail(descriptor, "chmod", path, errno) }
        guard Glibc.listen(descriptor, backlog) == 0 else { throw fail(descriptor, "listen", path, errno) }
        return ListeningSocket(owning: descriptor)
    }

    /// Whether somebody listens on a unix socket. A full queue counts as somebody.
    private static func isServed(_ address: SocketAddress) -> Bool {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return unsafe address.withPointer { unsafe connect(descriptor, $0, $1) } == 0 || errno == EAGAIN
    }

    private static func make(_ family: Int32, _ subject: String) throws(SystemError) -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(family, type, 0)
        guard descriptor >= 0 else { throw SystemError("socket", subject) }
        return descriptor
    }

    private static func listen(
        _ descriptor: Int32, _ address: SocketAddress, _ backlog: Int32
    ) throws(SystemError) -> ListeningSocket {
        let bound = unsafe address.withPointer { unsafe bind(descriptor, $0, $1) }
        guard bound == 0 else { throw fail(descriptor, "bind", address.statsText, errno) }
        guard Glibc.listen(descriptor, backlog) == 0 else { throw fail(descriptor, "listen", address.statsText, errno) }
        return ListeningSocket(owning: descriptor)
    }

    private static func fail(_ descriptor: Int32, _ call: String, _ subject: String, _ code: Int32) -> SystemError {
        close(descriptor)
        return SystemError(call, subject, errno: code)
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32) {
        var one: Int32 = 1
        unsafe setsockopt(descriptor, level, option, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Sets what an accepted connection needs: answers are sent at once, dead clients are noticed.
    func prepare(accepted descriptor: Int32) {
        guard address.family != .unix else { return }
        Self.set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY)
        Self.set(descriptor, SOL_SOCKET, SO_KEEPALIVE)
    }
}
