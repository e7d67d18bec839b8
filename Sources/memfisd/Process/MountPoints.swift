// MountPoints: the directories that are mounted on: judged before the start,
// cleaned of what a crash left, joined by bind mounts, and detached at the end.
import CShims
import Glibc

enum MountPoints {
    /// The filesystem type that the kernel shows for a mount of ours.
    static let filesystemType = "fuse.memfisd"

    /// How long a mount of an ended daemon may take to go away before a start gives up, in milliseconds.
    static let vanishTimeoutMilliseconds = 3000

    /// Judges a mount point and cleans it.
    ///
    /// - Parameter detach: takes a dead mount away.
    /// - Throws: StartFailure: missing or no directory, status 66; a live daemon's, status 71.
    static func prepare(_ path: String, detach: (String) -> Void) throws(StartFailure) {
        var waitedMilliseconds = 0
        while carriesOurMount(path) {
            if isDead(path) {
                detach(path)
                if carriesOurMount(path), isDead(path) {
                    throw StartFailure("\(path) carries a dead mount that cannot be taken away", .systemRefused)
                }
                continue
            }
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
            result = fields.count > dash + 1 && fields[dash + 1] == filesystemType
        }
        return result
    }

    /// The server behind a mount is gone.
    static func isDead(_ path: String) -> Bool {
        var attributes = stat()
        return unsafe stat(path, &attributes) != 0 && [ENOTCONN, ECONNABORTED, EIO].contains(errno)
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

    /// Makes `path` show what is mounted on `first`. Returns 0 or an errno. Source: mount(2), MS_BIND.
    static func bind(_ first: String, on path: String) -> Int32 {
        unsafe mount(first, path, nil, UInt(MS_BIND), nil) == 0 ? 0 : errno
    }

    /// Takes the mounts away, the last first, whether they are in use or not. Source: umount2(2), MNT_DETACH.
    static func detach(_ paths: [String]) {
        for path in paths.reversed() { unsafe umount2(path, Int32(MNT_DETACH)) }
    }
}
