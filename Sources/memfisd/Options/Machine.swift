// Machine: what the defaults depend on: memory, host name, user, working directory.
import Glibc
import MemStore

struct Machine: Equatable {
    /// Memory of the machine or of the control group, whichever is less, in bytes.
    var memoryBytes: Int
    var hostName: String
    /// The effective uid.
    var user: UInt32
    var workingDirectory: String

    static func current() -> Machine {
        Machine(
            memoryBytes: min(physicalMemory(), controlGroupMemory()), hostName: ownHostName(), user: UInt32(geteuid()),
            workingDirectory: FilePaths.current())
    }

    private static func physicalMemory() -> Int {
        sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    }

    /// The smallest limit of the control groups this process is in, `Int.max` without one.
    /// Source: Linux, cgroup-v2.rst (memory.max) and cgroup-v1/memory.rst.
    private static func controlGroupMemory() -> Int {
        guard let text = SystemFile.text(of: "/proc/self/cgroup") else { return .max }
        var result = Int.max
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let isUnified = fields[0] == "0" && fields[1].isEmpty
            guard isUnified || fields[1].split(separator: ",").contains("memory") else { continue }
            let root = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
            let file = isUnified ? "memory.max" : "memory.limit_in_bytes"
            var path = fields[2]
            while true {
                if let limit = SystemFile.text(of: "\(root)\(path)/\(file)").flatMap(firstNumber) {
                    result = min(result, limit)
                }
                guard let slash = path.lastIndex(of: "/") else { break }
                path = path[..<slash]
            }
        }
        return result
    }

    private static func firstNumber(_ text: String) -> Int? { text.split(separator: "\n").first.flatMap { Int($0) } }

    private static func ownHostName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
