// Authentication by `-Y`: until a connection has stored `user password` under any key, nothing else works.
import MemNet
import MemStore

extension CommandExecutor {
    /// Longest `user password` in bytes. Source: memcached 1.6.45.
    private static var tokenLengthMax: Int { 16384 }

    /// The only thing an unauthenticated connection may do: `set <any> <any> <any> <n>` and `user password`.
    mutating func authenticate(
        _ connection: Client, _ fields: Fields, _ input: Bytes, lineStart: Int, _ at: inout Int
    ) -> TurnStatus? {
        guard Keyword(fields[0]) == .set, fields.count >= 5, let length = RequestParser.valueLength(fields[4]) else {
            refuse(.unauthenticated)
            return nil
        }
        guard length <= Self.tokenLengthMax else {
            refuse(.authTooLong)
            return nil
        }
        let end = at + length + 2
        guard input.count >= end else {
            connection.value.neededCount = end - lineStart
            at = lineStart
            return .needsInput
        }
        let token = input[at..<end - 2]
        let isTerminated = input[end - 2] == 0x0d && input[end - 1] == 0x0a
        at = end
        counters.value.authCommands &+= 1
        let refusal: Refusal =
            if !isTerminated { .authBadTermination } else if let space = token.firstSpace {
                isKnown(user: token[0..<space], password: token[space + 1..<token.count]) ? .none : .authFailure
            } else { .authBadToken }
        guard refusal == .none else {
            counters.value.authErrors &+= 1
            refuse(refusal)
            return nil
        }
        connection.value.isAuthenticated = true
        output.write("STORED\r\n")
        return nil
    }

    private func isKnown(user: Bytes, password: Bytes) -> Bool {
        let wanted = user.array + [0x3a] + password.array
        var isKnown = false
        // Every line is compared to its end, so that the time tells nothing about the passwords.
        for line in shared.users ?? [] {
            let candidate = Array(line.utf8)
            var difference = candidate.count ^ wanted.count
            for index in 0..<min(candidate.count, wanted.count) {
                difference |= Int(candidate[index] ^ wanted[index])
            }
            if difference == 0 { isKnown = true }
        }
        return isKnown
    }
}

extension Bytes {
    /// The index of the first space.
    fileprivate var firstSpace: Int? {
        let place = index(of: 0x20, from: 0)
        return place < 0 ? nil : place
    }
}
