// Server+Reports: what `stats` shows, as texts for other places than the port.
import MemStore

extension Server {
    /// The lines of `stats` and `stats memfis`, a name and a value in each. Any thread, while the server runs.
    public func statisticsText() -> String {
        var general = StatsReport(shared)
        var own = StatsReport(shared)
        return Self.text(general.general() + own.memfis(held: pool.heldMemory(from: nil)))
    }

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
