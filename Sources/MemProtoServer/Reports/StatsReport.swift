// StatsReport: lines of `stats items` and `stats slabs` under construction.
import MemNet
import MemStore

/// What a report by size class is made of. Figures of the whole are in `PortMetrics`.
struct StatsReport {
    let snapshot: PortSnapshot
    /// Each becomes `STAT <name> <value>`.
    private(set) var lines: [(name: String, value: String)] = []

    init(_ shared: ServerState) { snapshot = PortSnapshot(shared) }

    mutating func add(_ name: String, _ value: some BinaryInteger) { lines.append((name, "\(value)")) }
    mutating func add(_ name: String, _ counter: Counter) { add(name, counter.value) }
}
