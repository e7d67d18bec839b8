// The same random commands go to Debian's memcached 1.6.18 and to a connection in memory, cut at random bytes. Their answers
// are the same, or one of the listed differences, each of which must occur.
import Glibc
import MemStore
import Testing

@testable import MemProtoServer

/// A known difference between memcached 1.6.18 and this server.
private struct KnownDifference: Sendable {
    /// Why it is right.
    let reason: String
    /// Whether it explains the two answers to a command.
    let explains: @Sendable (_ command: DifferentialCommand, _ old: String, _ new: String) -> Bool
}

@Suite(.serialized) struct DifferentialTests {
    private static let badFormat = "CLIENT_ERROR bad command line format\r\n"

    private static let known: [KnownDifference] = [
        KnownDifference(
            reason: "1.6.45 answers a line of less than four bytes, or a command without its words, by name"
        ) {
            $0.name == "malformed" && $1 == "ERROR\r\n" && $2 == badFormat
        },
        KnownDifference(reason: "1.6.45 swallows the value of a malformed storage line, 1.6.18 reads it as a command") {
            $0.name == "malformed" && $1 == badFormat + "ERROR\r\n" && $2 == badFormat
        },
        KnownDifference(reason: "1.6.45 reads the rest of a broken value as a line, which is too short to be one") {
            $0.text.hasSuffix("\r\nabcdef\r\n") && $1 == "CLIENT_ERROR bad data chunk\r\nERROR\r\n"
                && $2 == "CLIENT_ERROR bad data chunk\r\n" + badFormat
        },
        KnownDifference(reason: "1.6.45 says nothing to an unknown command that ends in noreply") {
            $0.text == "foo noreply\r\n" && $1 == "ERROR\r\n" && $2.isEmpty
        },
        KnownDifference(reason: "1.6.45 takes a leading space for a part of the command") {
            $0.text == " get k0\r\n" && $1.hasSuffix("END\r\n") && $2 == "ERROR\r\n"
        },
        KnownDifference(reason: "1.6.45 wants a key behind gat") {
            $0.text == "gat 0\r\n" && $1 == "END\r\n" && $2 == badFormat
        },
        KnownDifference(reason: "1.6.45 ignores further words of a delete") {
            $0.text.hasPrefix("delete k9 ") && $1.hasPrefix(badFormat.dropLast(1)) && $2 == "NOT_FOUND\r\n"
        },
        KnownDifference(reason: "1.6.45 calls a byte that can be no flag a bad line") {
            $0.text == "mg k0 !\r\n" && $1 == "CLIENT_ERROR invalid flag\r\n" && $2 == badFormat
        },
        KnownDifference(reason: "1.6.45 judges flags from left to right, 1.6.18 looks for doubled letters first") {
            $0.name.hasPrefix("m") && $1 == "CLIENT_ERROR duplicate flag\r\n"
                && ($2 == "CLIENT_ERROR bad token in command line format\r\n" || $2 == "CLIENT_ERROR invalid flag\r\n")
        },
        KnownDifference(reason: "1.6.45 tells what is wrong with a flag of md") {
            $0.name == "md" && $1 == "CLIENT_ERROR invalid or duplicate flag\r\n" && $2.hasPrefix("CLIENT_ERROR ")
        },
        KnownDifference(reason: "1.6.45 refuses an expiry of more than 31 bits in a touch") {
            $0.text == "touch k7 2147483648\r\n" && $1 == "NOT_FOUND\r\n"
                && $2 == "CLIENT_ERROR invalid exptime argument\r\n"
        },
        KnownDifference(reason: "no time is left of an expiry in the past; memcached lets the number wrap") {
            $0.text.contains(" T-1") && $1.contains(" t~4294967") && $1.replacing("t~4294967", with: "t0") == $2
        },
        KnownDifference(reason: "an item that mg made from a key in base64 remembers that") {
            $0.name == "mg" && $0.text.contains(" b ")
                && $2.replacing("kZm9v b", with: "kfoo").replacing("kAAEC b", with: "k\u{0}\u{1}\u{2}")
                    .replacing("kZm9vYmE= b", with: "kfooba") == $1
        },
        KnownDifference(reason: "1.6.45 hides the answer to a quiet ma that creates") {
            $0.name == "ma" && $0.text.contains(" q") && $0.text.contains(" N")
                && ($1.hasPrefix("HD") || $1.hasPrefix("VA"))
                && $2.isEmpty
        },
        KnownDifference(reason: "1.6.45 leaves the value out when the client has that version") {
            $0.name == "mg" && $0.text.contains(" C") && $1.hasPrefix("VA ") && $2.hasPrefix("HD")
        },
        KnownDifference(reason: "1.6.45 tells the size that ms stored") {
            $0.text.hasPrefix("ms k8 2 s") && $1 == "HD\r\n" && $2 == "HD s2\r\n"
        },
        KnownDifference(reason: "1.6.45 words the refusal of shutdown as an error of the server") {
            $0.text == "shutdown\r\n" && $1 == "ERROR: shutdown not enabled\r\n"
                && $2 == "SERVER_ERROR: shutdown not enabled\r\n"
        },
    ]

