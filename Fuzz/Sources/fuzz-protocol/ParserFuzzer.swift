// ParserFuzzer: the pure rules against a second, plain reading of the same bytes.
import MemStore

@testable import MemProtoServer

enum ParserFuzzer {
    /// - Parameter hasFault: a line with certain numbers is taken for a fault.
    static func run(_ input: Bytes, hasFault: Bool) {
        let line = RequestParser.withoutReturn(input)
        let fields = Fields(line)
        checkWords(line, fields)
        for index in 0..<fields.count { checkNumbers(fields[index]) }
        for isCas in [false, true] {
            for isKey in [false, true] where fields.count > 0 {
                checkStorage(RequestParser.storage(fields, mode: .set, isCas: isCas, isKey: isKey), fields)
            }
        }
        if hasFault, fields.count > 0,
            case .request(let request) = RequestParser.storage(fields, mode: .set, isCas: false, isKey: true)
        {
            precondition(request.flags != 77 || request.length != 5, "the planted fault was met")
        }
        _ = RequestParser.isOpenEndedGet(line)
        if let key = RequestParser.key(ofBeginning: line) { precondition(!key.isEmpty, "a key has bytes") }
    }

    /// The words are what lies between spaces.
    private static func checkWords(_ line: Bytes, _ fields: Fields) {
        let words = line.array.split(separator: 0x20)
        precondition(fields.count == min(words.count, Fields.countMax), "all words are found")
        precondition(fields.isCut == (words.count > Fields.countMax), "further words are noticed")
        precondition(RequestParser.wordCount(line) == words.count, "words are counted")
        for index in 0..<fields.count { precondition(fields[index].array == Array(words[index]), "a word is whole") }
    }

    /// A number that is taken is the one that Swift reads.
    private static func checkNumbers(_ word: Bytes) {
        let text = String(decoding: word.array, as: UTF8.self)
        let isDigits = word.array.allSatisfy { (0x30...0x39).contains($0) }
        if let number = Number.unsigned64(word) {
            precondition(isDigits && UInt64(text) == number, "an unsigned number is its digits")
        } else {
            precondition(!isDigits || word.isEmpty || word.count > 22 || UInt64(text) == nil, "a number is refused")
        }
        if let number = Number.unsigned32(word) { precondition(UInt32(text) == number, "32 bits are its digits") }
        if let number = Number.signed32(word) { precondition(Int32(text) == number, "a signed number is its digits") }
    }

    private static func checkStorage(_ line: StorageLine, _ fields: Fields) {
        switch line {
        case .request(let request):
            precondition((0...RequestParser.valueLengthMax).contains(request.length), "a length is in its bounds")
            precondition(request.key.array == fields[1].array, "the key is the second word")
        case .malformed(let length, _):
            precondition((0...RequestParser.valueLengthMax).contains(length), "what is swallowed is in its bounds")
        case .unreadable: break
        }
    }
}
