// FilePaths: paths of the host's filesystem and small text files on it.
import Glibc

enum FilePaths {
    /// The path without a trailing slash, made absolute.
    static func absolute(_ path: String, from directory: String) -> String {
        var result = path.hasPrefix("/") ? path : directory == "/" ? "/\(path)" : "\(directory)/\(path)"
        while result.count > 1, result.hasSuffix("/") { result.removeLast() }
        return result
    }

    /// The working directory.
    static func current() -> String {
        guard let path = unsafe getcwd(nil, 0) else { return "/" }
        defer { unsafe free(path) }
        return unsafe String(cString: path)
    }

    /// The path with symlinks resolved; nil with errno set when that fails.
    static func resolved(_ path: String) -> String? {
        guard let text = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(text) }
        return unsafe String(cString: text)
    }

    /// The path with symlinks resolved as far as that goes: the last component may be missing, or a dead mount.
    static func real(_ path: String) -> String {
        if let whole = resolved(path) { return whole }
        guard path != "/", let slash = path.lastIndex(of: "/") else { return path }
        let name = path[path.index(after: slash)...]
        guard let directory = resolved(slash == path.startIndex ? "/" : String(path[..<slash])) else { return path }
        return directory == "/" ? "/\(name)" : "\(directory)/\(name)"
    }

    /// A file's text; nil when it cannot be read.
    static func contents(of path: String) -> String? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe read(file, &buffer, buffer.count)
            if count < 0 { return nil }
            if count == 0 { break }
            bytes.append(contentsOf: buffer.prefix(count))
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Replaces a file as a whole: written beside it, then renamed. Returns false with errno set when that fails.
    static func replace(_ path: String, with text: String, temporary: String) -> Bool {
        let file = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { return false }
        let bytes = Array(text.utf8)
        let written = unsafe write(file, bytes, bytes.count)
        close(file)
        return unsafe written == bytes.count && rename(temporary, path) == 0
    }

    /// Makes the directory of a file directly below /run unless it is there: /run is empty after each start of the machine.
    /// Anywhere else a missing directory is a mistake, which shows when the file is made, as what hinders this does.
    static func makeRuntimeDirectory(of path: String) {
        guard path.hasPrefix("/run/"), let slash = path.lastIndex(of: "/"),
            path.distance(from: path.startIndex, to: slash) > 4
        else { return }
        unsafe mkdir(String(path[..<slash]), 0o755)
    }

    /// Whether there is a regular file.
    static func isFile(_ path: String) -> Bool {
        var attributes = stat()
        return unsafe stat(path, &attributes) == 0 && attributes.st_mode & S_IFMT == S_IFREG
    }

    /// The system's words for an errno.
    static func errorText(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}
