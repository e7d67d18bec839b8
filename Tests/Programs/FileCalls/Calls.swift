// Calls: the calls that a script can make. Each returns a number or a text, or the name of its errno.
import CFileCalls
import Glibc

/// One process' calls and the files that it has open.
struct Calls {
    /// Open files by the names that the script gave them.
    private var files: [String: Int32] = [:]
    /// Programs that run, by the paths that they were started by.
    private var programs: [String: Int32] = [:]
    /// The directory that the script began in. Source: open(2), O_PATH.
    private let home = unsafe Glibc.open(".", 0o10_000_000 | O_CLOEXEC)

    /// Makes the call of a line's words.
    mutating func make(_ words: [String]) -> String {
        let arguments = Arguments(Array(words.dropFirst()))
        switch words[0] {
        case "open": return open(arguments, OpenFlags.value(of: arguments[2]), mode: arguments.octal(3))
        case "creat": return open(arguments, O_WRONLY | O_CREAT | O_TRUNC, mode: arguments.octal(2))
        case "home": return result(fchdir(home))
        case "sizelimit": return result(fc_limit_size(Int64(arguments.number(0))))
        case "close": return result(close(files.removeValue(forKey: arguments[0]) ?? -1))
        case "program": return copyProgram(to: arguments[0])
        case "spawn": return spawn(arguments[0])
        case "reap": return result(fc_reap(programs.removeValue(forKey: arguments[0]) ?? -1))
        case "bind": return bind(arguments)
        case "connect": return unsafe result(fc_connect(arguments[1]))
        case "fault": return unsafe result(fc_fault(arguments[0]))
        case "umask": return result(Int(umask(arguments.octal(0))))
        default: return onName(words[0], arguments) ?? onFile(words[0], arguments) ?? "no such call: \(words[0])"
        }
    }

    private mutating func open(_ arguments: Arguments, _ flags: Int32, mode: UInt32) -> String {
        let file = unsafe Glibc.open(arguments[1], flags | O_NONBLOCK | O_CLOEXEC, mode)
        guard file >= 0 else { return result(-1) }
        if let old = files.updateValue(file, forKey: arguments[0]) { close(old) }
        return "0"
    }

    /// Binds a new socket to a name.
    private mutating func bind(_ arguments: Arguments) -> String {
        let file = unsafe fc_bind(arguments[1])
        guard file >= 0 else { return result(-1) }
        if let old = files.updateValue(file, forKey: arguments[0]) { close(old) }
        return "0"
    }

    // MARK: programs

