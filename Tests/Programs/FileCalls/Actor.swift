// Actor: a process with one user's identity, which makes calls that the parent sends it.
import CFileCalls
import Glibc

/// One user's process, from the parent's side.
struct Actor {
    private let toChild: Channel
    private let pid: Int32

    /// Starts the process. `user` is `uid:gid[,group…]`.
    init(user: String) {
        let ids = user.split(whereSeparator: { $0 == ":" || $0 == "," }).compactMap { UInt32($0) }
        precondition(ids.count >= 2, "not a user: \(user)")
        var ends: [Int32] = [0, 0]
        precondition(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0, "socketpair failed")
        pid = fc_fork()
        precondition(pid >= 0, "fork failed")
        if pid == 0 {
            close(ends[0])
            let groups = Array(ids.dropFirst(2))
            precondition(unsafe fc_become(ids[0], ids[1], groups, groups.count) == 0, "cannot become \(user)")
            Self.serve(Channel(ends[1]))
            _exit(0)
        }
        close(ends[1])
        toChild = Channel(ends[0])
    }

    /// Has one call made, and returns its result.
    func call(_ line: String) -> String {
        toChild.send(line)
        guard let answer = toChild.receive() else { fatalError("a process ended at: \(line)") }
        return answer
    }

    /// Asks the process to end. Those that were started later have a copy of the socket, so wait when all were asked.
    func end() { toChild.close() }

    /// Waits for the process' end.
    func wait() { waitpid(pid, nil, 0) }

    private static func serve(_ channel: Channel) {
        var calls = Calls()
        while let line = channel.receive() {
            channel.send(calls.make(line.split(separator: " ").map { expand(String($0)) }))
        }
    }

    /// Replaces each `{TEXT*COUNT}` by so many TEXTs.
    private static func expand(_ word: String) -> String {
        guard let open = word.firstIndex(of: "{"), let close = word.firstIndex(of: "}") else { return word }
        let parts = word[word.index(after: open)..<close].split(separator: "*")
        guard parts.count == 2, let count = Int(parts[1]) else { return word }
        return word[..<open] + String(repeating: String(parts[0]), count: count)
            + expand(String(word[word.index(after: close)...]))
    }
}

/// A socket on which lines are sent.
final class Channel {
    private let descriptor: Int32
    private var received: [UInt8] = []

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    func close() { Glibc.close(descriptor) }

    func send(_ line: String) {
        var bytes = Array((line + "\n").utf8)[...]
        while !bytes.isEmpty {
            let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            precondition(count > 0, "a process does not listen")
            bytes = bytes.dropFirst(count)
        }
    }

    /// The next line; nil at the end.
    func receive() -> String? {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            if let end = received.firstIndex(of: 10) {
                let line = String(decoding: received[..<end], as: UTF8.self)
                received.removeFirst(end + 1)
                return line
            }
            let count = unsafe read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return nil }
            received += buffer[..<count]
        }
    }
}
