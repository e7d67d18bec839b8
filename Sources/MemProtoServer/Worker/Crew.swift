// Crew: which workers serve, looked at ten times a second by whichever worker comes by first. Workers without requests
// look at nothing, so an idle server stays asleep.
import CShims
import Glibc
import MemStore

/// The workers as a whole. The first `CrewSize.count` of them serve, the others rest and have no connections.
final class Crew: @unchecked Sendable {  // behind `lock`, but for constants
    /// Milliseconds between two looks.
    static let windowMilliseconds: Int64 = 100
    /// A window that became longer than this had no load in it that could be judged.
    private static let windowMaxNanoseconds: UInt64 = 300_000_000

    private let shared: ServerState
    private let faces: [WorkerFace]
    /// Nobody waits for it: one look at a time is enough.
    private let lock = Lock()
    private var size: CrewSize
    private var lookedAt: UInt64
    private var before: [Share]

    /// What one worker has done so far.
    private struct Share {
        var times = RunTimes()
        var turns: UInt64 = 0
    }

    init(shared: ServerState, faces: [WorkerFace]) {
        self.shared = shared
        self.faces = faces
        size = CrewSize(most: faces.count)
        before = faces.map { _ in Share() }
        lookedAt = Monotonic.nanoseconds
        shared.counts[.activeWorkers] = UInt64(size.count)
    }

    deinit { lock.destroy() }

    /// Looks at what the workers did since the last time, unless that was just now, and lets another number of them serve if
    /// that is better. Any worker.
    func look() {
        guard lock.tryLock() else { return }
        defer { lock.unlock() }
        let length = Monotonic.nanoseconds &- lookedAt
        // The worker's clock is a coarse one.
        guard length >= UInt64(Self.windowMilliseconds) * 900_000 else { return }
        var window = CrewWindow(length: length, running: 0, waiting: 0, busiest: 0, turns: 0)
        var isWhole = length <= Self.windowMaxNanoseconds
        for (number, face) in faces.enumerated() {
            guard let times = RunTimes(ofThread: face.progress.threadID) else {
                isWhole = false
                continue
            }
            let share = Share(times: times, turns: face.progress.turns)
            let running = share.times.running &- before[number].times.running
            let waiting = share.times.waiting &- before[number].times.waiting
            window.running += running
            window.waiting += waiting
            if number < size.count { window.busiest = max(window.busiest, running + waiting) }
            window.turns &+= share.turns &- before[number].turns
            before[number] = share
        }
        lookedAt &+= length
        let count = size.count
        if isWhole { size.judge(window) } else { size.interrupt() }
        if size.count != count { shared.serve(workers: size.count) }
    }
}

/// How long a thread ran, and how long it waited for a CPU though it had work, in nanoseconds.
struct RunTimes: Equatable {
    var running: UInt64 = 0
    var waiting: UInt64 = 0

    init() {}

    /// Those of a thread of this process; nil when the kernel does not count them. Source: proc(5), schedstat.
    init?(ofThread thread: Int32) {
        let file = FileDescriptor(owning: unsafe open("/proc/self/task/\(thread)/schedstat", O_RDONLY | O_CLOEXEC))
        guard file.rawValue >= 0 else { return nil }
        var text: [UInt8] = Array(repeating: 0, count: 96)
        let length = unsafe text.withUnsafeMutableBytes { unsafe read(file.rawValue, $0.baseAddress, $0.count) }
        let fields = text.prefix(max(0, length)).split(separator: UInt8(ascii: " "))
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
