// ProcessIdentity: whether two threads belong to one process, which decides whose close publishes a file.
import CShims
import Glibc

/// Thread ids as a FUSE request carries them.
enum ProcessIdentity {
    /// Whether the threads `first` and `second` are known to be of one process. 0 stands for the kernel itself or a
    /// process that cannot be seen from here, of which nothing is known. Reads /proc only for two different ids.
    static func isSameProcess(_ first: UInt32, _ second: UInt32) -> Bool {
        if first == 0 || second == 0 { return false }
        if first == second { return true }
        guard let group = threadGroup(of: second) else { return false }
        return group == first || group == threadGroup(of: first)
    }

    /// Whether the threads may be of one process: they are, or one of them is unknown.
    static func mayBeSameProcess(_ first: UInt32, _ second: UInt32) -> Bool {
        first == 0 || second == 0 || isSameProcess(first, second)
    }

    /// The process id of a thread, nil when the thread is gone.
    ///
    /// Source: proc(5), the line `Tgid:` of /proc/<pid>/status; the directory of a thread exists though it is not
    /// listed.
    static func threadGroup(of thread: UInt32) -> UInt32? {
        unsafe withStatus(of: thread) { status in
            unsafe afterLabel("\nTgid:", in: status).flatMap { start in
                unsafe number(at: start, in: status)?.value
            }
        }
    }

    /// Whether a group is among those that a thread has besides its own.
    ///
    /// Source: proc(5), the line `Groups:`.
    static func isMember(_ thread: UInt32, of group: UInt32) -> Bool {
        unsafe withStatus(of: thread) { status in
            guard var position = unsafe afterLabel("\nGroups:", in: status) else { return false }
            while let found = unsafe number(at: position, in: status) {
                if found.value == group { return true }
                position = found.end
            }
            return false
        } ?? false
    }

    private static func withStatus<R>(of thread: UInt32, _ body: (UnsafeBufferPointer<UInt8>) -> R?) -> R? {
        let descriptor = unsafe open("/proc/\(thread)/status", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 8192) { buffer in
            let count = unsafe read(descriptor, buffer.baseAddress, buffer.count)
            guard count > 0 else { return nil }
            return unsafe body(UnsafeBufferPointer(rebasing: buffer[..<count]))
        }
    }

    /// The position behind a label.
    private static func afterLabel(_ label: StaticString, in text: UnsafeBufferPointer<UInt8>) -> Int? {
        let length = label.utf8CodeUnitCount
        var start = 0
        while start + length <= text.count {
            if unsafe memcmp(text.baseAddress! + start, label.utf8Start, length) == 0 { return start + length }
            start += 1
        }
        return nil
    }

    /// The decimal number that follows blanks, and where it ends; nil when something else does.
    private static func number(
        at start: Int, in text: UnsafeBufferPointer<UInt8>
    ) -> (value: UInt32, end: Int)? {
        var index = start
        while index < text.count, unsafe text[index] == UInt8(ascii: "\t") || text[index] == UInt8(ascii: " ") {
            index += 1
        }
        var value: UInt32?
        while index < text.count, case let digit = unsafe text[index] &- UInt8(ascii: "0"), digit < 10 {
            value = (value ?? 0) &* 10 &+ UInt32(digit)
            index += 1
        }
        return value.map { ($0, index) }
    }
}
