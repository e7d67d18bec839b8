// ForeignClients: tells the log of clients that speak another protocol. They are often probes that come every few seconds, so a
// line comes once in a while and counts those that it passes over.
import Logging
import MemNet
import MemStore

/// What was last told of them. Any thread.
final class ForeignClients: @unchecked Sendable {  // guarded by `lock`
    /// What they speak.
    enum Kind: Int, CaseIterable { case binary, http }

    private let lock = Lock()
    /// By kind: the second of the last line, nil = none yet, and how many clients came since.
    private var told: [(second: UInt32?, silentCount: Int)]

    init() { told = Kind.allCases.map { _ in (nil, 0) } }
    deinit { lock.destroy() }

    /// Tells of the client of a connection, unless a line of the kind was written within `Limit.foreignLogSeconds`.
    func tell(of kind: Kind, _ connection: Client, _ second: UInt32, _ logger: Logger) {
        guard let silentCount = countIn(kind, second) else { return }
        let peer = connection.net.peerText
        let more = silentCount > 0 ? " (\(silentCount) more since the last line)" : ""
        switch kind {
        case .binary:
            logger.warning(
                "a client at \(peer) speaks memcached's binary protocol, which is not offered: set it to the text (ASCII) protocol\(more)"
            )
        case .http:
            logger.warning("a client at \(peer) speaks HTTP: this port speaks memcached's text protocol\(more)")
        }
    }

    /// How many came since the last line, if it is time for another.
    private func countIn(_ kind: Kind, _ second: UInt32) -> Int? {
        lock.withLock {
            let last = told[kind.rawValue]
            if let lastSecond = last.second, second &- lastSecond < Limit.foreignLogSeconds {
                told[kind.rawValue].silentCount += 1
                return nil
            }
            told[kind.rawValue] = (second, 0)
            return last.silentCount
        }
    }
}
