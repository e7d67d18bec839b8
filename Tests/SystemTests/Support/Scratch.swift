// Scratch: a directory of the test's own, and free ports.
import Foundation

/// A new directory below /tmp, open to every user.
struct Scratch {
    let path: String

    init() throws {
        path = "/tmp/memfisd-test-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        Files.setMode(path, 0o755)
    }

    func path(_ name: String) -> String { "\(path)/\(name)" }

    func text(of name: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path(name)) ?? Data(), as: UTF8.self)
    }

    /// Writes a file; its path.
    func file(_ name: String, containing text: String) throws -> String {
        try text.write(toFile: path(name), atomically: false, encoding: .utf8)
        return path(name)
    }

    /// A directory, made unless it is there. (One that carries a dead mount is there too.)
    func directory(_ name: String) throws -> String {
        try Files.makeDirectory(path(name))
        return path(name)
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}

enum Ports {
    /// A TCP port that was free a moment ago.
    static func free() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = unsafe withUnsafeMutableBytes(of: &address) { buffer in
            let pointer = unsafe buffer.baseAddress!.assumingMemoryBound(to: sockaddr.self)
            return unsafe bind(descriptor, pointer, length) == 0 ? getsockname(descriptor, pointer, &length) : -1
        }
        guard code == 0 else { throw TestFailure("no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
