// FlagsFuzzer: the flags of a meta command. A reading that succeeds must not depend on the order of flags without arguments, and
// must hold no letter twice.
import MemStore

@testable import MemProtoServer

enum FlagsFuzzer {
    static func run(_ input: Bytes) {
        let fields = Fields(input)
        guard fields.count >= 2 else { return }
        var refusal = Refusal.none
        let request = MetaRequest(fields, from: 2, refusal: &refusal)
        precondition((request == nil) == (refusal != .none), "a refusal has a reason, and nothing else has")
        guard let request else { return }
        precondition(fields.count <= Limit.metaFieldCountMax, "a long line is refused")
        let letters = (2..<fields.count).map { fields[$0][0] }
        precondition(Set(letters).count == letters.count, "a letter twice is refused")
        for index in 2..<fields.count {
            let argument = String(decoding: fields[index].array.dropFirst(), as: UTF8.self)
            switch fields[index][0] {
            case UInt8(ascii: "T"): precondition(request.newExptime == Int32(argument), "T is its number")
            case UInt8(ascii: "C"): precondition(request.compareCas == UInt64(argument), "C is its number")
            case UInt8(ascii: "F"): precondition(request.flags == UInt32(argument), "F is its number")
            default: break
            }
        }
    }
}
