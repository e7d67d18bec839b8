// MountTable: what is mounted where, as the kernel lists it.
import MemStore

/// One mount of this process' namespace.
struct MountedFilesystem: Equatable {
    /// Device number as `major:minor`.
    var device: String
    /// Where it is mounted: an absolute path.
    var path: String
    /// Type with its subtype, for instance `fuse.memfisd`.
    var type: String
}

/// The mounts of this process' namespace.
enum MountTable {
    /// Reads the table; nil when /proc is not there.
    static func read() -> [MountedFilesystem]? {
        guard let text = SystemFile.contents(of: "/proc/self/mountinfo") else { return nil }
        return parse(text)
    }

    /// The topmost mount at exactly `path` (absolute, no symlink in it); nil when nothing is mounted there.
    static func topmost(at path: String) -> MountedFilesystem? { read()?.last { $0.path == path } }

    /// Decodes the table. Lines that are malformed are passed over.
    /// Source: proc(5), /proc/<pid>/mountinfo.
    static func parse(_ text: [UInt8]) -> [MountedFilesystem] {
        text.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let words = line.split(separator: UInt8(ascii: " "))
            guard let dash = words.firstIndex(where: { $0.elementsEqual([UInt8(ascii: "-")]) }) else { return nil }
            guard dash > 5, words.count > dash + 1 else { return nil }
            return MountedFilesystem(
                device: string(words[2]), path: string(words[4]), type: string(words[dash + 1]))
        }
    }

    /// Undoes the table's escapes: a backslash and three octal digits.
    private static func string(_ word: ArraySlice<UInt8>) -> String {
        var bytes: [UInt8] = []
        var rest = word
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            let isEscape = byte == UInt8(ascii: "\\") && digits.count == 3 && digits.allSatisfy { $0 >= 48 && $0 < 56 }
            if isEscape { rest.removeFirst(3) }
            bytes.append(isEscape ? digits.reduce(0) { $0 &* 8 &+ ($1 - 48) } : byte)
        }
        return String(hostBytes: bytes)
    }
}
