// Server+Reports: what `stats` shows, as texts for other places than the port.
import MemStore

extension Server {
    /// The lines of `stats` and `stats memfis`, a name and a value in each. Any thread, while the server runs.
    public func statisticsText() -> String {
        Self.text(metrics.map { (name: $0.metric.name, value: $0.value.description) })
    }

    /// All figures now: those of `stats`, of `stats memfis`, and those of other parts. Any thread, while the server runs.
    public var metrics: [MetricSample] {
        PortSnapshot(shared).samples(PortMetrics.general) + shared.ownMetrics(asking: nil)
    }

    /// Shows the figures of another part of the program in `stats memfis` too.
    public func show(_ more: @escaping @Sendable () -> [MetricSample]) { shared.moreMetrics = more }

    /// The lines of `stats settings`, a name and a value in each. Any thread, while the server runs.
    public func settingsText() -> String {
        Self.text(
            shared.configuration.settings(
                memoryLimitBytes: shared.store.statistics().memoryLimitBytes, verbosity: shared.verbosity,
                countsPrefixes: shared.countsPrefixes))
    }

    private static func text(_ lines: [(name: String, value: String)]) -> String {
        lines.map { "\($0.name) \($0.value)\n" }.joined()
    }
}
