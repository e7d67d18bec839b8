// SlowReaderTests: a thousand connections ask for values and do not read them. What they hold is bounded, and nobody who
// writes notices them.
import Foundation
import Testing

extension SystemTests {
    @Suite struct SlowReaderTests {
        private static let readerCount = 1000
        /// What answers that nobody takes may hold in all. Source: docs/protocol.md, `-o output_max`.
        private static let outputMaxMiB = 64

        /// Readers that have asked for every key of a prefix and read nothing.
        private func readers(of daemon: Daemon, keys: [String]) throws -> [MemcachedClient] {
            try (0..<Self.readerCount).map { _ in
                let reader = try daemon.client()
                try reader.send("get " + keys.joined(separator: " ") + "\r\n")
                return reader
            }
        }

        private func statistics(_ daemon: Daemon) throws -> [String: Int] {
            let client = try daemon.client()
            try client.send("stats memfis\r\n")
            var figures: [String: Int] = [:]
            while case let line = try client.line(), line != "END" {
                let words = line.split(separator: " ")
                if words.count == 3 { figures[String(words[1])] = Int(words[2]) }
            }
            return figures
        }

        /// A figure of the server in /proc, in its unit there.
        private func status(_ name: String, of daemon: Daemon) -> Int? {
            let text = try? String(contentsOfFile: "/proc/\(daemon.serverPid)/status", encoding: .utf8)
            let line = text?.split(separator: "\n").first { $0.hasPrefix(name + ":") }
            return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
        }

        private func raiseDescriptorLimit() {
            var limit = rlimit()
            unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            limit.rlim_cur = min(limit.rlim_max, 4096)
            unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }

        @Test(
            "a thousand connections that ask and do not read make no set fail",
            arguments: [(bytes: 15 << 10, keyCount: 40, setCount: 8000), (1 << 20, 20, 150)])
        func unread(bytes: Int, keyCount: Int, setCount: Int) throws {
            raiseDescriptorLimit()
            let daemon = try Daemon(["-m", "64", "-I", "4m", "-c", "1100"], mounted: false)
            defer { daemon.remove() }
            let value = String(repeating: "v", count: bytes)
            let writer = try daemon.client()
            let keys = (0..<keyCount).map { "asked-\($0)" }
            for key in keys { #expect(try writer.set(key, value) == "STORED") }
            let readers = try readers(of: daemon, keys: keys)
            var refused = 0
            for number in 0..<setCount {
                // Every key that is being read is replaced too, so that only the readers hold what they asked for.
                let key = number < keyCount ? keys[number] : "new-\(number)"
                if try writer.set(key, value) != "STORED" { refused += 1 }
            }
            #expect(refused == 0)
            // Those who hold too much are closed, a few with each turn of a worker.
            let isBounded = Shell.waitUntil(timeoutSeconds: 60) {
                (try? statistics(daemon))?["held_by_readers_bytes"].map { $0 <= (64 << 20) / 8 } ?? false
            }
            let figures = try statistics(daemon)
            #expect(isBounded, "readers hold \(figures["held_by_readers_bytes", default: -1]) bytes")
            #expect(figures["memory_used_bytes", default: .max] <= 64 << 20)
            #expect(figures["output_held_bytes", default: .max] <= Self.outputMaxMiB << 20)
            // What the process ever had: the limit, 32 MiB, 1 MiB for each thread, and the connections' share.
            let peak = try #require(status("VmHWM", of: daemon))
            let threads = try #require(status("Threads", of: daemon))
            #expect(peak <= (64 + 32 + threads + Self.outputMaxMiB) << 10, "\(peak) KiB with \(threads) threads")
            #expect(try writer.set("after", value) == "STORED")
            #expect(readers.count == Self.readerCount)
        }
    }
}
