// ClassFigures: what the statistics by size class remember from one report to the next, so that what counts up never moves or falls.
import MemStore

/// The class that has the figures without a class, and the most pages that the classes had. Any thread.
final class ClassFigures: @unchecked Sendable {  // guarded by `lock`
    private let lock = Lock()
    private var chosenClass: Int?
    private var pagesMax = 0

    deinit { lock.destroy() }

    /// The class with which figures stand that are not counted by class: the one that held the most items when it was first
    /// asked, for good. A counter that moved to another class would look like a reset in the one and like a burst in the other.
    func classOfWholes(_ totals: [Dump.ClassTotal]) -> Int? {
        lock.withLock {
            if chosenClass == nil {
                chosenClass = totals.indices.filter { totals[$0].count > 0 }.max { totals[$0].count < totals[$1].count }
            }
            return chosenClass
        }
    }

    /// The most pages so far; `count` are in use.
    func pagesMax(with count: Int) -> Int {
        lock.withLock {
            pagesMax = max(pagesMax, count)
            return pagesMax
        }
    }
}
