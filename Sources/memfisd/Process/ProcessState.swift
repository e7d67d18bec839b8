// ProcessState: whether another process is on its way out, as /proc tells it.
import MemStore

enum ProcessState {
    case alive
    /// Its memory is being written to a file; its threads do nothing any more.
    case dumpingCore
    /// Its first thread has ended, and others are ending.
    case dying

    /// The state of a process; `alive` where /proc does not say.
    static func of(_ process: Int32) -> ProcessState {
        SystemFile.text(of: "/proc/\(process)/status").map(parse) ?? .alive
    }

    /// Reads the lines `State:` and `CoreDumping:`. Source: proc_pid_status(5).
    static func parse(_ status: String) -> ProcessState {
        for line in status.split(separator: "\n") {
            let words = line.split { $0 == "\t" || $0 == " " }
            guard words.count > 1 else { continue }
            if words[0] == "State:", words[1] == "Z" || words[1] == "X" { return .dying }
            if words[0] == "CoreDumping:", words[1] == "1" { return .dumpingCore }
        }
        return .alive
    }
}
