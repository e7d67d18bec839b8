// Answers of two servers in one form: numbers that depend on the moment or on a server's own counting are replaced, so that
// what is left has to be the same.
import CShims

/// The cas tokens of one side, by the order in which they were first seen.
struct SeenCas {
    private(set) var tokens: [String] = []
    private var places: [String: Int] = [:]

    /// A token's place; 0 stays as it is.
    mutating func place(_ token: Substring) -> String {
        if token == "0" { return "0" }
        let text = String(token)
        if let place = places[text] { return "#\(place)" }
        places[text] = tokens.count
        tokens.append(text)
        return "#\(tokens.count - 1)"
    }

    /// `text` with the tokens that `{cas N}` stands for.
    func insert(into text: String) -> String {
        // No other command has a brace; searching for more than a byte takes long.
        guard text.utf8.contains(UInt8(ascii: "{")) else { return text }
        var result = ""
        var rest = Substring(text)
        while let open = rest.firstRange(of: "{cas "), let close = rest[open.upperBound...].firstIndex(of: "}") {
            let place = Int(rest[open.upperBound..<close]) ?? 0
            result += rest[..<open.lowerBound] + (tokens.indices.contains(place) ? tokens[place] : "1")
            rest = rest[rest.index(after: close)...]
        }
        return result + rest
    }
}

/// Brings answers into a common form.
enum DifferentialAnswers {
    static func common(_ answer: [UInt8], _ seen: inout SeenCas) -> String {
        var result: [UInt8] = []
        var at = 0
        while at < answer.count {
            let end = lineEnd(answer, from: at)
            let size = valueSize(behind: answer[at..<end])
            if !needsRewriting(answer[at..<end]) {
                let stop = min(answer.count, end + size)
                result += answer[at..<stop]
                at = stop
                continue
            }
            let line = String(decoding: answer[at..<end], as: UTF8.self)
            at = end
            var words = line.split(separator: " ", omittingEmptySubsequences: false)
            let last = words[words.count - 1]
            let lineEnd = last.hasSuffix("\r\n") ? "\r\n" : last.hasSuffix("\n") ? "\n" : ""
            words[words.count - 1] = last.dropLast(lineEnd.isEmpty ? 0 : 1)
            result += Array(rewritten(words, &seen).joined(separator: " ").utf8) + Array(lineEnd.utf8)
            let stop = min(answer.count, at + size)
            result += answer[at..<stop]
            at = stop
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Behind the line that begins at `start`.
    static func lineEnd(_ bytes: [UInt8], from start: Int) -> Int {
        let place = unsafe bytes.withUnsafeBytes { unsafe cs_find_near($0.baseAddress! + start, 10, $0.count - start) }
        return min(bytes.count, start + Int(place) + 1)
    }

    /// Whether a line may have a token or a time: a meta answer, a hit with its cas, a version.
    private static func needsRewriting(_ line: ArraySlice<UInt8>) -> Bool {
        if line.starts(with: "VALUE ".utf8) {
            var spaces = 0
            for byte in line where byte == 0x20 { spaces += 1 }
            return spaces > 3
        }
        let second = line.count > 1 ? line[line.startIndex + 1] : 0
        // HD, VA, NS, NF, EN, EX, ME, VERSION
        switch line.first {
        case UInt8(ascii: "H"), UInt8(ascii: "V"), UInt8(ascii: "M"): return true
        case UInt8(ascii: "N"): return second == UInt8(ascii: "S") || second == UInt8(ascii: "F")
        case UInt8(ascii: "E"): return second == UInt8(ascii: "N") || second == UInt8(ascii: "X")
        default: return false
        }
    }

    /// Bytes of the value and its line end that follow a line.
    static func valueSize(behind line: ArraySlice<UInt8>) -> Int {
        guard line.first == UInt8(ascii: "V") else { return 0 }
        let words = String(decoding: line, as: UTF8.self).dropLast().split(
            separator: " ", omittingEmptySubsequences: false)
        return words.isEmpty ? 0 : valueLength(words).map { $0 + 2 } ?? 0
    }

    private static func valueLength(_ words: [Substring]) -> Int? {
        switch words[0] {
        case "VALUE": words.count >= 4 ? Int(words[3]) : nil
        case "VA": words.count >= 2 ? Int(words[1]) : nil
        default: nil
        }
    }

    private static func rewritten(_ words: [Substring], _ seen: inout SeenCas) -> [String] {
        var result = words.map(String.init)
        switch words[0] {
        case "VALUE":
            if words.count == 5 { result[4] = seen.place(words[4]) }
        case "HD", "VA", "EN", "NS", "EX", "NF":
            for index in 1..<max(1, words.count) { result[index] = token(words[index], &seen) }
        case "ME":
            for index in words.indices {
                if words[index].hasPrefix("la=") { result[index] = "*" }
                if words[index].hasPrefix("cas=") { result[index] = "cas=" + seen.place(words[index].dropFirst(4)) }
            }
        case "VERSION": result = ["VERSION"]
        default: break
        }
        return result
    }

    /// One token of a meta answer. Time since an access is not compared: memcached notes an access once a minute.
    private static func token(_ word: Substring, _ seen: inout SeenCas) -> String {
        let number = word.dropFirst()
        if word.hasPrefix("c"), UInt64(number) != nil { return "c" + seen.place(number) }
        if word.hasPrefix("l"), UInt64(number) != nil { return "l*" }
        return String(word)
    }
}
