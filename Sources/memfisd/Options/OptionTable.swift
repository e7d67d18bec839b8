// OptionTable: every option of the command line with its letter, so that words
// can be read as getopt_long(3) reads them. `Options` describes the same
// options to the argument library; a test keeps the two in agreement.

/// One option's spelling.
struct OptionSpelling: Equatable {
    /// The letter after one dash; nil when there is none.
    var letter: Character?
    /// The word after two dashes.
    var name: String
    var takesValue: Bool
}

enum OptionTable {
    /// Letters and names that memcached has, and memfisd's own at the end.
    static let all: [OptionSpelling] = [
        value("a", "unix-mask"), flag("A", "enable-shutdown"), value("b", "listen-backlog"), value("B", "protocol"),
        value("c", "conn-limit"), flag("C", "disable-cas"), flag("d", "daemon"), value("D", "stats-delimiter"),
        value("e", "memory-file"), value("f", "slab-growth-factor"), flag("F", "disable-flush-all"), flag("h", "help"),
        flag("i", "license"), value("I", "max-item-size"), flag("k", "lock-memory"), value("l", "listen"),
        flag("L", "enable-largepages"), value("m", "memory-limit"), flag("M", "disable-evictions"),
        value("n", "slab-min-size"), value("N", "napi-ids"), value("o", "extended"), value("p", "port"),
        value("P", "pidfile"), flag("r", "enable-coredumps"), value("R", "max-reqs-per-event"),
        value("s", "unix-socket"), value("t", "threads"), value("u", "user"), value("U", "udp-port"),
        flag("v", "verbose"), flag("V", "version"), flag("W", "disable-watch"), flag("X", "disable-dumping"),
        value("Y", "auth-file"),
        flag(nil, "all-threads"), value(nil, "prefix"), value(nil, "index"), flag(nil, "files-read-only"),
        value(nil, "files-max-bytes"),
        value(nil, "publish-interval"), value(nil, "coherence-timeout"), value(nil, "unix-socket-group"),
        flag(nil, "evict-files"), value(nil, "mount-threads"), value(nil, "mount-spin"), value(nil, "preload"),
        flag(nil, "preload-first"), flag(nil, "exit-on-unmount"), value(nil, "log-file"), value(nil, "config"),
        flag(nil, "print-config"), flag(nil, "mount-only"),
        flag(nil, "unmount"),
    ]

    /// How the configuration file and the environment call a mount point.
    static let mountPointWord = "mountpoint"
    static let configWord = "config"
    /// What the command line alone can say: it asks for a text or another deed than serving.
    static let commandWords: Set = ["help", "license", "version", configWord, "print-config", "mount-only", "unmount"]
    /// Several values of these count together.
    private static let repeatableWords: Set = ["listen", "prefix", "index", "extended", "preload", mountPointWord]
    /// A switch that counts how often it is given.
    static let countedWord = "verbose"

    /// The words of the configuration file, in the table's order.
    static let configurationWords = all.map(\.name).filter { !commandWords.contains($0) } + [mountPointWord]

    static func isRepeatable(_ name: String) -> Bool { repeatableWords.contains(name) }

    /// The switch that `--no-NAME` turns off.
    static func turnedOff(by name: some StringProtocol) -> OptionSpelling? {
        guard name.hasPrefix("no-") else { return nil }
        return all.first { $0.name == name.dropFirst(3) && !$0.takesValue && !commandWords.contains($0.name) }
    }

    /// What a line of the file or a variable says.
    /// - Throws: LineError for an unknown word, a missing value, or a switch that is neither on nor off.
    static func contents(of name: Substring, value: String?) throws(LineError) -> [OptionEntry.Content] {
        if name == mountPointWord {
            guard let value, !value.isEmpty else { throw LineError("\(name) needs a value") }
            return [.mountPoint(value)]
        }
        guard let spelling = all.first(where: { $0.name == name }), !commandWords.contains(spelling.name) else {
            let hint = nearest(to: name).map { "; did you mean \($0)?" } ?? ""
            throw LineError("unknown option '\(name)'\(hint)")
        }
        if spelling.takesValue {
            guard let value else { throw LineError("\(name) needs a value") }
            return [.option(spelling, value: value)]
        }
        if spelling.name == countedWord, let value, let count = Int(value), (0...9).contains(count) {
            return count == 0 ? [.off(spelling)] : Array(repeating: .option(spelling, value: nil), count: count)
        }
        switch value?.lowercased() {
        case nil, "yes", "on", "true", "1": return [.option(spelling, value: nil)]
        case "no", "off", "false", "0": return [.off(spelling)]
        case let text?: throw LineError("\(name) \(text): expected yes or no")
        }
    }

    /// The option whose name differs from a word by two letters at most, if there is one.
    static func nearest(to word: some StringProtocol) -> String? {
        let candidates = (configurationWords + commandWords.sorted()).map { ($0, distance($0, word)) }
        return candidates.filter { $0.1 <= 2 && $0.1 < word.count }.min { $0.1 < $1.1 }?.0
    }

    /// Letters to add, take away or change to make one word of the other.
    private static func distance(_ first: some StringProtocol, _ second: some StringProtocol) -> Int {
        var row = Array(0...second.count)
        for (index, letter) in first.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (column, other) in second.enumerated() {
                let changed = diagonal + (letter == other ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(changed, row[column] + 1, diagonal + 1)
            }
        }
        return row[second.count]
    }

    private static func value(_ letter: Character?, _ name: String) -> OptionSpelling {
        OptionSpelling(letter: letter, name: name, takesValue: true)
    }

    private static func flag(_ letter: Character?, _ name: String) -> OptionSpelling {
        OptionSpelling(letter: letter, name: name, takesValue: false)
    }

    static func spelling(ofLetter letter: Character) -> OptionSpelling? { all.first { $0.letter == letter } }

    /// The option with this name, or the only one that begins with it.
    static func spelling(ofName name: some StringProtocol) -> OptionSpelling? {
        if let exact = all.first(where: { $0.name == name }) { return exact }
        let matches = all.filter { $0.name.hasPrefix(name) }
        return matches.count == 1 && !name.isEmpty ? matches[0] : nil
    }
}
