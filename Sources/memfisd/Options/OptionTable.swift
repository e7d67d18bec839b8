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
        value(nil, "prefix"), value(nil, "index"), flag(nil, "files-read-only"), value(nil, "files-max-bytes"),
        value(nil, "publish-interval"), value(nil, "coherence-timeout"), value(nil, "unix-socket-group"),
        flag(nil, "evict-files"), value(nil, "mount-threads"), value(nil, "mount-spin"),
    ]

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