    /// What came of a run.
    private struct Report {
        var mismatches: [String] = []
        /// Uses of each known difference.
        var uses = [Int](repeating: 0, count: DifferentialTests.known.count)
        /// Answers by command and first word.
        var answers: [String: [String: Int]] = [:]
    }

    /// Runs `count` commands. `spoil` may change an answer of this server, to see whether that is noticed.
    private func run(count: Int, seed: UInt64, spoil: (String) -> String = { $0 }) throws -> Report {
        let reference = try ReferenceServer()
        let server = try TestServer(memoryLimitBytes: 256 << 20)
        server.store.clock.resume()
        let subject = TestConnection(server)
        var commands = DifferentialCommands(seed: seed)
        var cuts = SeededNumbers(state: seed ^ 1)
        var (oldCas, newCas) = (SeenCas(), SeenCas())
        var report = Report()
        for number in 0..<count where report.mismatches.count < 20 {
            commands.casCount = min(oldCas.tokens.count, newCas.tokens.count)
            let command = commands.next()
            let seenBefore = (oldCas, newCas)
            guard let referenceAnswer = reference.answer(Array(oldCas.insert(into: command.text).utf8)) else {
                report.mismatches.append(
                    "no answer to command \(number): \(shown(Array(command.text.utf8.prefix(200))))")
                break
            }
            let old = DifferentialAnswers.common(referenceAnswer, &oldCas)
            let sent = Array(newCas.insert(into: command.text).utf8) + Array("mn\r\n".utf8)
            let place = Int(cuts.next() % UInt64(sent.count + 1))
            let answer = subject.send(Array(sent[..<place])) + subject.send(Array(sent[place...]))
            var new = DifferentialAnswers.common(answer.ends(with: "MN\r\n") ? answer.dropLast(4) : answer, &newCas)
            new = spoil(new)
            report.answers[command.name, default: [:]][String(old.prefix { $0 != " " && $0 != "\r\n" }), default: 0] +=
                1
            if old == new { continue }
            // One side may have seen tokens that the other has not: they are met again.
            (oldCas, newCas) = seenBefore
            if let place = Self.known.firstIndex(where: { $0.explains(command, old, new) }) {
                report.uses[place] += 1
                continue
            }
            report.mismatches.append(
                "command \(number), seed \(seed): \(shown(Array(command.text.utf8.prefix(200))))\n"
                    + difference(Array(new.utf8), Array(old.utf8)))
        }
        return report
    }

    /// How many commands: more with MEMFIS_DIFFERENTIAL_COMMANDS in the environment.
    private static var count: Int {
        guard let text = unsafe getenv("MEMFIS_DIFFERENTIAL_COMMANDS") else { return 20_000 }
        return Int(unsafe String(cString: text)) ?? 20_000
    }

    @Test("memcached answers the same, but for the listed differences, each of which occurs")
    func same() throws {
        let report = try run(count: Self.count, seed: 20_261_123)
        for mismatch in report.mismatches { Issue.record("\(mismatch)") }
        for (difference, uses) in zip(Self.known, report.uses) {
            #expect(uses > 0, "a listed difference did not occur: \(difference.reason)")
        }
        for (name, answers) in report.answers.sorted(by: { $0.key < $1.key }) {
            print(
                name,
                answers.sorted { $0.value > $1.value }.prefix(12).map { "\($0.key) \($0.value)" }.joined(
                    separator: ", "))
        }
    }

    @Test("one wrong answer is noticed")
    func noticed() throws {
        var isSpoilt = false
        let report = try run(count: 300, seed: 7) { answer in
            if isSpoilt || answer != "STORED\r\n" { return answer }
            isSpoilt = true
            return "NOT_STORED\r\n"
        }
        #expect(isSpoilt)
        #expect(report.mismatches.count == 1)
    }
}
