// Metric: a figure that the program shows of itself, declared once, whoever prints it.

/// What a figure is called and means.
public struct Metric: Sendable, Equatable {
    public enum Kind: String, Sendable {
        /// Grows from the start, or from the last `stats reset`, on.
        case counter
        /// How it is now.
        case gauge
        /// A word, or a line of memcached's that has no meaning here: shown where memcached shows it, and nowhere else.
        case word
    }

    public enum Unit: String, Sendable {
        case none = ""
        case bytes, seconds, milliseconds, microseconds
    }

    /// Which part of the program owns the figure.
    public enum Owner: String, Sendable {
        case process, port, store, mount
    }

    public let name: String
    public let kind: Kind
    public let unit: Unit
    public let owner: Owner
    /// A sentence.
    public let help: String

    public init(_ name: String, _ kind: Kind, _ unit: Unit = .none, _ owner: Owner, _ help: String) {
        self.name = name
        self.kind = kind
        self.unit = unit
        self.owner = owner
        self.help = help
    }
}

/// A figure's value at one moment.
public enum MetricValue: Sendable, Equatable, CustomStringConvertible {
    case number(UInt64)
    case text(String)

    public var description: String {
        switch self {
        case .number(let number): "\(number)"
        case .text(let text): text
        }
    }
}

/// A figure with its value.
public struct MetricSample: Sendable, Equatable {
    public let metric: Metric
    public let value: MetricValue

    public init(_ metric: Metric, _ value: MetricValue) {
        self.metric = metric
        self.value = value
    }
}

/// A figure and how it is had from a snapshot of its owner.
public struct MetricSource<Snapshot>: Sendable {
    public let metric: Metric
    private let isShown: @Sendable (Snapshot) -> Bool
    private let read: @Sendable (Snapshot) -> MetricValue

    /// A number. `shown`: whether it is there at all.
    public init(
        _ metric: Metric, if isShown: @escaping @Sendable (Snapshot) -> Bool = { _ in true },
        number: @escaping @Sendable (Snapshot) -> UInt64
    ) {
        self.metric = metric
        self.isShown = isShown
        read = { .number(number($0)) }
    }

    /// A word.
    public init(
        _ metric: Metric, if isShown: @escaping @Sendable (Snapshot) -> Bool = { _ in true },
        text: @escaping @Sendable (Snapshot) -> String
    ) {
        self.metric = metric
        self.isShown = isShown
        read = { .text(text($0)) }
    }

    /// The figure in a snapshot; nil where it is not there.
    public func sample(_ snapshot: Snapshot) -> MetricSample? {
        isShown(snapshot) ? MetricSample(metric, read(snapshot)) : nil
    }
}
