// PidFile: `-P`.
import Glibc
import MemFS
import MemStore

struct PidFile {
    let path: String

    /// Writes this process' number; a failure is told and does not stop the start, as with memcached.
    func write() {
        if !FilePaths.replace(path, with: "\(getpid())\n", temporary: "\(path).new") {
            LogLine.write(.warning, "cannot write \(path): \(FilePaths.errorText(errno))")
        }
    }

    func remove() { unsafe unlink(path.hostPath) }
}
