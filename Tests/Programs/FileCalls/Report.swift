// Report: what a script sees of files, as one line each. Nothing is in it that may differ between filesystems: no inode
// numbers, blocks, sizes of directories, or absolute times.
import CFileCalls
import Glibc

enum Report {
    static func attributes(_ path: String, follows: Bool) -> String {
        var status = stat()
        let code = unsafe follows ? stat(path, &status) : lstat(path, &status)
        return code == 0 ? text(status) : result(-1)
    }

    static func attributes(_ file: Int32) -> String {
        var status = stat()
        return unsafe fstat(file, &status) == 0 ? text(status) : result(-1)
    }

    private static func text(_ status: stat) -> String {
        let type = status.st_mode & 0o170000
        var text = "\(String(status.st_mode, radix: 8)) \(status.st_uid):\(status.st_gid) links \(status.st_nlink)"
        if type == 0o100000 || type == 0o120000 { text += " size \(status.st_size)" }
        if type == 0o020000 || type == 0o060000 {
            text += " device \(fc_major(UInt64(status.st_rdev))),\(fc_minor(UInt64(status.st_rdev)))"
        }
        return text
    }

    /// Which times are later than a moment. The access time is no filesystem's promise, and what is written into a FIFO
    /// moves its times on some only, as no filesystem sees it.
    static func times(_ path: String, after seconds: Int, _ nanoseconds: Int) -> String {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return result(-1) }
        if status.st_mode & 0o170000 == 0o010000 { return "a FIFO" }
        return text(status, after: (seconds, nanoseconds))
    }

    private static func text(_ status: stat, after moment: (Int, Int)) -> String {
        func isLater(_ time: timespec) -> Bool { (time.tv_sec, time.tv_nsec) > moment }
        return "modified \(isLater(status.st_mtim)) changed \(isLater(status.st_ctim))"
    }

    /// The same of every type, where nothing is written into a FIFO, and whether one call set both times to one moment.
    static func moved(_ path: String, after seconds: Int, _ nanoseconds: Int) -> String {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return result(-1) }
        return text(status, after: (seconds, nanoseconds)) + (isEqual(status.st_mtim, status.st_ctim) ? " at once" : "")
    }

    /// Whether the three times of a node that was just made are one.
    static func newborn(_ path: String) -> String {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return result(-1) }
        return "equal \(isEqual(status.st_atim, status.st_mtim) && isEqual(status.st_mtim, status.st_ctim))"
    }

    private static func isEqual(_ one: timespec, _ other: timespec) -> Bool {
        (one.tv_sec, one.tv_nsec) == (other.tv_sec, other.tv_nsec)
    }

    /// Access and modification time, where a script has set them.
    static func exactTimes(_ path: String) -> String {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return result(-1) }
        let (accessed, modified) = (status.st_atim, status.st_mtim)
        return "\(accessed.tv_sec).\(accessed.tv_nsec) \(modified.tv_sec).\(modified.tv_nsec)"
    }

    static func target(_ path: String) -> String {
        var buffer = [UInt8](repeating: 0, count: 5000)
        let count = unsafe buffer.withUnsafeMutableBytes { buffer in
            unsafe readlink(path, buffer.baseAddress!.assumingMemoryBound(to: CChar.self), buffer.count)
        }
        return count < 0 ? result(-1) : "\(count) " + String(decoding: buffer[..<min(count, 40)], as: UTF8.self)
    }

    // MARK: directories

    static func names(_ path: String) -> [String]? {
        guard let directory = unsafe opendir(path) else { return nil }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            names.append(
                unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                    unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        return names.sorted()
    }

    static func listing(_ path: String) -> String {
        guard let names = names(path) else { return result(-1) }
        return names.map { $0.count > 20 ? "(\($0.count))" : $0 }.joined(separator: " ")
    }

    /// Everything below a directory with attributes and contents.
    static func tree(_ path: String) -> String {
        guard let names = names(path) else { return result(-1) }
        var lines: [String] = []
        for name in names where name != "." && name != ".." {
            let below = path + "/" + name
            var status = stat()
            guard unsafe lstat(below, &status) == 0 else { return result(-1) }
            var line = below + " " + text(status) + " " + attributeNames(below)
            switch status.st_mode & 0o170000 {
            case 0o040000: line += " | " + tree(below)
            case 0o100000: line += " " + digest(below)
            case 0o120000: line += " -> " + target(below)
            default: break
            }
            lines.append(line)
        }
        return lines.joined(separator: " | ")
    }

    private static func digest(_ path: String) -> String {
        let file = unsafe open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW)
        guard file >= 0 else { return result(-1) }
        defer { close(file) }
        return content(file, length: 1 << 20, offset: 0)
    }

    // MARK: content and extended attributes

    /// Length and digest of what a read returns; a short text as it is.
    static func content(_ file: Int32, length: Int, offset: Int?) -> String {
        var buffer = [UInt8](repeating: 0, count: max(1, length))
        let count = unsafe offset.map { unsafe pread(file, &buffer, length, $0) } ?? read(file, &buffer, length)
        guard count >= 0 else { return result(-1) }
        if count <= 20, buffer[..<count].allSatisfy({ $0 > 32 && $0 < 127 }) {
            return "\(count) " + String(decoding: buffer[..<count], as: UTF8.self)
        }
        return unsafe "\(count) #\(fc_digest(buffer, count))"
    }

    static func attribute(_ name: String, of path: String, room: Int) -> String {
        var value = [CChar](repeating: 0, count: max(1, room))
        let count = unsafe fc_getxattr(path, name, &value, room)
        guard count >= 0 else { return result(-1) }
        return "\(count) "
            + String(decoding: value.prefix(min(room, count, 20)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func attributeNames(_ path: String) -> String {
        var buffer = [CChar](repeating: 0, count: 1 << 16)
        let count = unsafe fc_listxattr(path, &buffer, buffer.count)
        guard count >= 0 else { return result(-1) }
        let names = buffer[..<count].split(separator: 0).map { name in
            String(decoding: name.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        return "[" + names.sorted().joined(separator: ",") + "]"
    }
}

/// The symbol of an errno that filesystems answer.
func errorName(_ number: Int32) -> String {
    let names: [Int32: String] = [
        EPERM: "EPERM", ENOENT: "ENOENT", EIO: "EIO", ENXIO: "ENXIO", E2BIG: "E2BIG", EBADF: "EBADF", EAGAIN: "EAGAIN",
        ENOMEM: "ENOMEM", EACCES: "EACCES", EFAULT: "EFAULT", EBUSY: "EBUSY", EEXIST: "EEXIST", EXDEV: "EXDEV",
        ENODEV: "ENODEV", ENOTDIR: "ENOTDIR", EISDIR: "EISDIR", EINVAL: "EINVAL", ENFILE: "ENFILE", EMFILE: "EMFILE",
        ENOTTY: "ENOTTY", ETXTBSY: "ETXTBSY", EFBIG: "EFBIG", ENOSPC: "ENOSPC", ESPIPE: "ESPIPE", EROFS: "EROFS",
        EMLINK: "EMLINK", EPIPE: "EPIPE", ERANGE: "ERANGE", ENAMETOOLONG: "ENAMETOOLONG", ENOSYS: "ENOSYS",
        ENOTEMPTY: "ENOTEMPTY", ELOOP: "ELOOP", ENODATA: "ENODATA", EOVERFLOW: "EOVERFLOW", EOPNOTSUPP: "EOPNOTSUPP",
        ESTALE: "ESTALE", ENOTCONN: "ENOTCONN", EADDRINUSE: "EADDRINUSE", ECONNREFUSED: "ECONNREFUSED",
    ]
    return names[number] ?? "errno \(number)"
}
