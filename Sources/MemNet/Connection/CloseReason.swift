// CloseReason: why a connection was closed, for the log.

/// A reason of the event loop's, or one of a protocol's (`firstOfProtocols` and above), which the protocol puts into words.
public struct CloseReason: Equatable, Sendable {
    public let code: UInt8

    public init(code: UInt8) { self.code = code }

    /// The client closed it, or asked for it.
    public static let normal = CloseReason(code: 0)
    public static let idle = CloseReason(code: 1)
    public static let stop = CloseReason(code: 2)
    /// It made the server hold too much.
    public static let inputHeld = CloseReason(code: 3)
    public static let outputHeld = CloseReason(code: 4)
    public static let halfSent = CloseReason(code: 5)
    public static let slowReader = CloseReason(code: 6)

    /// The first code that is a protocol's own.
    public static let firstOfProtocols: UInt8 = 64

    /// The reason in words; nil for a protocol's own.
    var text: String? {
        switch self {
        case .normal: "the client ended it"
        case .idle: "idle for too long"
        case .stop: "the server stops"
        case .inputHeld: "unfinished requests take too much memory"
        case .outputHeld: "answers that are not taken take too much memory"
        case .halfSent: "half-sent values take too much memory"
        case .slowReader: "it reads too slowly"
        default: nil
        }
    }
}
