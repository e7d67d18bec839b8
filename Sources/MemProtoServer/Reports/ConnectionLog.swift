// ConnectionLog: what the log tells of requests with -vvv. The beginning and end of connections is the event loop's.
// Keys appear at the level of -vvv alone, values never.
import Logging
import MemNet
import MemStore

extension CommandExecutor {
    /// A request as it came, its value aside.
    func trace(_ connection: Client, _ line: Bytes) {
        shared.logger.trace(
            "connection \(connection.net.descriptor): \(Self.printable(RequestParser.withoutReturn(line)))")
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
