// SocketClient: a client of a test, which waits for what it expects.
import Glibc
import Testing

@testable import MemNet

final class SocketClient {
    let descriptor: Int32

    init(_ address: SocketAddress) throws {
        let family = address.family == .unix ? AF_UNIX : address.family == .ipv6 ? AF_INET6 : AF_INET
        descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let code = unsafe address.withPointer { unsafe connect(descriptor, $0, $1) }
        if code != 0 { throw SystemError("connect", address.statsText) }
    }

    /// The client's end of a pair of sockets.
    init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.send(descriptor, buffer.baseAddress! + sent, buffer.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            sent += count
        }
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    /// Exactly `count` bytes, or fewer if the server closes or says nothing for ten seconds.
    func receive(_ count: Int) -> [UInt8] {
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
    func receiveLine() -> String {
        var line: [UInt8] = []
        while let byte = receive(1).first, byte != 0x0a { line.append(byte) }
        return String(decoding: line, as: UTF8.self)
    }

    /// Sends and expects a response; nothing else may come before it.
    func expect(_ response: String, to request: String) {
        send(request)
        let received = String(decoding: receive(response.utf8.count), as: UTF8.self)
        #expect(received == response)
    }

    /// What is there now, without waiting.
    func receiveNow() -> String {
        var bytes = [UInt8](repeating: 0, count: 100_000)
        let count = unsafe recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    /// Whether the server has closed the connection, all it sent before having been read; waits for it.
    var isClosed: Bool {
        var byte: UInt8 = 0
        let length = unsafe recv(descriptor, &byte, 1, 0)
        return length == 0 || (length < 0 && errno == ECONNRESET)
    }
}
