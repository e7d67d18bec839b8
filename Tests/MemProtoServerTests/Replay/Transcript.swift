// Transcript: conversations in readable files: what is sent, what is expected, which counters move.
//
//   == a title                          begins a conversation on a new connection and an empty store
//   # a comment
//   > get a                             is sent with a line end; >~ is sent as it stands, with \r \n \t \\ \xHH
//   < END                               is expected with a line end; <~ as it stands
//   ~ advance 3                         the clock jumps by 3 seconds
//   = get_misses +1                     a counter's change over the whole conversation
//   @ closed                            the server closes the connection
//   @ options -F -X                     the server is started with these words (see Transcript+Options)
//   @ differs: why                      Debian's memcached answers otherwise: not run there
import Glibc

/// One conversation.
struct Transcript: Sendable, CustomStringConvertible {
    /// A step of it.
    enum Step: Sendable {
        /// Bytes to send, then the bytes that must come.
        case exchange(sent: [UInt8], expected: [UInt8])
        case advance(seconds: Int64)
        case closed
    }

    var file: String
    var title: String
    var steps: [Step] = []
    var counters: [String: Int] = [:]
    /// Words of the server's command line.
    var options: [String] = []
    /// Why memcached 1.6.18 answers otherwise, if it does.
    var difference: String?

    var description: String { "\(file): \(title)" }

    /// All conversations of the target's directory `Transcripts`.
    static let all: [Transcript] = {
        let directory = String(#filePath.prefix(upTo: #filePath.lastIndex(of: "/")!)) + "/../Transcripts"
        return names(in: directory).sorted().flatMap { parse(text(of: directory + "/" + $0), file: $0) }
    }()

    private static func names(in directory: String) -> [String] {
        guard let stream = unsafe opendir(directory) else { preconditionFailure("no transcripts in \(directory)") }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name.hasSuffix(".txt") { names.append(name) }
        }
        return names
    }

    private static func text(of path: String) -> String {
        guard let file = unsafe fopen(path, "r") else { preconditionFailure("cannot read \(path)") }
        defer { unsafe fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = unsafe fread(&buffer, 1, buffer.count, file)
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }

    static func parse(_ text: String, file: String) -> [Transcript] {
        var all: [Transcript] = []
        var sent: [UInt8] = []
        var expected: [UInt8] = []
        func finishExchange() {
            if sent.isEmpty && expected.isEmpty { return }
            all[all.count - 1].steps.append(.exchange(sent: sent, expected: expected))
            sent = []
            expected = []
        }
        for line in text.split(separator: "\n", omittingEmptySubsequences: true) {
            let rest = line.dropFirst(line.hasPrefix(">~") || line.hasPrefix("<~") || line.hasPrefix("==") ? 3 : 2)
            if line.hasPrefix("==") {
                if !all.isEmpty { finishExchange() }
                all.append(Transcript(file: file, title: String(rest)))
            } else if line.hasPrefix(">") {
                if !expected.isEmpty { finishExchange() }
                sent += line.hasPrefix(">~") ? unescape(rest) : unescape(rest) + [13, 10]
            } else if line.hasPrefix("<") {
                expected += line.hasPrefix("<~") ? unescape(rest) : unescape(rest) + [13, 10]
            } else {
                finishExchange()
                all[all.count - 1].direct(line, rest)
            }
        }
        finishExchange()
        return all
    }

    private mutating func direct(_ line: Substring, _ rest: Substring) {
        let words = rest.split(separator: " ")
        switch line.first {
        case "#": break
        case "~": steps.append(.advance(seconds: Int64(words[1])!))
        case "=": counters[String(words[0])] = Int(words[1])!
        case "@" where rest == "closed": steps.append(.closed)
        case "@" where words.first == "options": options = words.dropFirst().map(String.init)
        case "@": difference = String(rest)
        default: preconditionFailure("\(self): not a line of a transcript: \(line)")
        }
    }

    /// The brace that ends what an opening one before `text` began.
    private static func closingBrace(of text: Substring) -> Substring.Index {
        var depth = 1
        for index in text.indices {
            if text[index] == "{" { depth += 1 }
            if text[index] == "}" { depth -= 1 }
            if depth == 0 { return index }
        }
        preconditionFailure("a brace is not closed: \(text)")
    }

    /// `\r`, `\n`, `\t`, `\\`, `\xHH`, and `\{N*c}` for N times c, which may have escapes.
    private static func unescape(_ text: Substring) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = Substring(text)
        while let character = rest.popFirst() {
            guard character == "\\", let escape = rest.popFirst() else {
                bytes += Array(String(character).utf8)
                continue
            }
            switch escape {
            case "r": bytes.append(13)
            case "n": bytes.append(10)
            case "t": bytes.append(9)
            case "x":
                bytes.append(UInt8(rest.prefix(2), radix: 16)!)
                rest = rest.dropFirst(2)
            case "{":
                let star = rest.firstIndex(of: "*")!
                let end = closingBrace(of: rest)
                let repeated = unescape(rest[rest.index(after: star)..<end])
                bytes += Array(repeating: repeated, count: Int(rest[..<star])!).joined()
                rest = rest[rest.index(after: end)...]
            default: bytes += Array(String(escape).utf8)
            }
        }
        return bytes
    }
}
