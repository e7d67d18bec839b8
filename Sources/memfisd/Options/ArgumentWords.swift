// ArgumentWords: reads the words of the command line as getopt_long(3) does,
// because operators write them so: `-m64`, `-vdm 64`, `-p -1`, `--memory-lim=64`.

enum ArgumentWords {
    /// Words with every option spelled `--name` or `--name=value`; mount points keep their place.
    ///
    /// - Parameter words: the command line without the program's name.
    /// - Throws: StartFailure for an unknown option, a missing or a superfluous value; memcached's words and status 1.
    static func normalized(_ words: [String]) throws(StartFailure) -> [String] {
        let (entries, rest) = try split(words)
        return entries.flatMap(\.words) + (rest.map { ["--"] + $0 } ?? [])
    }

    /// What the words say.
    /// - Throws: see `normalized`.
    static func entries(_ words: [String]) throws(StartFailure) -> [OptionEntry] {
        let (entries, rest) = try split(words)
        return entries + (rest ?? []).map { OptionEntry(content: .mountPoint($0), origin: .commandLine) }
    }

    /// The entries before the word `--`, and the words behind it; nil without it.
    private static func split(_ words: [String]) throws(StartFailure) -> ([OptionEntry], [String]?) {
        var result: [OptionEntry] = []
        var behind: [String]?
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--" {
                behind = Array(rest)
                break
            } else if word.hasPrefix("--") {
                let name = word.prefix { $0 != "=" }
                let content = try longOption(word.dropFirst(2), &rest)
                result.append(OptionEntry(content: content, origin: .commandLine, written: String(name)))
            } else if word.hasPrefix("-"), word.count > 1 {
                for content in try letters(word.dropFirst(), &rest) {
                    var entry = OptionEntry(content: content, origin: .commandLine)
                    if case .option(let spelling, _) = content { entry.written = spelling.letter.map { "-\($0)" } }
                    result.append(entry)
                }
            } else {
                result.append(OptionEntry(content: .mountPoint(word), origin: .commandLine))
            }
        }
        return (result, behind)
    }

    private static func longOption(
        _ text: Substring, _ rest: inout ArraySlice<String>
    ) throws(StartFailure) -> OptionEntry.Content {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let spelling = OptionTable.spelling(ofName: parts[0]) else {
            if parts.count == 1, let turnedOff = OptionTable.turnedOff(by: parts[0]) { return .off(turnedOff) }
            let known = OptionTable.all.map(\.name).filter { $0.hasPrefix(parts[0]) && !parts[0].isEmpty }
            if known.count > 1 {
                let names = known.map { "--\($0)" }.joined(separator: " or ")
                throw StartFailure("option '--\(parts[0])' is ambiguous: \(names)", .wrongValue)
            }
            let hint = OptionTable.nearest(to: parts[0]).map { "; did you mean --\($0)?" } ?? ""
            throw StartFailure("unrecognized option '--\(parts[0])'\(hint)", .wrongValue)
        }
        if !spelling.takesValue {
            guard parts.count == 1 else {
                throw StartFailure(
                    "option '--\(spelling.name)' doesn't allow an argument", .wrongValue)
            }
            return .option(spelling, value: nil)
        }
        if parts.count == 2 { return .option(spelling, value: String(parts[1])) }
        guard let value = rest.popFirst() else {
            throw StartFailure("option '--\(spelling.name)' requires an argument", .wrongValue)
        }
        return .option(spelling, value: value)
    }

    private static func letters(
        _ text: Substring, _ rest: inout ArraySlice<String>
    ) throws(StartFailure) -> [OptionEntry.Content] {
        var result: [OptionEntry.Content] = []
        var remaining = text
        while let letter = remaining.popFirst() {
            guard let spelling = OptionTable.spelling(ofLetter: letter) else {
                let offered: [Character: String] = ["S": "SASL", "Z": "TLS"]
                let reason = offered[letter].map { ": \($0) is not offered" } ?? ""
                throw StartFailure("invalid option -- '\(letter)'\(reason)", .wrongValue)
            }
            guard spelling.takesValue else {
                result.append(.option(spelling, value: nil))
                continue
            }
            if !remaining.isEmpty {
                result.append(.option(spelling, value: String(remaining)))
            } else if let value = rest.popFirst() {
                result.append(.option(spelling, value: value))
            } else {
                throw StartFailure("option requires an argument -- '\(letter)'", .wrongValue)
            }
            break
        }
        return result
    }
}
