// SystemFile: reading small files whole, as those of /proc and of a configuration are.
import Glibc

public enum SystemFile {
    /// All bytes of a file; nil with errno set when it cannot be opened or read. Source: open(2), read(2).
    public static func contents(of path: String) -> [UInt8]? {
        let descriptor = unsafe open(path.hostPath, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var all: [UInt8] = []
        while true {
            var length = 0
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                length = unsafe read(descriptor, buffer.baseAddress, buffer.count)
                count = max(0, length)
            }
            if length < 0 { return nil }
            if length == 0 { return all }
            all += piece
        }
    }

    /// The same as text.
    public static func text(of path: String) -> String? { contents(of: path).map { String(hostBytes: $0) } }
}
