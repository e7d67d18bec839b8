// ConnectionLog: what the log tells of single connections: with -vv their beginning and end, with -vvv their requests too.
// Keys appear at the level of -vvv alone, values never.
import Logging
import MemStore

extension ServerState {
    /// A connection was taken over from the acceptor.
    func logOpening(_ connection: inout Connection) {
        guard logger.logLevel <= .debug else { return }
        connection.loggedPeer = SocketAddress.peer(of: connection.descriptor).logText
        logger.debug("connection \(connection.descriptor) opened by \(connection.peerText)")
    }

    /// A connection is about to be closed.
    func logClosing(_ connection: Connection) {
        logger.debug(
            "connection \(connection.descriptor) of \(connection.peerText) closed: \(connection.closeReason.text)")
    }
}

extension Connection {
    /// The client's address as the log shows it.
    var peerText: String { loggedPeer ?? SocketAddress.peer(of: descriptor).logText }
}

extension Connection.CloseReason {
    /// The reason in words.
    var text: String {
        switch self {
        case .normal: "the client ended it"
        case .idle: "idle for too long"
        case .shutdown: "the command shutdown"
        case .stop: "the server stops"
        case .binary: "it speaks the binary protocol"
        case .browser: "it speaks HTTP"
        case .lineTooLong: "a line is too long"
        case .unauthenticated: "not authenticated"
        case .inputHeld: "unfinished requests take too much memory"
        case .outputHeld: "answers that are not taken take too much memory"
        case .halfSent: "half-sent values take too much memory"
        case .slowReader: "it reads too slowly"
        }
    }
}

extension CommandExecutor {
    /// A request as it came, its value aside.
    func trace(_ connection: Cell<Connection>, _ line: Bytes) {
        shared.logger.trace(
            "connection \(connection.value.descriptor): \(Self.printable(RequestParser.withoutReturn(line)))")
    }

    /// Why a file's key was a miss.
    func trace(miss key: Bytes, _ reason: FileMiss) {
        shared.logger.trace("miss of \(Self.printable(key)): \(reason.text)")
    }

    /// Bytes of a client for a line of the log: what is no printable ASCII, and `%`, stands as %XX; cut when it is long.
    static func printable(_ bytes: Bytes) -> String {
        let digits = ("0123456789ABCDEF" as StaticString).bytes
        var text: [UInt8] = []
        for index in 0..<min(bytes.count, Limit.loggedRequestMax) {
            let byte = bytes[index]
            if (0x20...0x7e).contains(byte), byte != UInt8(ascii: "%") {
                text.append(byte)
            } else {
                text += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: text, as: UTF8.self) + (bytes.count > Limit.loggedRequestMax ? "..." : "")
    }
}

extension FileMiss {
    /// The reason in words.
    fileprivate var text: String {
        switch self {
        case .absent: "there is no such file"
        case .denied: "the serving user may not read it"
        case .unpublished: "it is being written and was not published yet"
        case .notRegular: "it is a directory or no regular file"
        case .nowhere: "the path leads out of the tree, through too many links, or can name no file"
        case .expired: "its time has come"
        }
    }

    /// The reason as `watch fetchers` has it.
    var statusWord: String {
        switch self {
        case .absent: "not_found"
        case .denied: "denied"
        case .unpublished: "unpublished"
        case .notRegular: "not_regular"
        case .nowhere: "nowhere"
        case .expired: "expired"
        }
    }
}
