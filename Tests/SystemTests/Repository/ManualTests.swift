// ManualTests: the manual, the help, the completions and the example configuration say what the options' definitions say.
import ArgumentParser
import Foundation
import Testing

@testable import memfisd

/// One option as the argument library describes it.
private struct DescribedOption: Decodable {
    struct Name: Decodable {
        var kind: String
        var name: String
    }
    var kind: String
    var shouldDisplay: Bool
    var sectionTitle: String?
    var names: [Name]?
    var valueName: String?
    var abstract: String?
    var defaultValue: String?

    var name: String { names?.first { $0.kind == "long" }?.name ?? OptionTable.mountPointWord }
    var letter: String? { names?.first { $0.kind == "short" }?.name }
    /// The help without what only it says of defaults.
    var text: String {
        let isFixed = defaultValue.map { !$0.isEmpty && $0 != "false" && kind == "option" } ?? false
        return (abstract ?? "") + (isFixed ? " (default: \(defaultValue ?? ""))" : "")
    }

    private struct Tool: Decodable {
        struct Command: Decodable { var arguments: [DescribedOption] }
        var command: Command
    }

    /// All that the help shows, in its order.
    static func all() throws -> [DescribedOption] {
        let tool = try JSONDecoder().decode(Tool.self, from: Data(Options._dumpHelp().utf8))
        return tool.command.arguments.filter { $0.shouldDisplay && $0.kind != "positional" && $0.name != "help" }
    }
}

@Suite struct ManualTests {
    private func escaped(_ text: String) -> String {
        let result = text.replacingOccurrences(of: "\\", with: "\\e").replacingOccurrences(of: "-", with: "\\-")
        return result.hasPrefix(".") || result.hasPrefix("'") ? "\\&" + result : result
    }

    /// The sections of memfisd(8) that describe the options.
    private func optionLines() throws -> String {
        var result = ""
        var title: String?
        for option in try DescribedOption.all() {
            if option.sectionTitle != title {
                title = option.sectionTitle
                result += ".SS \(title ?? "")\n"
            }
            let names = (option.letter.map { ["\\-\($0)"] } ?? []) + ["\\-\\-\(escaped(option.name))"]
            result += ".TP\n" + names.map { "\\fB\($0)\\fR" }.joined(separator: ", ")
            if option.kind == "option" { result += " \\fI\(escaped(option.valueName ?? ""))\\fR" }
            result += "\n\(escaped(option.text))\n"
        }
        return result + ".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nShow the options.\n"
    }

    /// The words of memfisd.conf(5).
    private func wordLines() throws -> String {
        var result = ".TP\n\\fBmountpoint\\fR \\fIdirectory\\fR\nWhere the tree is mounted. Repeatable.\n"
        for option in try DescribedOption.all() where OptionTable.configurationWords.contains(option.name) {
            result += ".TP\n\\fB\(escaped(option.name))\\fR"
            if option.kind == "option" { result += " \\fI\(escaped(option.valueName ?? ""))\\fR" }
            result += "\n\(escaped(option.text))\n"
        }
        return result
    }

    /// Compares a generated part of a page with what the definitions say; with MEMFISD_WRITE_MANUAL=1 writes it.
    private func check(_ page: String, _ mark: String, _ expected: String) throws {
        let path = Repository.path("deploy/man/\(page)")
        let text = try Files.text(path)
        let begin = try #require(text.range(of: ".\\\" \(mark): begin\n"))
        let end = try #require(text.range(of: ".\\\" \(mark): end\n"))
        if ProcessInfo.processInfo.environment["MEMFISD_WRITE_MANUAL"] == "1" {
            try Files.write(text[..<begin.upperBound] + expected + text[end.lowerBound...], to: path)
        } else {
            #expect(text[begin.upperBound..<end.lowerBound] == expected[...], "run `make manual`")
        }
    }

    @Test("memfisd(8) describes the options as their definitions do")
    func options() throws { try check("memfisd.8", "options", try optionLines()) }

    @Test("memfisd.conf(5) describes the same words")
    func words() throws { try check("memfisd.conf.5", "words", try wordLines()) }

    @Test("every option of the table is in the help, or hidden because it has no meaning here")
    func help() throws {
        let shown = Set(try DescribedOption.all().map(\.name))
        let hidden = Set(OptionTable.all.map(\.name)).subtracting(shown).subtracting(["help"])
        #expect(
            hidden == ["slab-growth-factor", "slab-min-size", "napi-ids", "enable-largepages", "memory-file"])
        let text = Options.helpMessage(columns: 200)
        for option in try DescribedOption.all() {
            #expect(text.contains("--\(option.name)"))
            let letter = OptionTable.all.first { $0.name == option.name }?.letter
            #expect(letter.map(String.init) == option.letter)
        }
    }

    @Test(
        "the pages have no error that a formatter sees", arguments: ["memfisd.8", "memfisd.conf.5", "mount.memfisd.8"])
    func form(page: String) throws {
        let result = try Shell.run(
            ["groff", "-man", "-Tutf8", "-ww", "-z", Repository.path("deploy/man/\(page)")])
        #expect(result.status == 0 && result.errors == "")
    }

    @Test("the completions of each shell know every option", arguments: ["bash", "zsh", "fish"])
    func completions(shell: String) throws {
        let script = try #require(try CommandLineRequest.text(["--generate-completion-script", shell]))
        for option in try DescribedOption.all() { #expect(script.contains(option.name), "\(option.name)") }
    }

    @Test("the example configuration is right, and so is every line in it that is commented out")
    func example() throws {
        let text = try Files.text(Repository.path("deploy/memfisd.conf"))
        let names = try ConfigurationFile.entries(text, path: "memfisd.conf").map(\.name)
        #expect(names.contains(OptionTable.mountPointWord) && names.contains("unix-socket"))
        // An option that is commented out has no blank behind its #.
        let all = text.split(separator: "\n").map { line in
            line.hasPrefix("#") && !line.hasPrefix("# ") ? String(line.dropFirst()) : String(line)
        }
        #expect(try ConfigurationFile.entries(all.joined(separator: "\n"), path: "memfisd.conf").count > names.count)
    }
}
