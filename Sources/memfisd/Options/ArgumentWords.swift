// ArgumentWords: brings the words of the command line into one form before the
// argument library sees them, because operators write them as getopt_long(3)
// allows: `-m64`, `-vdm 64`, `-p -1`, `--memory-lim=64`.

enum ArgumentWords {
    /// Words with every option spelled `--name` or `--name=value`; mount points keep their place. An empty value
    /// is a word of its own, since the library takes `--name=` for a missing one.
    ///
    /// - Parameter words: the command line without the program's name.
    /// - Throws: StartFailure for an unknown option, a missing or a superfluous value; memcached's words and status 1.
    static func normalized(_ words: [String]) throws(StartFailure) -> [String] {
        var result: [String] = []
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--" {
                result.append(word)
                result.append(contentsOf: rest)
                break
            } else if word.hasPrefix("--") {
                result.append(contentsOf: try longOption(word.dropFirst(2), &rest))
            } else if word.hasPrefix("-"), word.count > 1 {
                result.append(contentsOf: try letters(word.dropFirst(), &rest))
            } else {
                result.append(word)
            }
        }
        return result
    }

    private static func longOption(
        _ text: Substring, _ rest: inout ArraySlice<String>
    ) throws(StartFailure) -> [String] {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let spelling = OptionTable.spelling(ofName: parts[0]) else {
            throw StartFailure("unrecognized option '--\(parts[0])'. Illegal argument \"?\"", .wrongValue)
        }
        if !spelling.takesValue {
            guard parts.count == 1 else {
                throw StartFailure(
                    "option '--\(spelling.name)' doesn't allow an argument. Illegal argument \"?\"", .wrongValue)
            }
            return ["--\(spelling.name)"]
        }
        if parts.count == 2 { return option(spelling, String(parts[1])) }
        guard let value = rest.popFirst() else {
            throw StartFailure("option '--\(spelling.name)' requires an argument. Illegal argument \"?\"", .wrongValue)
        }
        return option(spelling, value)
    }

    private static func letters(
        _ text: Substring, _ rest: inout ArraySlice<String>
    ) throws(StartFailure) -> [String] {
        var result: [String] = []
        var remaining = text
        while let letter = remaining.popFirst() {
            guard let spelling = OptionTable.spelling(ofLetter: letter) else {
                throw StartFailure("invalid option -- '\(letter)'. Illegal argument \"?\"", .wrongValue)
            }
            guard spelling.takesValue else {
                result.append("--\(spelling.name)")
                continue
            }
            if !remaining.isEmpty {
                result.append(contentsOf: option(spelling, String(remaining)))
            } else if let value = rest.popFirst() {
                result.append(contentsOf: option(spelling, value))
            } else {
                throw StartFailure("option requires an argument -- '\(letter)'. Illegal argument \"?\"", .wrongValue)
            }
            break
        }
        return result
    }

    private static func option(_ spelling: OptionSpelling, _ value: String) -> [String] {
        value.isEmpty ? ["--\(spelling.name)", ""] : ["--\(spelling.name)=\(value)"]
    }
}
