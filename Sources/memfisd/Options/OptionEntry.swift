// OptionEntry: one setting as somebody wrote it, with the place it came from.

/// Where a setting was written; later cases win over earlier ones.
enum OptionOrigin: Equatable {
    case file(path: String, line: Int)
    case environment(variable: String)
    case commandLine

    /// As the output of --print-config and messages name it.
    var text: String {
        switch self {
        case .file(let path, let line): "\(path):\(line)"
        case .environment(let variable): variable
        case .commandLine: "command line"
        }
    }
}

/// One option or mount point.
struct OptionEntry: Equatable {
    /// What an entry says.
    enum Content: Equatable {
        /// An option, with its value when it takes one.
        case option(OptionSpelling, value: String?)
        /// A switch that is turned off, whatever weaker places say.
        case off(OptionSpelling)
        case mountPoint(String)
    }

    var content: Content
    var origin: OptionOrigin
    /// The option's name as it was written, `-m` or `--memory-limit`, where messages repeat it; nil = its long name.
    var written: String?

    /// A failure's message with the option called as it was written; in a file without dashes.
    func reworded(_ message: String) -> String {
        guard case .option(let spelling, _) = content else { return message }
        let long = "--\(spelling.name)"
        let calls = [long] + (spelling.letter.map { ["-\($0)"] } ?? [])
        guard let call = calls.first(where: { message.hasPrefix($0 + " ") || message.hasPrefix($0 + ":") }) else {
            return message
        }
        let rest = message.dropFirst(call.count)
        switch origin {
        case .commandLine: return (written ?? call) + rest
        case .environment: return String(rest.drop { $0 == " " || $0 == ":" })
        case .file: return spelling.name + rest
        }
    }

    /// What stronger places replace as a whole.
    var name: String {
        switch content {
        case .option(let spelling, _), .off(let spelling): spelling.name
        case .mountPoint: OptionTable.mountPointWord
        }
    }

    /// The entry as the argument library reads it. An empty value is a word of its own, since the library takes
    /// `--name=` for a missing one.
    var words: [String] {
        switch content {
        case .option(let spelling, nil): ["--\(spelling.name)"]
        case .option(let spelling, let value?) where value.isEmpty: ["--\(spelling.name)", ""]
        case .option(let spelling, let value?): ["--\(spelling.name)=\(value)"]
        case .off: []
        case .mountPoint(let path): [path]
        }
    }
}

extension [OptionEntry] {
    /// All entries as the argument library reads them: options, then mount points.
    var words: [String] {
        let points = filter { $0.name == OptionTable.mountPointWord }.flatMap(\.words)
        let options = filter { $0.name != OptionTable.mountPointWord }.flatMap(\.words)
        return points.isEmpty ? options : options + ["--"] + points
    }

    /// The entries of several places in one list: the strongest place that names an option speaks for it alone.
    ///
    /// - Parameter places: the weakest first.
    static func merged(_ places: [[OptionEntry]]) -> [OptionEntry] {
        var result: [OptionEntry] = []
        for place in places {
            let named = Set(place.map(\.name))
            result.removeAll { named.contains($0.name) }
            for entry in place {
                // Within one place a switch follows its last word.
                if case .off(let spelling) = entry.content { result.removeAll { $0.name == spelling.name } }
                result.append(entry)
            }
        }
        return result
    }
}
