// NoticeRepetitions: contents of which the kernel is told again, some time after it was told first.
//
// The kernel drops the pages of a file when it is told to, but not a page that somebody uses at that moment: a program that is
// in the middle of a read of it, and may be stopped there for minutes. It says nothing of that. The old page would stay for
// as long as the kernel has memory, and every later reader would get it. So each file is told again, at growing distances from
// its last change, until whoever held the page is very likely gone. A file that changes all the time is told again once for
// all of its changes.
import MemStore

/// Files and when they are told again. Bounded; used under its owner's lock.
struct NoticeRepetitions {
    /// Distances from one telling to the next, in milliseconds.
    static let delaysMilliseconds: [Int64] = [500, 2_000, 10_000, 60_000, 600_000]
    /// Files that may wait; those that change while so many do are not told again.
    static let filesMax = 1 << 16

    private struct Repetition {
        var dueMilliseconds: Int64
        var step: Int
    }

    private var repetitions: [Ino: Repetition] = [:]

    var isEmpty: Bool { repetitions.isEmpty }
    var count: Int { repetitions.count }

    /// Notes that the kernel was told of a change.
    mutating func note(_ ino: Ino, nowMilliseconds: Int64) {
        guard repetitions.count < Self.filesMax || repetitions[ino] != nil else { return }
        repetitions[ino] = Repetition(dueMilliseconds: nowMilliseconds + Self.delaysMilliseconds[0], step: 0)
    }

    /// The files that are due. Each of them waits for its next time, or is done with.
    mutating func takeDue(nowMilliseconds: Int64) -> [Ino] {
        let due = repetitions.filter { $0.value.dueMilliseconds <= nowMilliseconds }
        for (ino, repetition) in due {
            let step = repetition.step + 1
            repetitions[ino] =
                step < Self.delaysMilliseconds.count
                ? Repetition(dueMilliseconds: nowMilliseconds + Self.delaysMilliseconds[step], step: step) : nil
        }
        return due.keys.sorted { $0.rawValue < $1.rawValue }
    }

    /// When the next file is due; nil = none waits.
    var nextMilliseconds: Int64? { repetitions.values.map(\.dueMilliseconds).min() }
}
