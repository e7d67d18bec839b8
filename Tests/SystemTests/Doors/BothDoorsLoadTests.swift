// BothDoorsLoadTests: writers and readers on the mount and on the port at once, on the same files, watched by a clock.
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct BothDoorsLoadTests {
        @Test("eight programs on both doors at once see whole content only, and their own at once")
        func load() throws {
            // Whoever waits for the mount waits until it is so: what is asked here is whether it is ever wrong.
            let daemon = try Daemon(["--coherence-timeout", "60000", "--all-threads"])
            defer { daemon.remove() }
            let count = Int(ProcessInfo.processInfo.environment["MEMFISD_LOAD_OPERATIONS"] ?? "") ?? 1500
            let load = Load(daemon: daemon, operationCount: count)
            let roles: [@Sendable (Load, Int) throws -> Void] = [
                Load.setAndRead, Load.setAndRead, Load.writeAndGet, Load.renameAndGet, Load.writeAndGet, Load.get,
                Load.read,
                Load.churn,
            ]
            for (number, role) in roles.enumerated() { load.start(number, role) }
            let ended = Shell.waitUntil(timeoutSeconds: 60 + Double(count) / 20) { load.runningCount == 0 }
            // Whoever hangs gets an error when the mount is gone.
            if !ended { daemon.remove() }
            #expect(ended, "a program hangs: \(load.counts)")
            #expect(load.failures == [])
            print("operations on both doors: \(load.counts)")
            #expect(load.counts.allSatisfy { $0 == count })
            // Only where the daemon was built with it (`make tsan-doors`).
            #expect(!daemon.log.contains("ThreadSanitizer"), "\(daemon.log.suffix(5000))")
        }
    }
}

/// What the threads of the test share, and what they do.
private final class Load: @unchecked Sendable {  // all that changes is guarded by `lock`
    private let daemon: Daemon
    private let operationCount: Int
    private let lock = NSLock()
    private var running = 0
    private var failed: [String] = []
    private var done = [Int](repeating: 0, count: 8)
    /// Pages that everybody writes and reads.
    private static let pageCount = 4

    init(daemon: Daemon, operationCount: Int) {
        self.daemon = daemon
        self.operationCount = operationCount
    }

    var runningCount: Int { lock.withLock { running } }
    var failures: [String] { lock.withLock { failed } }
    var counts: [Int] { lock.withLock { done } }

    func start(_ number: Int, _ role: @escaping @Sendable (Load, Int) throws -> Void) {
        lock.withLock { running += 1 }
        Thread.detachNewThread { [self] in
            do { try role(self, number) } catch { lock.withLock { failed.append("\(number): \(error)") } }
            lock.withLock { running -= 1 }
        }
    }

    private func each(_ number: Int, _ body: (Int) throws -> Void) rethrows {
        for round in 0..<operationCount {
            try body(round)
            lock.withLock { done[number] += 1 }
        }
    }

    // MARK: content that shows when it is torn

    /// A text of a length that follows from its numbers, of one letter behind its own length.
    private static func text(_ number: Int, _ round: Int) -> String {
        let lengths = [10, 100, 4090, 4097, 9000, 20_000]
        let length = lengths[(number + round) % lengths.count]
        let letter = String(UnicodeScalar(UInt8(97 + (number * 7 + round) % 26)))
        return "\(length):" + String(repeating: letter, count: length)
    }

    private static func isWhole(_ text: String) -> Bool {
        guard let colon = text.firstIndex(of: ":"), let length = Int(text[..<colon]) else { return false }
        let letters = text.utf8[text.index(after: colon)...]
        return letters.count == length && letters.allSatisfy { $0 == letters.first }
    }

    private static func page(_ round: Int) -> String { "page\(round % pageCount)" }
    private func key(_ name: String) -> String { "\(Daemon.prefix)/\(name)" }

    private func write(_ text: String, to name: String) throws {
        let file = unsafe open(daemon.path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw TestFailure("open \(name): errno \(errno)") }
        defer { close(file) }
        // The serving user may replace it through the port.
        fchmod(file, 0o666)
        let bytes = Array(text.utf8)
        // In two parts, so that there is a half of it.
        let half = bytes.count / 2
        guard unsafe Foundation.write(file, bytes, half) == half,
            unsafe bytes.withUnsafeBytes({ unsafe Foundation.write(file, $0.baseAddress! + half, $0.count - half) })
                == bytes.count - half
        else { throw TestFailure("write \(name): errno \(errno)") }
    }

