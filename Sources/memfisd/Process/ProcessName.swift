// ProcessName: what ps(1) and top(1) show of a process, so that the monitor and the sentinel are told apart from the server.
import CShims
import Glibc
import MemFS
import MemStore

enum ProcessName {
    /// Names the process.
    ///
    /// - Parameters:
    ///   - name: the short name; at most 15 bytes.
    ///   - title: the beginning of the command line, in place of the program's path. The words follow as far as the path's and
    ///     their own bytes have room for them.
    /// Source: PR_SET_NAME(2const); proc_pid_cmdline(5): a process can write over its words.
    static func set(_ name: String, title: String) {
        unsafe name.withCString { text in _ = cs_prctl(PR_SET_NAME, UInt(bitPattern: text)) }
        let line = ([title] + Memfisd.words).joined(separator: " ").hostBytes
        guard let (start, room) = unsafe place(), room > 0 else { return }
        unsafe memset(start, 0, room)
        unsafe memcpy(start, line, min(room, line.count))
    }

    /// Where the process' words are, with the number of bytes up to the last NUL, which has to stay: with another byte in its
    /// place the kernel would read on in the variables. Nil where /proc does not say.
    /// Source: proc_pid_stat(5), fields 48 and 49, arg_start and arg_end.
    private static func place() -> (start: UnsafeMutableRawPointer, room: Int)? {
        guard let text = SystemFile.text(of: "/proc/self/stat"), let name = text.lastIndex(of: ")") else {
            return nil
        }
        // The third field is the first one behind the name.
        let fields = text[text.index(after: name)...].split(separator: " ")
        guard fields.count > 46, let first = UInt(fields[48 - 3]), let end = UInt(fields[49 - 3]), end > first,
            let start = unsafe UnsafeMutableRawPointer(bitPattern: first)
        else { return nil }
        return unsafe (start, Int(end - first) - 1)
    }
}
