// One run of the comparison: two servers, the commands, what came of them.
import MemStore

@testable import MemNet
@testable import MemProtoServer

/// How the two servers are started.
enum DifferentialSetup {
    case plain
    /// No flush_all, no dumps, no watch (-F -X -W).
    case restricted

    var words: [String] {
        switch self {
        case .plain: []
        case .restricted: ["-F", "-X", "-W"]
        }
    }

    var configuration: ServerConfiguration {
        var result = ServerConfiguration()
        result.settingLines["lru_crawler"] = "yes"
        if self == .restricted {
            result.allowsFlush = false
            result.allowsDumps = false
            result.allowsWatch = false
        }
        return result
    }
}

struct DifferentialRun {
    private var reference: ReferenceServer
    private var server: TestServer
    private var subject: TestConnection
    private var commands: DifferentialCommands
    private var cuts: SeededNumbers
    private let seed: UInt64
    private var (oldCas, newCas) = (SeenCas(), SeenCas())
    private var sentCount = 0

    /// A command that did not fit into its piece.
    private var heldBack: DifferentialCommand?

    private(set) var mismatches: [String] = []
    /// Uses of each known difference.
    private(set) var uses = [Int](repeating: 0, count: KnownDifference.all.count)
    /// By command: hits, misses, errors.
    private var outcomes: [String: DifferentialReplies.Outcomes] = [:]
    /// Lines of answers, in the form of `DifferentialReplies`.
    private(set) var replies: [String: Int] = [:]
    /// May change an answer of this server, to see whether that is noticed.
    var spoil: (String) -> String = { $0 }

    init(seed: UInt64) throws {
        self.seed = seed
        commands = DifferentialCommands(seed: seed)
        cuts = SeededNumbers(state: seed ^ 1)
        reference = try ReferenceServer()
        server = try TestServer(DifferentialSetup.plain.configuration, memoryLimitBytes: 256 << 20)
        subject = TestConnection(server)
    }

    /// Goes on with two new servers.
    mutating func restart(_ setup: DifferentialSetup) throws {
        reference = try ReferenceServer(setup.words)
        server = try TestServer(setup.configuration, memoryLimitBytes: 256 << 20)
        subject = TestConnection(server)
        commands.setup = setup
        heldBack = nil
        commands.casCount = 0
        (oldCas, newCas) = (SeenCas(), SeenCas())
    }

    /// Commands that are sent to memcached in one piece, and their bytes: no more than a socket takes while nobody reads.
    private static let (pieceCountMax, pieceBytesMax) = (16, 32768)

    /// Sends `count` more commands; gives up after 20 answers that nothing explains.
    mutating func send(count: Int) throws {
        var left = count
        while left > 0, mismatches.count < 20 {
            commands.casCount = min(oldCas.tokens.count, newCas.tokens.count)
            var piece: [DifferentialCommand] = []
            var byteCount = 0
            while left > 0, piece.count < Self.pieceCountMax {
                let command = heldBack ?? commands.next()
                heldBack = nil
                let size = command.text.utf8.count
                // A long command goes alone: its last bytes must not wait for answers that nobody reads yet.
                if !piece.isEmpty, command.goesAlone || byteCount + size > Self.pieceBytesMax {
                    heldBack = command
                    break
                }
                left -= 1
                piece.append(command)
                byteCount += size
                if command.mayClose || command.goesAlone { break }
            }
            if let seconds = piece.first?.jumpSeconds {
                try reference.advance(seconds: seconds)
                server.store.clock.advance(bySeconds: seconds)
                continue
            }
            try compare(piece)
        }
    }

    private mutating func compare(_ piece: [DifferentialCommand]) throws {
        if piece.isEmpty { return }
        let texts = piece.map { Array(oldCas.insert(into: $0.text).utf8) }
        let answers = reference.answers(to: texts)
        for (index, command) in piece.enumerated() {
            sentCount += 1
            let isClosed = command.mayClose
            try compare(command, answers.indices.contains(index) ? answers[index] : [], isReferenceClosed: isClosed)
        }
        if answers.count < piece.count || piece.last?.mayClose == true { try reference.reconnect() }
    }

    private mutating func compare(
        _ command: DifferentialCommand, _ referenceAnswer: [UInt8], isReferenceClosed: Bool
    ) throws {
        let seenBefore = (oldCas, newCas)
        let old = DifferentialAnswers.common(referenceAnswer, &oldCas) + (isReferenceClosed ? "<closed>" : "")
        let sent = Array(newCas.insert(into: command.text).utf8) + Array("mn\r\n".utf8)
        let place = command.isWhole ? 0 : Int(cuts.next() % UInt64(sent.count + 1))
        let answer = subject.send(Array(sent[..<place])) + subject.send(Array(sent[place...]))
        var new = DifferentialAnswers.common(answer.ends(with: "MN\r\n") ? answer.dropLast(4) : answer, &newCas)
        new = spoil(new + (subject.isClosed ? "<closed>" : ""))
        count(command, new)
        if subject.isClosed { subject = TestConnection(server) }
        if old == new { return }
        // One side may have seen tokens that the other has not: they are met again.
        (oldCas, newCas) = seenBefore
        if let place = KnownDifference.all.firstIndex(where: { $0.explains(command, old, new) }) {
            uses[place] += 1
        } else {
            mismatches.append(
                "command \(sentCount), seed \(seed): \(shown(Array(command.text.utf8.prefix(300))))\n"
                    + difference(Array(new.utf8), Array(old.utf8)))
        }
    }

    private mutating func count(_ command: DifferentialCommand, _ answer: String) {
        for line in DifferentialReplies.lines(of: answer) {
            let reply = DifferentialReplies.form(of: line)
            replies[reply, default: 0] += 1
            outcomes[command.name, default: DifferentialReplies.Outcomes()].add(reply)
        }
        // An answer without a line: quiet, or a miss of a quiet command.
        if answer.isEmpty { outcomes[command.name, default: DifferentialReplies.Outcomes()].silent += 1 }
    }

    /// Prints hits, misses and errors by command, and how often each reply came.
    func print() {
        for (name, outcome) in outcomes.sorted(by: { $0.key < $1.key }) {
            Swift.print(
                "\(name): \(outcome.hits) hits, \(outcome.misses) misses, \(outcome.errors) errors, \(outcome.silent) silent"
            )
        }
        for (reply, count) in replies.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
            Swift.print(count, reply)
        }
        for (difference, count) in zip(KnownDifference.all, uses) { Swift.print(count, "known:", difference.reason) }
    }
}