    private func set(_ name: String, _ text: String, by client: MemcachedClient) throws {
        let reply = try client.set(key(name), text)
        guard reply == "STORED" else { throw TestFailure("set \(name): \(reply)") }
    }

    // MARK: the programs

    /// Sets a page of its own, which the mount must show at once, and a common one.
    static func setAndRead(_ load: Load, _ number: Int) throws {
        let client = try load.daemon.client()
        try load.each(number) { round in
            let text = text(number, round)
            try load.set("own\(number)", text, by: client)
            let shown = try Files.text(load.daemon.path("own\(number)"))
            guard shown == text else { throw TestFailure("stored \(text.prefix(9)), the mount has \(shown.prefix(9))") }
            try load.set(page(round), text, by: client)
        }
    }

    /// Writes a file of its own, which the port must serve when close has returned, and a common one.
    static func writeAndGet(_ load: Load, _ number: Int) throws {
        let client = try load.daemon.client()
        try load.each(number) { round in
            let text = text(number, round)
            try load.write(text, to: "own\(number)")
            let served = try client.get(load.key("own\(number)"))?.value ?? "nothing"
            guard served == text else { throw TestFailure("wrote \(text.prefix(9)), the port has \(served.prefix(9))") }
        }
    }

    /// Replaces a common page by renaming, and its own, which the port must serve at once.
    static func renameAndGet(_ load: Load, _ number: Int) throws {
        let client = try load.daemon.client()
        try load.each(number) { round in
            let text = text(number, round)
            for name in ["own\(number)", page(round)] {
                try load.write(text, to: "new\(number)")
                try Files.rename(load.daemon.path("new\(number)"), to: load.daemon.path(name))
            }
            let served = try client.get(load.key("own\(number)"))?.value ?? "nothing"
            guard served == text else { throw TestFailure("moved \(text.prefix(9)), the port has \(served.prefix(9))") }
        }
    }

    /// Asks the port for common pages: each is whole, always.
    static func get(_ load: Load, _ number: Int) throws {
        let client = try load.daemon.client()
        try load.each(number) { round in
            guard let served = try client.get(load.key(page(round)))?.value else { return }
            guard isWhole(served) else { throw TestFailure("a torn page on the port: \(served.prefix(20))") }
        }
    }

    /// Reads common pages on the mount. A read of several pages can meet a `set` in the middle, as it can meet another
    /// program's write on any filesystem, so a page is torn if it stays so for seconds.
    static func read(_ load: Load, _ number: Int) throws {
        try load.each(number) { round in
            let start = Date()
            while true {
                guard Files.exists(load.daemon.path(page(round))) else { return }
                let text = try Files.text(load.daemon.path(page(round)))
                if isWhole(text) { return }
                guard Date().timeIntervalSince(start) < 20 else {
                    throw TestFailure("a torn page on the mount: \(text.prefix(20))")
                }
            }
        }
    }

    /// Makes, lists and removes files and directories through both doors.
    static func churn(_ load: Load, _ number: Int) throws {
        let client = try load.daemon.client()
        try load.each(number) { round in
            let text = text(number, round)
            let name = "d\(round % 3)/e/file"
            try load.set(name, text, by: client)
            guard try Files.text(load.daemon.path(name)) == text else { throw TestFailure("stale \(name)") }
            if round % 2 == 0 {
                guard try client.command("delete \(load.key(name))") == "DELETED" else {
                    throw TestFailure("not deleted")
                }
            } else {
                Files.remove(load.daemon.path(name))
            }
            guard try client.get(load.key(name)) == nil, !Files.exists(load.daemon.path(name)) else {
                throw TestFailure("\(name) is still there")
            }
            guard unsafe rmdir(load.daemon.path("d\(round % 3)/e")) == 0 else {
                throw TestFailure("rmdir: errno \(errno)")
            }
        }
    }
}