    /// Makes a program that sleeps.
    private func copyProgram(to path: String) -> String {
        let source = unsafe Glibc.open("/bin/sleep", O_RDONLY)
        let target = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o755)
        defer {
            close(source)
            close(target)
        }
        guard source >= 0, target >= 0 else { return result(-1) }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = unsafe Glibc.read(source, &buffer, buffer.count), count > 0 {
            guard unsafe write(target, buffer, count) == count else { return result(-1) }
        }
        return "0"
    }

    private mutating func spawn(_ path: String) -> String {
        let pid = unsafe fc_spawn(path)
        if pid >= 0 { programs[path] = pid }
        return result(min(pid, 0))
    }

    // MARK: calls that take a path

    private func onName(_ call: String, _ arguments: Arguments) -> String? {
        let path = arguments[0]
        switch call {
        case "stat": return Report.attributes(path, follows: true)
        case "lstat": return Report.attributes(path, follows: false)
        case "times": return Report.times(path, after: arguments.number(1), arguments.number(2))
        case "moved": return Report.moved(path, after: arguments.number(1), arguments.number(2))
        case "newborn": return Report.newborn(path)
        case "exact": return Report.exactTimes(path)
        case "ls": return Report.listing(path)
        case "tree": return Report.tree(path)
        case "readlink": return Report.target(path)
        case "mkdir": return unsafe result(mkdir(path, arguments.octal(1)))
        case "rmdir": return unsafe result(rmdir(path))
        case "unlink": return unsafe result(unlink(path))
        case "symlink": return unsafe result(symlink(path, arguments[1]))
        case "link": return unsafe result(fc_link(path, arguments[1], 0))
        case "linkfollow": return unsafe result(fc_link(path, arguments[1], 0x400))
        case "linkflags": return unsafe result(fc_link(path, arguments[1], Int32(arguments.number(2))))
        case "mkfifo": return unsafe result(mkfifo(path, arguments.octal(1)))
        case "lchmod": return unsafe result(fc_set_mode_of_link(path, arguments.octal(1)))
        case "statfs": return unsafe result(fc_statfs(path))
        case "rename": return unsafe result(fc_rename(path, arguments[1], UInt32(arguments.number(2))))
        case "mknod":
            let (major, minor) = (UInt32(arguments.number(2)), UInt32(arguments.number(3)))
            return unsafe result(fc_mknod(path, arguments.octal(1), major, minor))
        case "truncate": return unsafe result(truncate(path, arguments.number(1)))
        case "chmod": return unsafe result(chmod(path, arguments.octal(1)))
        case "chown": return unsafe result(chown(path, arguments.id(1), arguments.id(2)))
        case "lchown": return unsafe result(lchown(path, arguments.id(1), arguments.id(2)))
        case "access": return unsafe result(fc_access(path, Int32(arguments.number(1))))
        case "utimens": return unsafe result(utimens(path, arguments))
        case "pathconf": return unsafe result(fc_pathconf(path, arguments[1]))
        case "remount": return unsafe result(fc_remount(path, arguments[1] == "ro" ? 1 : 0))
        case "cover": return unsafe result(fc_cover(path))
        case "uncover": return unsafe result(fc_uncover(path))
        case "chdir": return unsafe result(chdir(path))
        default: return onAttribute(call, arguments)
        }
    }

    @unsafe private func utimens(_ path: String, _ arguments: Arguments) -> Int {
        let flags: Int32 = arguments[5] == "nofollow" ? 0x100 : 0
        return Int(
            unsafe fc_utimens(
                path, Int64(arguments.number(1)), arguments.nanoseconds(2), Int64(arguments.number(3)),
                arguments.nanoseconds(4), flags))
    }

    private func onAttribute(_ call: String, _ arguments: Arguments) -> String? {
        let (path, name) = (arguments[0], arguments[1])
        switch call {
        case "setxattr":
            return unsafe result(
                fc_setxattr(path, name, arguments[2], arguments[2].utf8.count, Int32(arguments.number(3))))
        case "removexattr": return unsafe result(fc_removexattr(path, name))
        case "getxattr": return Report.attribute(name, of: path, room: arguments.number(2))
        case "listxattr": return Report.attributeNames(path)
        case "listxattrroom":
            var names = [CChar](repeating: 0, count: 100)
            return unsafe result(fc_listxattr(path, &names, min(names.count, arguments.number(1))))
        default: return nil
        }
    }

    // MARK: calls that take an open file

    private func onFile(_ call: String, _ arguments: Arguments) -> String? {
        let file = files[arguments[0]] ?? -1
        let bytes = Array(arguments[1].utf8)
        switch call {
        case "fstat": return Report.attributes(file)
        case "read": return Report.content(file, length: arguments.number(1), offset: nil)
        case "pread": return Report.content(file, length: arguments.number(1), offset: arguments.number(2))
        case "write": return unsafe result(write(file, bytes, bytes.count))
        case "pwrite": return unsafe result(pwrite(file, bytes, bytes.count, arguments.number(2)))
        case "mapwrite":
            return unsafe result(fc_write_mapped(file, Int64(arguments.number(2)), arguments[1], bytes.count))
        case "appending": return result(fc_set_append(file, arguments[1] == "on" ? 1 : 0))
        case "fsync": return result(fsync(file))
        case "fstatfs": return result(fc_fstatfs(file))
        case "linkfd": return unsafe result(fc_link_open(file, arguments[1]))
        case "futimens":
            return result(
                fc_set_times(
                    file, Int64(arguments.number(1)), arguments.nanoseconds(2), Int64(arguments.number(3)),
                    arguments.nanoseconds(4)))
        case "ftruncate": return result(ftruncate(file, arguments.number(1)))
        case "fchmod": return result(fc_set_mode(file, arguments.octal(1)))
        case "fchown": return result(fchown(file, arguments.id(1), arguments.id(2)))
        case "flock": return result(fc_lock(file, arguments[1] == "exclusive" ? 1 : 0))
        case "fallocate":
            let mode = Int32(arguments.number(1))
            return result(fc_fallocate(file, mode, Int64(arguments.number(2)), Int64(arguments.number(3))))
        case "posixfallocate":
            return result(fc_posix_fallocate(file, Int64(arguments.number(1)), Int64(arguments.number(2))))
        case "seek": return result(Int(fc_seek(file, Int64(arguments.number(1)), Int32(arguments.number(2)))))
        case "copy":
            let target = files[arguments[2]] ?? -1
            let (from, to) = (Int64(arguments.number(1)), Int64(arguments.number(3)))
            return result(fc_copy(file, from, target, to, arguments.number(4)))
        default: return nil
        }
    }
}

/// What a call returned: its number, or the name of its errno.
func result<Number: BinaryInteger>(_ number: Number) -> String { number < 0 ? errorName(errno) : String(number) }

/// A call's words; those that are missing are empty or 0.
struct Arguments {
    private let words: [String]
    init(_ words: [String]) { self.words = words }
    /// A word; `''` stands for the empty one.
    subscript(index: Int) -> String { index < words.count && words[index] != "''" ? words[index] : "" }
    func number(_ index: Int) -> Int { Int(self[index]) ?? 0 }
    func octal(_ index: Int) -> UInt32 { UInt32(self[index], radix: 8) ?? 0 }
    /// A user or group; -1 leaves it.
    func id(_ index: Int) -> UInt32 { UInt32(bitPattern: Int32(self[index]) ?? -1) }
    /// Nanoseconds, `now` or `omit`. Source: utimensat(2).
    func nanoseconds(_ index: Int) -> Int64 {
        switch self[index] {
        case "now": (1 << 30) - 1
        case "omit": (1 << 30) - 2
        default: Int64(number(index))
        }
    }
}

/// The flags of open(2), joined by commas.
enum OpenFlags {
    private static let known: [String: Int32] = [
        "r": O_RDONLY, "w": O_WRONLY, "rw": O_RDWR, "creat": O_CREAT, "excl": O_EXCL, "trunc": O_TRUNC,
        "append": O_APPEND, "directory": O_DIRECTORY, "nofollow": O_NOFOLLOW,
        // Source: open(2), O_NOATIME.
        "noatime": 0o1_000_000,
    ]
    static func value(of text: String) -> Int32 {
        text.split(separator: ",").reduce(0) { flags, name in
            guard let flag = known[String(name)] else { fatalError("no such flag: \(name)") }
            return flags | flag
        }
    }
}
