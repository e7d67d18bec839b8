// PrometheusText: figures in Prometheus' text format 0.0.4.
// Source: prometheus.io, "Exposition formats".

/// A page of figures.
public enum PrometheusText {
    /// The figures that are numbers, each with its help and type. Names begin with `memfisd_` and end with the unit,
    /// counters with `_total`.
    public static func page(_ samples: [MetricSample]) -> String {
        var text = ""
        for sample in samples {
            guard sample.metric.kind != .word, case .number(let number) = sample.value else { continue }
            let name = name(of: sample.metric)
            text += "# HELP \(name) \(escaped(sample.metric.help))\n"
            text += "# TYPE \(name) \(sample.metric.kind.rawValue)\n"
            text += "\(name) \(value(number, sample.metric.unit))\n"
        }
        return text
    }

    /// The name of a figure there: times are in seconds.
    public static func name(of metric: Metric) -> String {
        var name = metric.name
        for unit in ["_us", "_ms", "_bytes", "_seconds"] where name.hasSuffix(unit) { name.removeLast(unit.count) }
        switch metric.unit {
        case .none: break
        case .bytes: name += "_bytes"
        case .seconds, .milliseconds, .microseconds: name += "_seconds"
        }
        return "memfisd_\(name)\(metric.kind == .counter ? "_total" : "")"
    }

    private static func value(_ number: UInt64, _ unit: Metric.Unit) -> String {
        switch unit {
        case .none, .bytes, .seconds: "\(number)"
        case .milliseconds: "\(Double(number) / 1e3)"
        case .microseconds: "\(Double(number) / 1e6)"
        }
    }

    private static func escaped(_ help: String) -> String {
        help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
    }
}
