// Files: system calls on files, in a form without pointers.
import Foundation

enum Files {
    static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// The path is a mount whose server is gone.
    static func isDeadMount(_ path: String) -> Bool { unsafe access(path, F_OK) != 0 && errno == ENOTCONN }

    static func isReadableAndWritable(_ path: String) -> Bool { unsafe access(path, R_OK | W_OK) == 0 }

    static func remove(_ path: String) { unsafe unlink(path) }

    static func makeDirectory(_ path: String) throws {
        guard unsafe mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw TestFailure("mkdir \(path): errno \(errno)")
        }
    }

    static func makeSymlink(to target: String, at path: String) throws {
        guard unsafe symlink(target, path) == 0 else { throw TestFailure("symlink \(path): errno \(errno)") }
    }

    static func rename(_ path: String, to other: String) throws {
        guard unsafe Foundation.rename(path, other) == 0 else { throw TestFailure("rename \(path): errno \(errno)") }
    }

    static func setMode(_ path: String, _ mode: mode_t) { unsafe chmod(path, mode) }

    static func unmount(_ path: String) { unsafe umount2(path, 2) }

    /// Takes a mount away whose server answers no more.
    static func abort(_ path: String) { unsafe umount2(path, 1 | 2) }

    /// Size in bytes and modification time in seconds.
    static func attributes(_ path: String) throws -> (size: Int, mtimeSeconds: Int) {
        var attributes = stat()
        guard unsafe stat(path, &attributes) == 0 else { throw TestFailure("stat \(path): errno \(errno)") }
        return (Int(attributes.st_size), attributes.st_mtim.tv_sec)
    }

    static func nowSeconds() -> Int { time(nil) }

    static func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    /// Writes a file in place: truncate, write, close.
    static func write(_ text: String, to path: String) throws {
        try text.write(toFile: path, atomically: false, encoding: .utf8)
    }

    static func isMounted(_ path: String) -> Bool {
        (try? text("/proc/self/mountinfo"))?.contains(" \(path) ") ?? true
    }
}

/// A file held open for writing.
final class OpenFile {
    private var descriptor: Int32

    /// Opens a file, creating it when it is missing.
    init(_ path: String, appending: Bool = false) throws {
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | (appending ? O_APPEND : 0), 0o644)
        guard descriptor >= 0 else { throw TestFailure("open \(path): errno \(errno)") }
    }

    deinit { close() }

    func write(_ text: String) throws {
        let bytes = Array(text.utf8)
        guard unsafe Foundation.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw TestFailure("write: errno \(errno)")
        }
    }

    func close() {
        if descriptor >= 0 { Foundation.close(descriptor) }
        descriptor = -1
    }
}
