// RunTimes: what the kernel counts of a thread.
import CShims
import MemStore

/// How long a thread ran, and how long it waited for a CPU though it had work, in nanoseconds.
struct RunTimes: Equatable {
    var running: UInt64 = 0
    var waiting: UInt64 = 0

    init() {}

    /// Those of a thread of this process; nil when the kernel does not count them. Source: proc(5), schedstat.
    init?(ofThread thread: Int32) {
        guard let text = SystemFile.contents(of: "/proc/self/task/\(thread)/schedstat") else { return nil }
        let fields = text[...].split(separator: UInt8(ascii: " "))
        guard fields.count >= 2, let running = Self.number(fields[0]), let waiting = Self.number(fields[1]) else {
            return nil
        }
        self.running = running
        self.waiting = waiting
    }

    /// Whether this kernel counts them.
    static var areCounted: Bool { Self(ofThread: cs_thread_number()) != nil }

    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        UInt64(String(decoding: digits, as: UTF8.self))
    }
}
