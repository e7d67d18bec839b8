// CoherenceTests: what each command of the protocol does to a file is on the mount when its reply is there, whatever the kernel
// had kept of the file: that it was missing, its attributes, its pages, a mapping.
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: Requirements.withMount)) struct CoherenceTests {
        /// A command on `KEY`, what it answers, and what the file is then; nil = gone.
        struct Step: Sendable, CustomTestStringConvertible {
            var before: String?
            var command: String
            var answer: String
            var after: String?
            var testDescription: String { command.split(separator: "\r\n")[0] + (before == nil ? " on nothing" : "") }
        }

        private static let steps: [Step] = [
            Step(before: "old", command: "set KEY 0 0 5\r\nnewer", answer: "STORED", after: "newer"),
            Step(before: "older", command: "set KEY 0 0 0\r\n", answer: "STORED", after: ""),
            Step(before: "old", command: "replace KEY 7 0 1\r\nr", answer: "STORED", after: "r"),
            Step(before: "old", command: "append KEY 0 0 4\r\nmore", answer: "STORED", after: "oldmore"),
            Step(before: "old", command: "prepend KEY 0 0 2\r\nan", answer: "STORED", after: "anold"),
            Step(before: "9", command: "incr KEY 1", answer: "10", after: "10"),
            Step(before: "10", command: "decr KEY 1", answer: "9", after: "9 "),
            Step(before: "old", command: "delete KEY", answer: "DELETED", after: nil),
            Step(before: "old", command: "ms KEY 3\r\nnew", answer: "HD", after: "new"),
            Step(before: "old", command: "ms KEY 3 MA\r\nnew", answer: "HD", after: "oldnew"),
            Step(before: "old", command: "ms KEY 3 MP\r\nnew", answer: "HD", after: "newold"),
            Step(before: "41", command: "ma KEY", answer: "HD", after: "42"),
            Step(before: "old", command: "md KEY", answer: "HD", after: nil),
            Step(before: "old", command: "md KEY x", answer: "HD", after: ""),
            Step(before: "old", command: "touch KEY -1", answer: "TOUCHED", after: nil),
            Step(before: "old", command: "mg KEY T-1", answer: "HD", after: nil),
            Step(before: "old", command: "touch KEY 100", answer: "TOUCHED", after: "old"),
            Step(before: "old", command: "flush_all", answer: "OK", after: "old"),
            Step(before: "old", command: "add KEY 0 0 1\r\nx", answer: "NOT_STORED", after: "old"),
            Step(before: nil, command: "set KEY 0 0 3\r\nnew", answer: "STORED", after: "new"),
            Step(before: nil, command: "add KEY 0 0 3\r\nnew", answer: "STORED", after: "new"),
            Step(before: nil, command: "ms KEY 3\r\nnew", answer: "HD", after: "new"),
            Step(before: nil, command: "ma KEY N0 J5", answer: "HD", after: "5"),
            Step(before: nil, command: "mg KEY N30", answer: "HD W", after: ""),
            Step(before: nil, command: "set KEY 0 -1 3\r\nnew", answer: "STORED", after: nil),
        ]

        @Test("the reply to a command is the moment from which the path shows what it did", arguments: steps)
        func shown(step: Step) throws {
            let daemon = try Daemon()
            defer { daemon.remove() }
            let client = try daemon.client()
            for (round, name) in ["page", "made/on/the/way", "page"].enumerated() {
                let path = daemon.path(name)
                if let before = step.before {
                    if Files.exists(path) {
                        try before.write(toFile: path, atomically: false, encoding: .utf8)
                    } else {
                        #expect(try client.set(Daemon.prefix + "/" + name, before) == "STORED")
                    }
                } else if Files.exists(path) {
                    Files.remove(path)
                }
                // The kernel looks, and keeps what it saw: the name or that there is none, attributes, pages, a listing.
                #expect(Files.exists(path) == (step.before != nil))
                let mapping = step.before.flatMap { Mapped(path, count: $0.utf8.count) }
                if let before = step.before {
                    #expect(try Files.text(path) == before)
                    #expect(try Files.attributes(path).size == before.utf8.count)
                    #expect(mapping?.text == before)
                }
                let directory = (path as NSString).deletingLastPathComponent
                let listed = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
                #expect(listed.contains((path as NSString).lastPathComponent) == (step.before != nil))

                let command = step.command.replacingOccurrences(of: "KEY", with: Daemon.prefix + "/" + name)
                #expect(try client.command(command) == step.answer, "round \(round)")
                #expect(Files.exists(path) == (step.after != nil), "round \(round)")
                let now = try FileManager.default.contentsOfDirectory(atPath: daemon.path(""))
                if !name.contains("/") { #expect(now.contains(name) == (step.after != nil)) }
                guard let after = step.after else { continue }
                #expect(try Files.attributes(path).size == after.utf8.count, "round \(round)")
                #expect(try Files.text(path) == after, "round \(round)")
                // Behind the end of a file that became empty there are no pages.
                if let mapping, !after.isEmpty {
                    let length = min(mapping.count, after.utf8.count)
                    #expect(mapping.text.prefix(length) == after.prefix(length), "round \(round)")
                }
            }
        }

        @Test("pages that find no memory are an error of msync, and the mount then shows what the port has")
        func failedPages() throws {
            let daemon = try Daemon(["-m", "16", "-u", "root"])
            defer { daemon.remove() }
            let answers = try Shell.bash(
                """
                cd \(daemon.path("")) && python3 - <<'END'
                import mmap, os
                size = 12 << 20
                with open('page', 'wb') as f: f.write(b'begin'); f.truncate(size)
                f = open('page', 'r+b'); m = mmap.mmap(f.fileno(), size)
                with open('filler', 'wb') as g:
                    try:
                        while True: g.write(b'x' * 65536); g.flush()
                    except OSError as error: print(error.errno)
                    try: g.close()
                    except OSError: pass
                for at in range(0, size, 4096): m[at:at + 6] = b'mapped'
                try: m.flush(); print('flushed')
                except OSError as error: print(error.errno)
                END
                """)
            #expect(answers == "28\n28\n")
            let client = try daemon.client()
            // The notice that makes the kernel forget follows the failure on a thread of its own.
            let isEqual = try Shell.waitUntil(timeoutSeconds: 10) {
                try client.get(Daemon.prefix + "/page")?.value == Files.text(daemon.path("page"))
            }
            #expect(isEqual)
        }
    }

    /// A file mapped for reading, unmapped with the value.
    ///
    /// SAFETY: the page is mapped as long as the value lives; no more of it is read than the file had when it was mapped.
    @safe final class Mapped {
        private let start: UnsafeMutableRawPointer
        let count: Int

        /// Nil: an empty file cannot be mapped.
        init?(_ path: String, count: Int) {
            let file = unsafe open(path, O_RDONLY)
            defer { close(file) }
            guard count > 0, file >= 0, let start = unsafe mmap(nil, 4096, PROT_READ, MAP_SHARED, file, 0),
                unsafe start != MAP_FAILED
            else { return nil }
            unsafe self.start = start
            self.count = count
        }

        deinit { unsafe munmap(start, 4096) }

        /// Its first bytes; zeros where the file has become shorter within the page.
        var text: String { unsafe String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self) }
    }
}
