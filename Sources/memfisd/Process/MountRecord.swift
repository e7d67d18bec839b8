// MountRecord: where `--mount-only` has mounted, for the `--unmount` that comes after the service's end. The configuration may
// say something else by then, or nothing that can be read.
import Glibc
import MemFS
import MemStore

struct MountRecord {
    private let path: String

    /// The record in the service's runtime directory; nil for a process that systemd gave none.
    /// Source: systemd.exec(5), RUNTIME_DIRECTORY, a list with colons.
    static func current(_ environment: [String: String] = Environment.current()) -> MountRecord? {
        guard let directory = environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first else { return nil }
        return MountRecord(path: "\(directory)/mounts")
    }

    /// The mount points, one a line.
    func read() -> [String] {
        (SystemFile.text(of: path) ?? "").split(separator: "\n").map(String.init)
    }

    /// Replaces the record.
    /// - Throws: StartFailure, status 71, when it cannot be written.
    func write(_ mountPoints: [String]) throws(StartFailure) {
        let text = mountPoints.map { "\($0)\n" }.joined()
        guard FilePaths.replace(path, with: text, temporary: "\(path).new") else {
            throw StartFailure("cannot write \(path): \(FilePaths.errorText(errno))", .systemRefused)
        }
    }

    func remove() { unsafe unlink(path.hostPath) }
}
