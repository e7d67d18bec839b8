// Numbers, words and names as clients write them.
import MemStore
import Testing

@testable import MemNet
@testable import MemProtoServer

/// Runs `body` with the text's bytes.
func withText<R>(_ text: String, _ body: (Bytes) -> R) -> R { Array(text.utf8).withBytes { body($0) } }

@Suite struct NumberTests {
    @Test("64-bit numbers are digits alone, up to 2^64 - 1")
    func unsigned64() {
        for (text, number) in [
            ("0", 0), ("7", 7), ("007", 7), ("18446744073709551615", UInt64.max),
            ("0018446744073709551615", UInt64.max),
        ] { #expect(withText(text, Number.unsigned64) == number) }
        for text in [
            "", "-1", "+1", "1a", " 1", "18446744073709551616", "99999999999999999999", "00018446744073709551615",
        ] {
            #expect(withText(text, Number.unsigned64) == nil)
        }
    }

    @Test("signed 32-bit numbers have at most 11 characters and stay in their range")
    func signed32() {
        for (text, number) in [
            ("0", 0), ("-1", -1), ("2147483647", Int32.max), ("-2147483648", Int32.min), ("00000000005", 5),
        ] { #expect(withText(text, Number.signed32) == number) }
        for text in ["", "-", "+1", "2147483648", "-2147483649", "000000000005", "1.5", "--1"] {
            #expect(withText(text, Number.signed32) == nil)
        }
    }

    @Test("long numbers take a sign and 64 bits")
    func signedLong() {
        for (text, number) in [
            ("4294967301", 4_294_967_301), ("-1", -1), ("+5", 5), ("-9223372036854775808", Int64.min),
            ("9223372036854775807", Int64.max),
        ] { #expect(withText(text, Number.signedLong) == number) }
        for text in ["", "+", "-", "9223372036854775808", "-9223372036854775809", "1-"] {
            #expect(withText(text, Number.signedLong) == nil)
        }
    }

    @Test("flags take a plus but no minus")
    func unsignedLong() {
        #expect(withText("+7", Number.unsignedLong) == 7)
        #expect(withText("4294967296", Number.unsignedLong) == 1 << 32)
        for text in ["", "+", "-1", "18446744073709551616"] { #expect(withText(text, Number.unsignedLong) == nil) }
    }
}

@Suite struct FindingTests {
    @Test("a byte is found at every place of bytes of every length, and not outside of them")
    func everyPlace() {
        for count in 0...150 {
            var bytes = [UInt8](repeating: 0x61, count: count + 2)
            bytes[0] = 0x20
            bytes[count + 1] = 0x20
            for place in -1..<count {
                if place >= 0 { bytes[place + 1] = 0x20 }
                bytes.withBytes { all in
                    let part = all[1..<count + 1]
                    #expect(part.index(of: 0x20, from: 0) == place)
                    if place >= 0 {
                        #expect(part.index(of: 0x20, from: place) == place)
                        #expect(part.index(of: 0x20, from: place + 1) == -1)
                    }
                }
                if place >= 0 { bytes[place + 1] = 0x61 }
            }
        }
    }

    @Test("the first key of an input is told when it begins as most do")
    func firstKey() {
        for (text, key) in [
            ("get key\r\n", "key"), ("get some_longer_key_of_a_client\r\nget b\r\n", "some_longer_key_of_a_client"),
            ("set key 0 0 1\r\n", "key"), ("get a\rb\r\n", "a"),
        ] { #expect(withText(text, { RequestParser.firstKey($0)?.text }) == key) }
        for text in ["get k", "get \r\nabc", "gets key\r\n", "delete key\r\n", "set  0 0 1\r\n", "get key\n12345"] {
            #expect(withText(text, { RequestParser.firstKey($0)?.text }) == nil)
        }
    }
}

@Suite struct FieldsTests {
    private func words(_ line: String) -> [String] {
        withText(line) { bytes in
            let fields = Fields(bytes)
            return (0..<fields.count).map { fields[$0].text }
        }
    }

    @Test("spaces separate words, and only spaces")
    func spaces() {
        #expect(words("get  a   b ") == ["get", "a", "b"])
        #expect(words("get a\tb\u{7f}") == ["get", "a\tb\u{7f}"])
        #expect(words("") == [])
        #expect(words("   ") == [])
    }

    @Test("23 words are looked at, and a noreply behind them is not seen")
    func bound() {
        let many = (0..<22).map { "w\($0)" }.joined(separator: " ")
        #expect(words(many + " noreply").count == 23)
        #expect(withText(many + " noreply") { Fields($0).endsWithNoreply })
        #expect(words(many + " x noreply").count == 23)
        #expect(withText(many + " x noreply") { Fields($0).isCut && !Fields($0).endsWithNoreply })
    }

    @Test("noreply counts only as the last word behind a command")
    func noreply() {
        #expect(withText("set a 0 0 1 noreply") { Fields($0).endsWithNoreply })
        #expect(!withText("set a 0 0 1 noreply x") { Fields($0).endsWithNoreply })
        #expect(!withText("noreply") { Fields($0).endsWithNoreply })
        #expect(!withText("set a noreply1") { Fields($0).endsWithNoreply })
    }
}

@Suite struct KeywordTests {
    @Test("every command's number is its name", arguments: Keyword.allCases)
    func packed(keyword: Keyword) {
        #expect(withText("\(keyword)") { $0.packedWord } == keyword.rawValue)
        #expect(withText("\(keyword)") { Keyword($0) } == keyword)
    }

    @Test("names are exact: case, length and NUL bytes count")
    func exact() {
        for text in ["GET", "Get", "ge", "getx", "get\0", "\0", "", "prependx", "flush_all"] {
            #expect(withText(text) { Keyword($0) } == nil)
        }
        #expect(withText("flush_all") { LongKeyword($0) } == .flushAll)
        #expect(withText("flush_al") { LongKeyword($0) } == nil)
    }
}

@Suite struct Base64Tests {
    @Test("decoding takes padded text of the standard alphabet alone")
    func decode() {
        var scratch = KeyScratch()
        for (text, bytes) in [("Zm9v", "foo"), ("Zm8=", "fo"), ("Zg==", "f"), ("Zm9vYmFy", "foobar")] {
            let decoded = withText(text) { scratch.decode($0)?.text }
            #expect(decoded == bytes)
        }
        for text in ["", "Z", "Zm9", "Zm9v=", "Z===", "====", "Zm=v", "Zm9-", "Zm 9"] {
            let decoded = withText(text) { scratch.decode($0)?.text }
            #expect(decoded == nil)
        }
    }

    @Test("encoding undoes decoding for all lengths")
    func encode() {
        var scratch = KeyScratch()
        for count in 1...180 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
            var output = OutputBuffer(capacity: 16)
            bytes.withBytes { output.write(base64: $0) }
            let decoded = scratch.decode(output.unsent)?.array
            #expect(decoded == bytes)
        }
    }
}

@Suite struct SlabClassTests {
    @Test("an item of one byte has the total and class that memcached shows")
    func small() {
        let total = ItemSize.bytes(keyLength: 1, flags: 0, valueLength: 1, hasCas: true)
        #expect(total == 61)
        #expect(SlabClass.number(ofTotal: total) == 1)
        #expect(ItemSize.bytes(keyLength: 1, flags: 5, valueLength: 1, hasCas: true) == 65)
        #expect(ItemSize.bytes(keyLength: 1, flags: 0, valueLength: 1, hasCas: false) == 53)
    }

    @Test("classes grow by a quarter, rounded up to eight")
    func growth() {
        for (total, number) in [(96, 1), (97, 2), (120, 2), (121, 3), (152, 3), (153, 4), (66560 + 60, 31)] {
            #expect(SlabClass.number(ofTotal: total) == number)
        }
    }
}

@Suite struct ListenAddressTests {
    @Test("hosts and ports are told apart")
    func words() {
        let word = ListenAddress.Word.init
        #expect(word("127.0.0.1")?.host == "127.0.0.1")
        #expect(word("127.0.0.1")?.port == nil)
        #expect(word("example:81")?.port == 81)
        #expect(word("[::1]:81")?.host == "::1")
        #expect(word("[::1]:81")?.port == 81)
        #expect(word("::1")?.host == "::1")
        #expect(word("*:81")?.host == nil)
        #expect(word(":81")?.port == 81)
        #expect(word("proto[ascii]:127.0.0.1:81")?.host == "127.0.0.1")
        for text in ["", ":", "a:b", "[::1", "[::1]x", "a:65536"] { #expect(word(text) == nil) }
    }
}
