// Transcript+Options: the command line of a transcript, as far as transcripts need one, for a server of a test.
import MemStore

@testable import MemNet
@testable import MemProtoServer

extension Transcript {
    /// Carries the words out. `-Y` has the users in place of a file, with commas between.
    func configure(_ server: inout ServerConfiguration, _ store: inout StoreConfiguration) {
        server.hasDebugCommands = true
        var words = options[...]
        while let word = words.popFirst() {
            switch word {
            case "-A": server.allowsShutdown = true
            case "-F": server.allowsFlush = false
            case "-X": server.allowsDumps = false
            case "-W": server.allowsWatch = false
            case "-C":
                server.hasCas = false
                store.hasCas = false
            case "-D":
                server.prefixDelimiter = Array(value(&words).utf8)[0]
                server.countsPrefixes = true
            case "-I":
                server.itemSizeMaxBytes = Int(value(&words))!
                store.itemSizeMaxBytes = server.itemSizeMaxBytes
            case "-R": server.commandsPerTurn = Int(value(&words))
            case "-Y": server.users = value(&words).split(separator: ",").map(String.init)
            case "-o":
                let word = value(&words)
                switch word {
                case "no_lru_maintainer": server.settingLines["lru_maintainer_thread"] = "no"
                case "no_slab_reassign": server.settingLines["slab_reassign"] = "no"
                case "track_sizes": server.settingLines["track_sizes"] = "yes"
                default: preconditionFailure("\(self): a word of -o that transcripts do not know: \(word)")
                }
            default: preconditionFailure("\(self): an option that transcripts do not know: \(word)")
            }
        }
    }

    /// Whether a line is sent as it stands.
    func sends(_ line: String) -> Bool {
        steps.contains { step in
            guard case .exchange(let sent, _) = step else { return false }
            return String(decoding: sent, as: UTF8.self).split(separator: "\r\n").contains(line[...])
        }
    }

    private func value(_ words: inout ArraySlice<String>) -> String {
        guard let value = words.popFirst() else { preconditionFailure("\(self): an option lacks its value") }
        return value
    }
}
