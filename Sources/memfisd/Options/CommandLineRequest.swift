// CommandLineRequest: what the command line asks for: to show a text, or to run.
import ArgumentParser

enum CommandLineRequest {
    case show(String)
    case run(Options)

    /// - Parameter words: from `ArgumentWords.normalized`.
    /// - Throws: StartFailure, status 1, with the library's first sentence when a value cannot be read.
    static func read(_ words: [String]) throws(StartFailure) -> CommandLineRequest {
        if words.prefix(while: { $0 != "--" }).contains("--help") { return .show(Options.helpMessage(columns: 100)) }
        let options: Options
        do {
            options = try Options.parse(words)
        } catch {
            throw StartFailure(plainMessage(Options.message(for: error)), .wrongValue)
        }
        if options.process.version { return .show("memfisd \(Version.text)") }
        if options.process.license { return .show(Version.license) }
        return .run(options)
    }

    /// The library's message in one sentence, with the option before its value, as all other messages have it. Every value
    /// that the library judges itself is a number.
    private static func plainMessage(_ text: String) -> String {
        let parts = text.split(separator: "'", omittingEmptySubsequences: false)
        guard text.hasPrefix("The value '"), parts.count == 5 else { return text }
        let name = parts[3].prefix { $0 != " " }
        return "\(name) \(parts[1]): expected a number"
    }

    /// The text that the words ask for: the help, the version, the license, a shell's completions (for the package); nil when
    /// they ask for none. A wrong configuration file does not keep it back.
    ///
    /// - Parameter words: the command line without the program's name.
    /// - Throws: StartFailure for an unknown option.
    static func text(_ words: [String]) throws(StartFailure) -> String? {
        if words.first == "--generate-completion-script" {
            guard words.count == 2, let shell = CompletionShell(rawValue: words[1]) else {
                throw StartFailure("--generate-completion-script needs bash, zsh or fish", .wrongValue)
            }
            return Options.completionScript(for: shell)
        }
        let texts: Set = ["help", "license", "version"]
        let entries = try ArgumentWords.entries(words).filter { texts.contains($0.name) }
        guard !entries.isEmpty, case .show(let text) = try read(entries.words) else { return nil }
        return text
    }
}
