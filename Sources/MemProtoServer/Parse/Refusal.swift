// Refusal: what the server says when it does not do what a command asks. Source: memcached 1.6.45's answers.

/// The fixed error lines.
enum Refusal: UInt8 {
    /// Nothing is said.
    case none
    case unknownCommand
    case tooManyKeys
    case lineTooLong, inputHeld
    case deleteUsage
    case badFormat, badChunk, badDelta, badExptime, nonNumeric
    case tooLarge, noMemory
    case permissionDenied, notDirectory, isDirectory, invalidPath
    case metaTooManyFields, metaDuplicate, metaInvalidFlag, metaBadKey, metaBadToken, metaBadInitial, metaBadDelta
    case metaArithmeticFlag, metaOpaqueTooLong, metaStoreMode, metaArithmeticMode
    case unauthenticated, authFailure, authBadTermination, authBadToken, authTooLong

    /// The line as it is sent.
    var line: StaticString {
        switch self {
        case .none: ""
        case .unknownCommand: "ERROR\r\n"
        case .tooManyKeys: "CLIENT_ERROR too many keys\r\n"
        case .lineTooLong: "CLIENT_ERROR line too long\r\n"
        case .inputHeld: "SERVER_ERROR out of memory reading request\r\n"
        case .deleteUsage: "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n"
        case .badFormat: "CLIENT_ERROR bad command line format\r\n"
        case .badChunk: "CLIENT_ERROR bad data chunk\r\n"
        case .badDelta: "CLIENT_ERROR invalid numeric delta argument\r\n"
        case .badExptime: "CLIENT_ERROR invalid exptime argument\r\n"
        case .nonNumeric: "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"
        case .tooLarge: "SERVER_ERROR object too large for cache\r\n"
        case .noMemory: "SERVER_ERROR out of memory storing object\r\n"
        case .permissionDenied: "SERVER_ERROR permission denied\r\n"
        case .notDirectory: "SERVER_ERROR not a directory\r\n"
        case .isDirectory: "SERVER_ERROR is a directory\r\n"
        case .invalidPath: "CLIENT_ERROR invalid path\r\n"
        case .metaTooManyFields: "CLIENT_ERROR options flags are too long\r\n"
        case .metaDuplicate: "CLIENT_ERROR duplicate flag\r\n"
        case .metaInvalidFlag: "CLIENT_ERROR invalid flag\r\n"
        case .metaBadKey: "CLIENT_ERROR error decoding key\r\n"
        case .metaBadToken: "CLIENT_ERROR bad token in command line format\r\n"
        case .metaBadInitial: "CLIENT_ERROR invalid numeric initial value\r\n"
        case .metaBadDelta: "CLIENT_ERROR invalid numeric delta value\r\n"
        case .metaArithmeticFlag: "CLIENT_ERROR invalid or duplicate flag\r\n"
        case .metaOpaqueTooLong: "CLIENT_ERROR opaque token too long\r\n"
        case .metaStoreMode: "CLIENT_ERROR invalid mode for ms M token\r\n"
        case .metaArithmeticMode: "CLIENT_ERROR invalid mode for ma M token\r\n"
        case .unauthenticated: "CLIENT_ERROR unauthenticated\r\n"
        case .authFailure: "CLIENT_ERROR authentication failure\r\n"
        case .authBadTermination: "CLIENT_ERROR bad command line termination\r\n"
        case .authBadToken: "CLIENT_ERROR bad authentication token format\r\n"
        case .authTooLong: "CLIENT_ERROR auth token too long\r\n"
        }
    }
}
