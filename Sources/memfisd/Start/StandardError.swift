// StandardError: plain lines to stderr, for the time before and beside the log, and texts that were asked for to stdout.
import Glibc
import MemFS
import MemStore

enum StandardError {
    static func write(_ text: String) { StandardOutput.write(text, to: STDERR_FILENO) }
}

enum StandardOutput {
    /// Writes a text as the bytes that it stands for.
    static func write(_ text: String, to descriptor: Int32 = STDOUT_FILENO) {
        var bytes = text.hostBytes[...]
        while !bytes.isEmpty {
            let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count <= 0 { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
