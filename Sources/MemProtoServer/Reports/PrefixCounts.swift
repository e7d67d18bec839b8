// PrefixCounts: `stats detail`: commands counted by the part of their key before the first delimiter.
import MemStore

/// The counts of all workers. Only asked for when an operator turned them on: every command then takes the lock.
final class PrefixCounts: @unchecked Sendable {  // guarded by `lock`
    /// What is counted.
    enum Event { case get, hit, set, delete }

    private struct Counts {
        var gets = 0
        var hits = 0
        var sets = 0
        var deletes = 0
    }

    private let lock = Lock()
    private let delimiter: UInt8
    private let countMax: Int
    private var counts: [[UInt8]: Counts] = [:]

    init(delimiter: UInt8, countMax: Int) {
        self.delimiter = delimiter
        self.countMax = countMax
    }
    deinit { lock.destroy() }

    /// Counts a command. A key without the delimiter has no prefix, and none is counted beyond `countMax`.
    func count(_ event: Event, _ key: Bytes) {
        let end = key.index(of: delimiter, from: 0)
        if end < 0 { return }
        let prefix = key[0..<end].array
        lock.withLock {
            guard counts.count < countMax || counts[prefix] != nil else { return }
            switch event {
            case .get: counts[prefix, default: Counts()].gets += 1
            case .hit: counts[prefix, default: Counts()].hits += 1
            case .set: counts[prefix, default: Counts()].sets += 1
            case .delete: counts[prefix, default: Counts()].deletes += 1
            }
        }
    }

    /// Prefixes that are counted.
    var count: Int { lock.withLock { counts.count } }

    /// Forgets all counts.
    func reset() { lock.withLock { counts = [:] } }

    /// `PREFIX <prefix> get <n> hit <n> set <n> del <n>` lines, in the order of the prefixes.
    func lines() -> [UInt8] {
        let snapshot = lock.withLock { counts }
        return snapshot.sorted { $0.key.lexicographicallyPrecedes($1.key) }.flatMap { prefix, one in
            Array("PREFIX ".utf8) + prefix
                + Array(" get \(one.gets) hit \(one.hits) set \(one.sets) del \(one.deletes)\r\n".utf8)
        }
    }
}
