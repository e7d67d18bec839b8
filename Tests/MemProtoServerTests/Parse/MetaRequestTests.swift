// The flags of meta commands: what each takes, and which complaint comes first.
import MemStore
import Testing

@testable import MemProtoServer

@Suite struct MetaRequestTests {
    /// The request, or why it is refused, of what follows a key.
    private func parse(_ flags: String) -> (MetaRequest?, Refusal) {
        Array("mg key \(flags)".utf8).withBytes { line in
            var refusal = Refusal.none
            let request = MetaRequest(Fields(line), from: 2, refusal: &refusal)
            return (request, refusal)
        }
    }

    @Test("numbers are taken with their signs and at their limits")
    func numbers() throws {
        let request = try #require(parse("T-1 N2147483647 R-2147483648 C18446744073709551615 E0 F4294967295 J7 D9").0)
        #expect(request.newExptime == -1 && request.vivify == .max && request.recache == .min)
        #expect(request.compareCas == .max && request.newCas == 0 && request.flags == .max)
        #expect(request.initial == 7 && request.delta == 9)
        #expect(request.has("T") && !request.has("t") && !request.isQuiet)
    }

    @Test("a mode is its first letter, or none")
    func mode() {
        #expect(
            parse("Mappend").0?.mode == UInt8(ascii: "a") && parse("M").0?.mode == 0 && parse("v").0?.mode == .some(nil)
        )
    }

    @Test(
        "what is wrong is said of the first word that is",
        arguments: [
            ("T", .metaBadToken), ("Tx", .metaBadToken), ("T2147483648", .metaBadToken), ("C-1", .metaBadToken),
            ("F4294967296", .badFormat), ("J-1", .metaBadInitial), ("Dx", .metaBadDelta), ("v v", .metaDuplicate),
            ("a", .metaInvalidFlag), ("0", .metaInvalidFlag), ("9v", .metaInvalidFlag), ("!", .badFormat),
            ("{", .badFormat),
            ("Tx v v", .metaBadToken), ("v v Tx", .metaDuplicate),
        ] as [(String, Refusal)])
    func refusals(flags: String, refusal: Refusal) {
        let result = parse(flags)
        #expect(result.0 == nil && result.1 == refusal)
    }

    @Test("an opaque may be as long as its limit, with its letter")
    func opaque() {
        let longest = "O" + String(repeating: "x", count: Limit.opaqueLengthMax - 1)
        #expect(parse(longest).0?.isOpaqueTooLong == false && parse(longest + "x").0?.isOpaqueTooLong == true)
    }

    @Test("more words than a line may have are refused, whatever they are")
    func words() {
        let letters = "bcfhklqstuvxILP".map(String.init).joined(separator: " ")
        #expect(parse(letters).0 != nil)
        #expect(parse(letters + " T1 N1 R1 C1 E1 F1 J1 D1").1 == .metaTooManyFields)
    }
}
