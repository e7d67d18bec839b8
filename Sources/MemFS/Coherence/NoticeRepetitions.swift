// NoticeRepetitions: contents of which the kernel is told again, some time after it was told first.
//
// The kernel drops the pages of a file when it is told to, but not a page that somebody uses at that moment: a program that is
// in the middle of a read of it, and may be stopped there for minutes. It says nothing of that. The old page would stay for
// as long as the kernel has memory, and every later reader would get it. So each file is told again, at growing distances from
// its last change, until whoever held the page is very likely gone. A file that changes all the time is told again once for
// all of its changes.
import DequeModule
import MemStore

/// Files and when they are told again. Bounded; used under its owner's lock. Each call takes constant time for each file that it
/// takes or notes.
struct NoticeRepetitions {
    /// Distances from one telling to the next, in milliseconds.
    static let delaysMilliseconds: [Int64] = [500, 2_000, 10_000, 60_000, 600_000]
    /// Files that may wait; those that change while so many do are not told again.
    static let filesMax = 1 << 16

    private struct Repetition {
        var dueMilliseconds: Int64
        var step: Int
    }

    private struct Waiting {
        var ino: Ino
        var dueMilliseconds: Int64
    }

    private var repetitions: [Ino: Repetition] = [:]
    /// For each step the files that wait for it. All wait equally long, so the first is the next.
    /// INVARIANT: each file of `repetitions` is in the queue of its step with its own time, in the first queue instead with the
    /// time of an earlier change. What a later change has overtaken is dropped when it comes to the front.
    private var queues = [Deque<Waiting>](repeating: [], count: delaysMilliseconds.count)

    var isEmpty: Bool { repetitions.isEmpty }
    var count: Int { repetitions.count }

    /// Notes that the kernel was told of a change.
    mutating func note(_ ino: Ino, nowMilliseconds: Int64) {
        let known = repetitions[ino]
        guard known != nil || repetitions.count < Self.filesMax else { return }
        let due = nowMilliseconds + Self.delaysMilliseconds[0]
        repetitions[ino] = Repetition(dueMilliseconds: due, step: 0)
        if known?.step != 0 { queues[0].append(Waiting(ino: ino, dueMilliseconds: due)) }
    }

    /// The files that are due. Each of them waits for its next time, or is done with.
    mutating func takeDue(nowMilliseconds: Int64) -> [Ino] {
        var due: [Ino] = []
        // From the last step on: what is taken from one queue goes to the one behind it.
        for step in queues.indices.reversed() {
            while let waiting = queues[step].first, waiting.dueMilliseconds <= nowMilliseconds {
                queues[step].removeFirst()
                guard let repetition = repetitions[waiting.ino], repetition.step == step else { continue }
                if repetition.dueMilliseconds == waiting.dueMilliseconds {
                    due.append(waiting.ino)
                    wait(waiting.ino, for: step + 1, nowMilliseconds)
                } else if step == 0 {
                    queues[0].append(Waiting(ino: waiting.ino, dueMilliseconds: repetition.dueMilliseconds))
                }
            }
        }
        return due
    }

    private mutating func wait(_ ino: Ino, for step: Int, _ nowMilliseconds: Int64) {
        guard step < queues.count else {
            repetitions[ino] = nil
            return
        }
        let due = nowMilliseconds + Self.delaysMilliseconds[step]
        repetitions[ino] = Repetition(dueMilliseconds: due, step: step)
        queues[step].append(Waiting(ino: ino, dueMilliseconds: due))
    }

    /// When to look again, which may be before a file is due; nil = none waits.
    var nextMilliseconds: Int64? { queues.compactMap(\.first?.dueMilliseconds).min() }
}
