// The same calls on a tmpfs and on the mount: whatever a program can see must be equal.
import Glibc
import MemStore
import Testing

@testable import MemFS

@Suite("Calls compared with tmpfs", .enabled(if: MountTests.areWanted), .serialized)
struct CallComparisonTests {
    @Test(
        "calls of one topic answer as on tmpfs, for every type, user and mode",
        arguments: [
            ("matrix", 60), ("impossible", 120), ("renames", 20), ("sticky", 20), ("privileges", 30),
            ("inheritance", 8), ("times", 30), ("contents", 35), ("extended", 25), ("modes", 8), ("owners", 5),
            ("stamps", 8), ("failures", 45), ("limits", 50), ("nodes", 20), ("readonly", 60), ("opens", 30),
            ("directories", 45), ("files", 35), ("figures", 12),
            ("owned", 15), ("moves", 45), ("deep", 45), ("mounted", 12),
        ])
    func topics(topic: String, kindsMin: Int) throws {
        let comparison = try CallComparison()
        defer { comparison.end() }
        let result = try comparison.run("--topic \(topic)")
        #expect(result.differences == [])
        #expect(result.kinds.count >= kindsMin, "too few kinds of call and answer: the topic says less than it should")
    }

    @Test("every errno that the pages of POSIX and Linux name for a call is provoked, and answered as on tmpfs")
    func errnos() throws {
        var kinds: [String: Int] = [:]
        for topic in ["paths", "refusals", "frozen"] {
            let comparison = try CallComparison()
            defer { comparison.end() }
            let result = try comparison.run("--topic \(topic)")
            #expect(result.differences == [])
            kinds.merge(result.kinds) { $0 + $1 }
        }
        print("errnos provoked: " + ExpectedErrors.text(of: kinds))
        let wanted = ExpectedErrors.pairs
        #expect(wanted.filter { kinds[$0] == nil } == [])
        #expect(wanted.count > 250)
    }

    @Test("100,000 calls that follow from seeds answer as on tmpfs", arguments: CallSeeds.all)
    func seeds(seed: Int) throws {
        let comparison = try CallComparison()
        defer { comparison.end() }
        let result = try comparison.run("--random \(seed) 20000")
        #expect(result.differences == [])
        #expect(result.count > 20_000)
        // What was called, and what it answered.
        print(result.kinds.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
        #expect(result.kinds.count > 200)
    }

    @Test("a filesystem that differs in one bit is found")
    func plantedFault() throws {
        var options = FuseSessionOptions()
        options.fileSystem.umask = 0o001
        let comparison = try CallComparison(options)
        defer { comparison.end() }
        #expect(try comparison.run("--random 101 1000").differences != [])
    }
}

/// Seeds of 20,000 calls each: 100,000 in all, or as many seeds as MEMFISD_CALL_SEEDS says.
enum CallSeeds {
    static let all: [Int] = {
        let count = unsafe getenv("MEMFISD_CALL_SEEDS").flatMap { unsafe Int(String(cString: $0)) } ?? 5
        return Array(101..<101 + count)
    }()
}

/// A tmpfs and a mount, on which scripts are run.
final class CallComparison {
    /// What came of a script.
    struct Result {
        /// Lines that answered differently, with both answers.
        var differences: [String] = []
        /// How often each call gave each errno, or none.
        var kinds: [String: Int] = [:]
        var count = 0
    }

    private let mount: TestMount
    private let reference: String

    init(_ options: FuseSessionOptions = FuseSessionOptions()) throws {
        var options = options
        options.mount.allowsSetuid = true
        options.mount.allowsDevices = true
        mount = try TestMount(options)
        reference = try TestMount.makeDirectory()
        guard unsafe Glibc.mount("none", reference, "tmpfs", 0, "mode=755,size=1g") == 0 else { throw FSError(errno) }
    }

    func end() {
        mount.end()
        _ = unsafe umount2(reference, 2)
        _ = unsafe rmdir(reference)
    }

    private var program: String { TestProgram.path("file-calls") }

    /// Runs the script that the words ask for on both.
    func run(_ words: String) throws -> Result {
        let script = try Shell.run("\(program) \(words)")
        let lines = script.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        try #require(lines.count > 5, "no script: \(script)")
        let file = reference + "-script"
        defer { _ = unsafe unlink(file) }
        _ = try Shell.run("\(program) \(words) > \(file)")
        let (expected, answered) = (try answers(in: reference, file), try answers(in: mount.path, file))
        var result = Result()
        result.count = answered.count
        try #require(answered.count == lines.count && expected.count == lines.count, "\(answered.suffix(3))")
        for (index, line) in lines.enumerated() {
            let words = line.split(separator: " ")
            // Which call is given a bad address is a word of its own, with the argument behind a dash.
            let call = words[1] == "fault" ? words[2].split(separator: "-")[0] : words[1]
            let answer = answered[index]
            let isError = answer.first == "E" && !answer.contains(" ")
            result.kinds["\(call) \(isError ? answer : "succeeds")", default: 0] += 1
            guard answer != expected[index], result.differences.count < 10 else { continue }
            result.differences.append(
                "\(index + 1): \(line): tmpfs \(expected[index].prefix(300)), mount \(answer.prefix(300))")
        }
        return result
    }

    private func answers(in directory: String, _ script: String) throws -> [String] {
        try Shell.run("mkdir \(directory)/work && \(program) \(directory)/work < \(script) 2>&1")
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}
