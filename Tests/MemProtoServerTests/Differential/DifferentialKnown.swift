// The differences between memcached 1.6.18 and this server that the comparison allows, each with its reason. One that a run does
// not meet fails the test: it would hide something.

/// A known difference between memcached 1.6.18 and this server.
struct KnownDifference: Sendable {
    /// Why it is right.
    let reason: String
    /// Whether it explains the two answers to a command.
    let explains: @Sendable (_ command: DifferentialCommand, _ old: String, _ new: String) -> Bool

    private static let badFormat = "CLIENT_ERROR bad command line format\r\n"

    static let all: [KnownDifference] = [
        KnownDifference(
            reason: "1.6.45 answers a line of less than four bytes, or a command without its words, by name"
        ) {
            $0.name == "malformed" && $1 == "ERROR\r\n" && $2 == badFormat
        },
        KnownDifference(reason: "1.6.45 swallows the value of a malformed storage line, 1.6.18 reads it as a command") {
            $0.name == "malformed" && $1 == badFormat + "ERROR\r\n" && $2 == badFormat
        },
        KnownDifference(reason: "1.6.45 reads the rest of a broken value as a line, which is too short to be one") {
            $0.text.hasSuffix("\r\nabcdef\r\n") && $1 == "CLIENT_ERROR bad data chunk\r\nERROR\r\n"
                && $2 == "CLIENT_ERROR bad data chunk\r\n" + badFormat
        },
        KnownDifference(reason: "1.6.45 says nothing to an unknown command that ends in noreply") {
            $0.text == "foo noreply\r\n" && $1 == "ERROR\r\n" && $2.isEmpty
        },
        KnownDifference(reason: "1.6.45 takes a leading space for a part of the command") {
            $0.text == " get k9\r\n" && $1 == "END\r\n" && $2 == "ERROR\r\n"
        },
        KnownDifference(reason: "1.6.45 wants a key behind gat") {
            $0.text == "gat 0\r\n" && $1 == "END\r\n" && $2 == badFormat
        },
        KnownDifference(reason: "1.6.45 ignores further words of a delete") {
            $0.text.hasPrefix("delete k9 ") && $1.hasPrefix(badFormat.dropLast(1)) && $2 == "NOT_FOUND\r\n"
        },
        KnownDifference(reason: "1.6.45 calls a byte that can be no flag a bad line") {
            $0.text == "mg k0 !\r\n" && $1 == "CLIENT_ERROR invalid flag\r\n" && $2 == badFormat
        },
        KnownDifference(reason: "1.6.45 judges flags from left to right, 1.6.18 looks for doubled letters first") {
            $0.name.hasPrefix("m") && $1 == "CLIENT_ERROR duplicate flag\r\n"
                && ($2 == "CLIENT_ERROR bad token in command line format\r\n" || $2 == "CLIENT_ERROR invalid flag\r\n")
        },
        KnownDifference(reason: "1.6.45 tells what is wrong with a flag of md") {
            $0.name == "md" && $1 == "CLIENT_ERROR invalid or duplicate flag\r\n" && $2.hasPrefix("CLIENT_ERROR ")
        },
        KnownDifference(reason: "1.6.45 refuses an expiry of more than 31 bits in a touch") {
            $0.text == "touch k7 2147483648\r\n" && $1 == "NOT_FOUND\r\n"
                && $2 == "CLIENT_ERROR invalid exptime argument\r\n"
        },
        KnownDifference(reason: "no time is left of an expiry in the past; memcached lets the number wrap") {
            $1.contains(" t4294") && withoutWrappedTime($1) == $2
        },
        KnownDifference(reason: "an item that mg made from a key in base64 remembers that") {
            $0.name == "mg" && $0.text.contains(" b ")
                && $2.replacing("kZm9v b", with: "kfoo").replacing("kAAEC b", with: "k\u{0}\u{1}\u{2}")
                    .replacing("kZm9vYmE= b", with: "kfooba") == withoutWrappedTime($1)
        },
        KnownDifference(reason: "1.6.45 hides the answer to a quiet ma that creates") {
            $0.name == "ma" && $0.text.contains(" q") && $0.text.contains(" N")
                && ($1.hasPrefix("HD") || $1.hasPrefix("VA"))
                && $2.isEmpty
        },
        KnownDifference(reason: "1.6.45 leaves the value out when the client has that version") {
            $0.name == "mg" && $0.text.contains(" C") && $1.hasPrefix("VA ") && $2.hasPrefix("HD")
        },
        KnownDifference(reason: "1.6.45 looks at the first letter behind M, and where M has a meaning alone") {
            $1 == "CLIENT_ERROR incorrect length for M token\r\n"
                && ($2 == "EN\r\n" || $2.hasPrefix("HD") || $2 == "CLIENT_ERROR invalid mode for ms M token\r\n")
        },
        KnownDifference(reason: "1.6.45 has a window of automove, from 3 to 1800") {
            $0.text.hasPrefix("slabs automove window ") && $1 == badFormat
                && $2 == "CLIENT_ERROR automove window too low or too high\r\n"
        },
        KnownDifference(reason: "1.6.45 tells the time left in me with its sign") {
            $0.name == "me" && $2.contains(" exp=") && $1 == $2.replacing(" exp=", with: " exp=-", maxReplacements: 1)
        },
        KnownDifference(reason: "1.6.45 forbids stats detail where dumps are forbidden") {
            $0.text.hasPrefix("stats detail")
                && ["CLIENT_ERROR usage: stats detail on|off|dump\r\n", "OK\r\n", "END\r\n"].contains($1)
                && $2 == "CLIENT_ERROR stats detail not allowed\r\n"
        },
        KnownDifference(reason: "1.6.45 tells the size that ms stored") {
            $0.text.hasPrefix("ms k8 2 s") && $1 == "HD\r\n" && $2 == "HD s2\r\n"
        },
        KnownDifference(reason: "1.6.45 words the refusal of shutdown as an error of the server") {
            $0.text.hasPrefix("shutdown") && $1 == "ERROR: shutdown not enabled\r\n"
                && $2 == "SERVER_ERROR: shutdown not enabled\r\n"
        },
    ]

    /// An answer with `t0` for each time left that has wrapped around.
    private static func withoutWrappedTime(_ answer: String) -> String {
        answer.split(separator: " ", omittingEmptySubsequences: false).map { word in
            guard word.hasPrefix("t4294") else { return String(word) }
            return "t0" + word.drop { $0 != "\r\n" }
        }.joined(separator: " ")
    }
}
