// HostTextTests: names of the host that are not UTF-8 come back as the bytes that they were.
import MemStore
import Testing

@Suite struct HostTextTests {
    @Test("valid text is itself")
    func valid() {
        for text in ["", "/srv/site", "/srv/M\u{f6}we \u{1f985}", "e\u{301}"] {
            #expect(String(hostBytes: Array(text.utf8)) == text && text.hostBytes == Array(text.utf8))
        }
        #expect("a".hostPath == [97, 0])
    }

    @Test(
        "bytes that are no UTF-8 come back, also beside valid ones and cut in the middle of a character",
        arguments: [
            [0xff], [0x2f, 0x70, 0x72, 0xe9], [0xc3], [0xc3, 0xa9, 0xc3], [0xf0, 0x9f, 0xa6], [0xc0, 0xaf],
            [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x80, 0xc3, 0xa9, 0x80],
            // The scalars that stand for bytes, spelled out.
            [0xf4, 0x8f, 0xba, 0x80], [0xf4, 0x8f, 0xbb, 0xbf, 0x41],
        ] as [[UInt8]])
    func invalid(bytes: [UInt8]) {
        let text = String(hostBytes: bytes)
        #expect(text.hostBytes == bytes)
        #expect(String(hostBytes: Array("/a/".utf8) + bytes + Array("/b".utf8)).hasSuffix("/b"))
    }

    @Test("each two bytes come back")
    func pairs() {
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                #expect(String(hostBytes: [first, second]).hostBytes == [first, second])
            }
        }
    }
}
