// The fuzzers' entry: libFuzzer calls it with bytes; MEMFIS_FUZZER in the environment says which fuzzer gets them.
import Glibc
import MemStore

@testable import MemProtoServer

/// The fuzzers there are.
enum Fuzzer: String {
    /// The rules of lines and numbers.
    case parser
    /// The flags of the meta commands.
    case flags
    /// A whole connection with a store behind it.
    case connection
    /// The parser with a planted fault, which has to be found: whoever sees no finding here would see none elsewhere.
    case canary

    static let chosen: Fuzzer = {
        guard let text = unsafe getenv("MEMFIS_FUZZER"), let fuzzer = Fuzzer(rawValue: unsafe String(cString: text))
        else { preconditionFailure("MEMFIS_FUZZER is parser, flags, connection or canary") }
        return fuzzer
    }()
}

/// Source: libFuzzer's interface.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = unsafe Bytes(start, count: count)
    switch Fuzzer.chosen {
    case .parser: ParserFuzzer.run(input, hasFault: false)
    case .flags: FlagsFuzzer.run(input)
    case .connection: ConnectionFuzzer.shared.run(input)
    case .canary: ParserFuzzer.run(input, hasFault: true)
    }
    return 0
}
