// Shell: running programs from a test and waiting for what they cause.
import Foundation

/// What a program left behind.
struct ProgramResult {
    var status: Int32
    var output: String
    var errors: String
}

enum Shell {
    /// Runs a program to its end.
    ///
    /// - Parameter timeoutSeconds: it is killed then; the status is 128 + 9.
    static func run(
        _ words: [String], input: String = "", environment: [String: String] = [:], timeoutSeconds: Double = 120
    ) throws -> ProgramResult {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let program = try Program(
            words, input: try scratch.file("input", containing: input), output: scratch.path("output"),
            errors: scratch.path("errors"), environment: environment)
        let status = program.wait(timeoutSeconds: timeoutSeconds)
        return ProgramResult(
            status: status, output: scratch.text(of: "output"), errors: scratch.text(of: "errors"))
    }

    /// Runs a line of bash; throws with its output when it fails.
    @discardableResult
    static func bash(_ line: String, timeoutSeconds: Double = 120) throws -> String {
        let result = try run(["bash", "-c", "set -eo pipefail; " + line], timeoutSeconds: timeoutSeconds)
        guard result.status == 0 else {
            throw TestFailure("status \(result.status) of: \(line)\n\(result.output)\(result.errors)")
        }
        return result.output
    }

    /// Runs a script of this test target under Debian's Python; prints what it printed.
    ///
    /// - Parameter wrapper: words before the interpreter.
    @discardableResult
    static func python(
        _ script: String, _ words: [String], wrapper: [String] = [], timeoutSeconds: Double = 300
    ) throws -> String {
        let interpreter = wrapper + ["/usr/bin/python3", "-B"]
        let result = try run(
            interpreter + [Repository.path("Tests/SystemTests/Scripts/\(script)")] + words,
            environment: ["PYTHONPATH": Repository.path(".build-python")], timeoutSeconds: timeoutSeconds)
        print(result.output, terminator: "")
        guard result.status == 0 else {
            throw TestFailure("status \(result.status) of \(script)\n\(result.output)\(result.errors)")
        }
        return result.output
    }

    /// Asks every 10 ms until `condition` holds; false when the time is over.
    static func waitUntil(timeoutSeconds: Double, _ condition: () throws -> Bool) rethrows -> Bool {
        let end = Date().addingTimeInterval(timeoutSeconds)
        while try !condition() {
            if Date() > end { return false }
            usleep(10_000)
        }
        return true
    }
}

/// Why a test cannot go on.
struct TestFailure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

enum Repository {
    /// A path below the repository's root.
    static func path(_ relative: String) -> String {
        let support = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        return support.appendingPathComponent("../../../\(relative)").standardizedFileURL.path
    }
}
