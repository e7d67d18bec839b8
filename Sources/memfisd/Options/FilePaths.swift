// FilePaths: paths of the host's filesystem and small text files on it.
import Glibc
import MemFS
import MemStore

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
        return unsafe String(hostText: path)
    }

    /// The path with symlinks resolved; nil with errno set when that fails.
    static func resolved(_ path: String) -> String? {
        guard let text = unsafe realpath(path.hostPath, nil) else { return nil }
        defer { unsafe free(text) }
        return unsafe String(hostText: text)
    }

    /// The path with symlinks resolved as far as that goes: the last component may be missing, or a dead mount.
    static func real(_ path: String) -> String {
        if let whole = resolved(path) { return whole }
        guard path != "/", let slash = path.lastIndex(of: "/") else { return path }
        let name = path[path.index(after: slash)...]
        guard let directory = resolved(slash == path.startIndex ? "/" : String(path[..<slash])) else { return path }
        return directory == "/" ? "/\(name)" : "\(directory)/\(name)"
    }

    /// Replaces a file as a whole: written beside it, then renamed. Returns false with errno set when that fails.
    static func replace(_ path: String, with text: String, temporary: String) -> Bool {
        let file = unsafe open(temporary.hostPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { return false }
        let bytes = text.hostBytes
        let written = unsafe write(file, bytes, bytes.count)
        close(file)
        return unsafe written == bytes.count && rename(temporary.hostPath, path.hostPath) == 0
    }

    /// Makes the directory of a file directly below /run unless it is there: /run is empty after each start of the machine.
    /// Anywhere else a missing directory is a mistake, which shows when the file is made, as what hinders this does.
    static func makeRuntimeDirectory(of path: String) {
        guard path.hasPrefix("/run/"), let slash = path.lastIndex(of: "/"),
            path.distance(from: path.startIndex, to: slash) > 4
        else { return }
        unsafe mkdir(String(path[..<slash]).hostPath, 0o755)
    }

    /// Whether there is a regular file.
    static func isFile(_ path: String) -> Bool {
        var attributes = stat()
        return unsafe stat(path.hostPath, &attributes) == 0 && attributes.st_mode & S_IFMT == S_IFREG
    }

    /// The system's words for an errno.
    static func errorText(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}
