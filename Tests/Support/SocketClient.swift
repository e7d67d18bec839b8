// SocketClient: the client's end of a connection, for the tests of every protocol. What is expected of an answer stands with the
// tests of each.
import Glibc
import MemNet
import MemStore

/// A connected socket, closed with its owner.
public final class SocketClient {
    public let descriptor: Int32

    public init(_ address: SocketAddress) throws {
        let family = address.family == .unix ? AF_UNIX : address.family == .ipv6 ? AF_INET6 : AF_INET
        descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let code = unsafe address.withPointer { unsafe connect(descriptor, $0, $1) }
        if code != 0 { throw SystemError("connect", address.statsText) }
    }

    /// The client's end of a pair of sockets.
    public init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    public func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.send(descriptor, buffer.baseAddress! + sent, buffer.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            sent += count
        }
    }

    public func send(_ text: String) { send(Array(text.utf8)) }

    /// Exactly `count` bytes, or fewer if the server closes or says nothing for ten seconds.
    public func receive(_ count: Int) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        var received = 0
        while received < count {
            let length = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe recv(descriptor, bytes.baseAddress! + received, count - received, 0)
            }
            if length <= 0 { break }
            received += length
        }
        return Array(buffer.prefix(received))
    }

    /// A line without its end.
    public func receiveLine() -> String {
        var line: [UInt8] = []
        while let byte = receive(1).first, byte != 0x0a { line.append(byte) }
        return String(decoding: line, as: UTF8.self)
    }

    /// All up to `END` and a line end; less if the server closes or says nothing for ten seconds.
    public func receiveToEnd() -> String {
        var text: [UInt8] = []
        while text.suffix(5) != Array("END\r\n".utf8)[...] {
            let byte = receive(1)
            if byte.isEmpty { break }
            text += byte
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Whether the server has sent something that is not received yet; does not wait.
    public var hasInput: Bool {
        var byte: UInt8 = 0
        return unsafe recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT | MSG_PEEK)) == 1
    }

    /// What is there now, without waiting.
    public func receiveNow() -> String {
        var bytes = [UInt8](repeating: 0, count: 100_000)
        let count = unsafe recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    /// Whether the server has closed the connection, all it sent before having been read; waits for it.
    public var isClosed: Bool {
        var byte: UInt8 = 0
        let length = unsafe recv(descriptor, &byte, 1, 0)
        return length == 0 || (length < 0 && errno == ECONNRESET)
    }
}
