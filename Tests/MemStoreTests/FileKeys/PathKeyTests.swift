// Keys and the paths that they name.
import Testing

@testable import MemStore

@Suite("Paths: keys") struct PathKeyTests {
    private func unescape(_ key: String) -> [UInt8]? {
        Array(key.utf8).withBytes { key in
            var buffer = [UInt8](repeating: 0, count: 16_384)
            guard
                let length = unsafe buffer.withUnsafeMutableBufferPointer({
                    unsafe PathKey.unescape(key, into: $0.baseAddress!)
                })
            else { return nil }
            return Array(buffer[..<length])
        }
    }
    private func escape(_ path: [UInt8]) -> String {
        path.withBytes { path in
            var buffer = [UInt8](repeating: 0, count: 3 * path.count + 1)
            let length = unsafe buffer.withUnsafeMutableBufferPointer {
                unsafe PathKey.escape(path, into: $0.baseAddress!)
            }
            return String(decoding: buffer[..<length], as: UTF8.self)
        }
    }
    private func isNameable(_ path: String) -> Bool { Array(path.utf8).withBytes { PathKey.isNameable($0) } }

    @Test("bytes up to 0x20 and the percent sign are escaped in capital hex, all others stand raw")
    func escapes() {
        #expect(escape(Array("/a b%c".utf8)) == "/a%20b%25c")
        #expect(escape([0x00, 0x1f, 0x7f, UInt8(ascii: "?"), UInt8(ascii: "\"")]) == "%00%1F\u{7f}?\"")
        #expect(escape(Array("/ü#".utf8)) == "/ü#")
    }

    @Test("an escape is read in either case of hex, and only where it stands for an escaped byte")
    func unescapes() {
        #expect(unescape("/a%20b%25c") == Array("/a b%c".utf8))
        #expect(unescape("%1f%1F") == [0x1f, 0x1f])
        #expect(unescape("%2F%41%7f") == Array("%2F%41%7f".utf8))
        #expect(unescape("%2520") == Array("%20".utf8))
        #expect(unescape("%") == Array("%".utf8) && unescape("%2") == Array("%2".utf8))
        #expect(unescape("100%%20") == Array("100% ".utf8))
    }

    @Test("every path survives escaping and reading back")
    func roundTrip() {
        var random = SeededRandom(7)
        for _ in 0..<2000 {
            let path = random.bytes(random.below(40))
            #expect(unescape(escape(path)).map { $0 == path } == true || escape(path).utf8.contains(0xEF))
        }
    }

    @Test("a path of 4096 bytes is read, a longer one is none")
    func lengths() {
        #expect(unescape(String(repeating: "%20", count: 4096))?.count == 4096)
        #expect(unescape(String(repeating: "a", count: 4097)) == nil)
    }

    @Test("empty components, dots, NULs and long components name no file; a slash at the end names a directory")
    func nameable() {
        for path in ["/a", "/a/b", "/a/", "/", "/...", "/.a", "/" + String(repeating: "n", count: 255)] {
            #expect(isNameable(path), "\(path)")
        }
        let long = "/" + String(repeating: "n", count: 256)
        for path in ["", "a", "//", "/a//b", "/.", "/..", "/a/./b", "/a/../b", "/a/..", "/a\0", long, long + "/x"] {
            #expect(!isNameable(path), "\(path)")
        }
    }

    @Test("the longest prefix with a slash behind it wins")
    func prefixes() {
        var configuration = StoreConfiguration()
        configuration.prefixes = ["p://a", "p://a/b", ""].map {
            KeyPrefix(prefix: Array($0.utf8), directory: Array("/".utf8))
        }
        let rules = ServingRules(configuration)
        defer { rules.destroy() }
        func length(_ key: String) -> Int? {
            Array(key.utf8).withBytes { PathKey.prefix(of: $0, in: rules).map { rules.prefixes[$0].count } }
        }
        #expect(length("p://a/x") == 5 && length("p://a/b/x") == 7 && length("p://a/bc") == 5)
        #expect(length("/x") == 0 && length("p://ab") == nil && length("p://a") == nil && length("") == nil)
    }
}
