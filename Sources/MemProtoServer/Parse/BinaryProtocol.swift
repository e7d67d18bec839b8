// BinaryProtocol: what a client is told that speaks memcached's binary protocol, in its own words. It is not offered.
import MemNet
import MemStore

/// The few bytes of the binary protocol that a refusal takes. Source: memcached's BinaryProtocolRevamped page.
enum BinaryProtocol {
    /// First byte of a request; no line begins so.
    static let requestMagic: UInt8 = 0x80
    /// Bytes of a header, in requests and answers.
    static let headerBytes = 24
    private static let responseMagic: UInt8 = 0x81
    /// "Not supported". "Unknown command" would let some clients go on without authentication.
    private static let notSupported: UInt16 = 0x83
    /// What clients show to people.
    private static let text: StaticString = "the binary protocol is not offered; use the text protocol"

    /// The answer to the request that begins with `header`: a refusal with the request's opcode and opaque.
    static func refusal(of header: Bytes) -> [UInt8] {
        let body = text.bytes
        var answer = [UInt8](repeating: 0, count: headerBytes)
        answer[0] = responseMagic
        answer[1] = header[1]
        answer[6] = UInt8(notSupported >> 8)
        answer[7] = UInt8(notSupported & 0xff)
        answer[11] = UInt8(body.count)
        for index in 12..<16 { answer[index] = header[index] }
        return answer + body.array
    }
}

extension CommandExecutor {
    /// Closes the connection of a binary client, with an answer as soon as its first header is there, and tells the log.
    mutating func refuseBinary(_ connection: Client, _ input: Bytes) -> TurnResult {
        guard input.count >= BinaryProtocol.headerBytes else {
            connection.value.neededCount = BinaryProtocol.headerBytes
            return TurnResult(consumed: 0, status: .needsInput)
        }
        connection.value.isFresh = false
        counters.value.binaryClosed &+= 1
        connection.net.closeReason = .binary
        connection.net.drainsAtEnd = true
        shared.foreignClients.tell(of: .binary, connection, session.nowSecond, shared.logger)
        BinaryProtocol.refusal(of: input).withBytes { output.write($0) }
        return TurnResult(consumed: input.count, status: .close)
    }
}
