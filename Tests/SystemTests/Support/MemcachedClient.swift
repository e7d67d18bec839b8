// MemcachedClient: sends bytes to a port and reads replies, as plainly as telnet.
import Foundation

final class MemcachedClient {
    private let descriptor: Int32
    private var received: [UInt8] = []

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let code = unsafe withUnsafeBytes(of: &address) { buffer in
            unsafe connect(
                descriptor, buffer.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                socklen_t(MemoryLayout<sockaddr_in>.size))
        }
        guard code == 0 else { throw TestFailure("cannot connect to port \(port)") }
        var timeout = timeval(tv_sec: 120, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    func send(_ text: String) throws {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = unsafe bytes.withUnsafeBytes { unsafe Foundation.send(descriptor, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { throw TestFailure("the connection is closed") }
            bytes = bytes.dropFirst(count)
        }
    }

    private func receive() throws {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { throw TestFailure("no reply: the connection is closed or silent") }
        received.append(contentsOf: buffer.prefix(count))
    }

    /// One line without its CRLF.
    func line() throws -> String {
        while true {
            if let end = received.firstIndex(of: 10) {
                let line = received[..<end]
                received.removeFirst(end + 1)
                return String(decoding: line.last == 13 ? line.dropLast() : line, as: UTF8.self)
            }
            try receive()
        }
    }

    /// So many bytes.
    func bytes(_ count: Int) throws -> [UInt8] {
        received.reserveCapacity(count + (1 << 17))
        while received.count < count { try receive() }
        let result = Array(received[..<count])
        received.removeFirst(count)
        return result
    }

    /// Sends a line and gives the first line of the reply.
    func command(_ line: String) throws -> String {
        try send(line + "\r\n")
        return try self.line()
    }

    /// Stores a value; the reply.
    func set(_ key: String, _ value: String, flags: UInt32 = 0, exptime: Int = 0) throws -> String {
        try command("set \(key) \(flags) \(exptime) \(value.utf8.count)\r\n\(value)")
    }

    /// A value and its flags; nil for a miss.
    func get(_ key: String) throws -> (value: String, flags: UInt32)? {
        let first = try command("get \(key)")
        if first == "END" { return nil }
        let fields = first.split(separator: " ")
        guard fields.count == 4, fields[0] == "VALUE", fields[1] == key, let flags = UInt32(fields[2]),
            let count = Int(fields[3])
        else { throw TestFailure("unexpected reply: \(first)") }
        while received.count < count + 7 { try receive() }
        let value = String(decoding: received.prefix(count), as: UTF8.self)
        let trailer = String(decoding: received[count..<count + 7], as: UTF8.self)
        guard trailer == "\r\nEND\r\n" else { throw TestFailure("unexpected trailer: \(trailer)") }
        received.removeFirst(count + 7)
        return (value, flags)
    }
}
