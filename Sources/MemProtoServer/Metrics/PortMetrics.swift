// PortMetrics: the tables of the port's figures, in the order of `stats` and `stats memfis`. A new figure is one line in the
// table of its topic.
import MemStore

enum PortMetrics {
    typealias Source = MetricSource<PortSnapshot>

    /// `stats`: memcached's names, in its order.
    static let general = joined(process, connections, commands, server, slabMoves, log, items)
    /// `stats memfis`: what memcached has no name for.
    static let own = joined(memory, slices, files, transport)

    static func joined(_ tables: [Source]...) -> [Source] { tables.flatMap { $0 } }

    static func counter(
        _ name: String, in unit: Metric.Unit = .none, of owner: Metric.Owner = .port, _ help: String,
        if isShown: @escaping @Sendable (PortSnapshot) -> Bool = { _ in true },
        _ number: @escaping @Sendable (PortSnapshot) -> UInt64
    ) -> Source {
        Source(Metric(name, .counter, unit, owner, help), if: isShown, number: number)
    }

    static func gauge(
        _ name: String, in unit: Metric.Unit = .none, of owner: Metric.Owner = .port, _ help: String,
        if isShown: @escaping @Sendable (PortSnapshot) -> Bool = { _ in true },
        _ number: @escaping @Sendable (PortSnapshot) -> UInt64
    ) -> Source {
        Source(Metric(name, .gauge, unit, owner, help), if: isShown, number: number)
    }

    static func word(
        _ name: String, _ help: String, if isShown: @escaping @Sendable (PortSnapshot) -> Bool = { _ in true },
        _ text: @escaping @Sendable (PortSnapshot) -> String
    ) -> Source {
        Source(Metric(name, .word, .none, .process, help), if: isShown, text: text)
    }

    /// Figures of memcached's parts that are not here: always the same.
    static func absent(
        _ names: [String], as value: String = "0",
        if isShown: @escaping @Sendable (PortSnapshot) -> Bool = { _ in true }
    ) -> [Source] {
        names.map { name in
            word(name, "memcached's figure, which has no meaning here.", if: isShown) { _ in value }
        }
    }
}

extension PortSnapshot {
    /// The figures of a table.
    func samples(_ table: [PortMetrics.Source]) -> [MetricSample] { table.compactMap { $0.sample(self) } }
}
