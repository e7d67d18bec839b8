// SystemFile: reading small files whole, as those of /proc and of a configuration are.
import Glibc

public enum SystemFile {
    /// All bytes of a file; nil with errno set when it cannot be opened or read. Source: open(2), read(2).
    public static func contents(of path: String) -> [UInt8]? {
        let file = FileDescriptor(owning: unsafe open(path.hostPath, O_RDONLY | O_CLOEXEC))
        guard file.rawValue >= 0 else { return nil }
        var all: [UInt8] = []
        while true {
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                count = unsafe max(0, read(file.rawValue, buffer.baseAddress, buffer.count))
            }
            if piece.isEmpty { return all }
            all += piece
        }
    }

    /// The same as text.
    public static func text(of path: String) -> String? { contents(of: path).map { String(hostBytes: $0) } }
}
