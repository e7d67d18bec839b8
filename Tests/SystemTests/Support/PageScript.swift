// PageScript: runs a script that works on files of the mount and looks at the port meanwhile.
import Foundation

extension Daemon {
    /// Runs a script of this test target on a directory of the mount that belongs to everybody.
    ///
    /// The script is told the directory, the port, the directory's key, and a directory outside of the mount.
    ///
    /// - Parameters:
    ///   - more: further words.
    ///   - wrapper: words before the script's interpreter, e.g. for another namespace.
    func runPageScript(_ script: String, _ more: [String] = [], wrapper: [String] = []) throws {
        try Shell.bash("mkdir -m 0777 \(path("site")) && mkdir \(scratch.path("work"))")
        try Shell.python(
            script, [path("site"), "\(port)", Self.prefix + "/site", scratch.path("work")] + more, wrapper: wrapper)
    }
}
