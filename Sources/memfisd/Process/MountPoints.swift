// MountPoints: the directories that are mounted on: judged before the start,
// cleaned of what a crash left, and detached at the end.
import Glibc
import MemFS

enum MountPoints {
    /// How long a mount of an ended daemon may take to go away before a start gives up, in milliseconds.
    static let vanishTimeoutMilliseconds = 3000

    /// Judges a mount point and cleans it.
    ///
    /// - Throws: StartFailure: missing or no directory, status 66; a live daemon's or one that cannot be cleaned, status 71.
    static func prepare(_ path: String) throws(StartFailure) {
        var waitedMilliseconds = 0
        while true {
            do throws(MountError) { try Mounting.clearDead(at: path) } catch {
                throw StartFailure("\(error.what): \(FilePaths.errorText(error.code))", .systemRefused)
            }
            guard carriesOurMount(path) else { break }
            // A daemon that was killed this moment is being cleaned up by its monitor or sentinel.
            guard waitedMilliseconds < vanishTimeoutMilliseconds else {
                throw StartFailure("\(path) is mounted by another memfisd that runs", .systemRefused)
            }
            usleep(50_000)
            waitedMilliseconds += 50
        }
        var attributes = stat()
        guard unsafe stat(path, &attributes) == 0 else {
            throw StartFailure("mount point \(path): \(FilePaths.errorText(errno))", .noInput)
        }
        guard attributes.st_mode & S_IFMT == S_IFDIR else {
            throw StartFailure("mount point \(path) is not a directory", .noInput)
        }
    }

    /// The topmost mount on `path` is a memfisd's. Source: proc_pid_mountinfo(5).
    static func carriesOurMount(_ path: String) -> Bool {
        guard let table = FilePaths.contents(of: "/proc/self/mountinfo") else { return false }
        var result = false
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 6, unescaped(fields[4]) == path, let dash = fields.firstIndex(of: "-") else {
                continue
            }
            result = fields.count > dash + 1 && fields[dash + 1] == Mounting.type
        }
        return result
    }

    /// Undoes the kernel's `\ooo` for blanks and backslashes in mount tables.
    static func unescaped(_ field: Substring) -> String {
        var result: [UInt8] = []
        var bytes = Array(field.utf8)[...]
        while let byte = bytes.popFirst() {
            let digits = bytes.prefix(3)
            if byte == 0x5c, digits.count == 3, let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8) {
                result.append(code)
                bytes = bytes.dropFirst(3)
            } else {
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Takes the mounts away, the last first, whether they are in use or not. Where there is none, nothing happens.
    static func detach(_ paths: [String]) {
        for path in paths.reversed() {
            do throws(MountError) { try Mounting.unmount(path) } catch { continue }
        }
    }
}
