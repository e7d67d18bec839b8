// From files to keys: the canonical key of an inode, and the walk through all of them.
import Testing

@testable import MemStore

@Suite("Keys of files") struct FileDumpTests {
    private func served(_ configure: (inout StoreConfiguration) -> Void = { _ in }) throws -> TestStore {
        let store = try TestStore {
            $0.servingUser = ServingUser(uid: 1000, gid: 1000, groups: [])
            configure(&$0)
        }
        try store.change("/") { $0.mode = 0o777 }
        return store
    }
    private func key(_ store: TestStore, _ path: String) throws -> String? {
        store.session.key(of: try store.ino(path)).map { String(decoding: $0, as: UTF8.self) }
    }
    private func dump(_ store: TestStore, countMax: Int) -> [String] {
        var cursor = FileDumpCursor()
        var keys: [String] = []
        while !cursor.isAtEnd {
            var count = 0
            store.session.dumpFiles(&cursor, countMax: countMax) {
                keys.append(String(decoding: $0.key.array, as: UTF8.self))
                count += 1
            }
            #expect(count <= countMax)
        }
        return keys
    }

    @Test("a key is the prefix and the path, escaped, and follows renames")
    func keys() throws {
        let store = try served()
        try store.makeDirectory("/a b")
        try store.write("/a b/100%\t\u{e9}", "x")
        #expect(try key(store, "/a b/100%\t\u{e9}") == "memfis://h/a%20b/100%25%09\u{e9}")
        try store.makeDirectory("/c")
        try store.rename("/a b/100%\t\u{e9}", to: "/c/d")
        #expect(try key(store, "/c/d") == "memfis://h/c/d")
        try store.link("/c/d", as: "/e")
        try store.unlink("/c/d")
        #expect(try key(store, "/e") == "memfis://h/e")
    }

    @Test("an unlinked file, a path over 4096 bytes and a directory the user may not search have no key")
    func noKey() throws {
        let store = try served()
        try store.write("/gone", "x")
        let gone = try store.ino("/gone")
        try store.session.openFile(gone)
        try store.unlink("/gone")
        #expect(store.session.key(of: gone) == nil)
        store.session.releaseFile(gone)
        let name = String(repeating: "n", count: 255)
        var path = ""
        for _ in 0..<16 {
            path += "/" + name
            try store.makeDirectory(path)
        }
        try store.write(path + "/x", "x")
        #expect(try key(store, path + "/x") == nil)
        try store.makeDirectory("/closed", mode: 0o600)
        try store.write("/closed/f", "x")
        #expect(try key(store, "/closed/f") == nil)
        #expect(dump(store, countMax: 10).isEmpty)
    }

    @Test("names below a directory that the user may search but not list are not told, at any depth")
    func unlistable() throws {
        let store = try served()
        for (path, mode) in [("/open", UInt32(0o755)), ("/open/hidden", 0o711), ("/open/hidden/open", 0o755)] {
            try store.makeDirectory(path, mode: mode, caller: Caller(uid: 0, gid: 0))
        }
        for path in ["/open/page", "/open/hidden/page", "/open/hidden/open/page"] { try store.write(path, "x") }
        #expect(dump(store, countMax: 10) == ["memfis://h/open/page"])
        #expect(try key(store, "/open/hidden/open/page") == nil)
        // Who knows the name gets the page.
        #expect(store.page("/open/hidden/open/page") == "x")
    }

    @Test("the prefix of the deepest directory names a file; one that another prefix hides is not taken")
    func prefixes() throws {
        let store = try served {
            $0.prefixes = [
                KeyPrefix(prefix: Array("all".utf8), directory: Array("/".utf8)),
                KeyPrefix(prefix: Array("host-a".utf8), directory: Array("/a".utf8)),
                KeyPrefix(prefix: Array("host-b".utf8), directory: Array("/b".utf8)),
                KeyPrefix(prefix: Array("host-b/c".utf8), directory: Array("/d".utf8)),
            ]
        }
        for directory in ["/a", "/b", "/b/c", "/d"] { try store.makeDirectory(directory) }
        for file in ["/f", "/a/f", "/b/f", "/b/c/f", "/d/f"] { try store.write(file, file) }
        #expect(try key(store, "/f") == "all/f")
        #expect(try key(store, "/a/f") == "host-a/f")
        #expect(try key(store, "/b/f") == "host-b/f")
        #expect(try key(store, "/b/c/f") == "all/b/c/f")
        #expect(try key(store, "/d/f") == "host-b/c/f")
        for file in ["/f", "/a/f", "/b/f", "/b/c/f", "/d/f"] {
            #expect(store.string(try key(store, file) ?? "") == file)
        }
    }

    @Test("a dump shows each served file once, in slices of any size, and nothing that a get would miss")
    func dumps() throws {
        let store = try served()
        var expected: Set<String> = []
        for directory in 0..<5 {
            try store.makeDirectory("/d\(directory)")
            for file in 0..<40 {
                try store.write("/d\(directory)/f\(file)", "x")
                expected.insert("memfis://h/d\(directory)/f\(file)")
            }
        }
        try store.makeNode("/new")
        try store.makeNode("/secret", mode: 0o100600, caller: Caller(uid: 7, gid: 7))
        store.session.publish(try store.ino("/secret"))
        try store.makeSymlink("/link", to: "d0/f0")
        store.set(
            "memfis://h/brief", "x", StoreCommand(mode: .set, exptime: Exptime(second: store.session.nowSecond + 5)))
        store.set("item", "x")
        #expect(Set(dump(store, countMax: 1000)) == expected.union(["memfis://h/brief"]))
        store.advance(seconds: 10)
        for countMax in [1, 7, 1000] {
            let keys = dump(store, countMax: countMax)
            #expect(keys.count == expected.count)
            #expect(Set(keys) == expected)
        }
        for file in 0..<40 { try store.unlink("/d3/f\(file)") }
        #expect(dump(store, countMax: 16).count == 160)
    }

    @Test("what a dump tells of a file is what a get shows")
    func fields() throws {
        let store = try served()
        store.set("memfis://h/f", "value", StoreCommand(mode: .set, flags: 9))
        var shown: [(length: Int, flags: UInt32, cas: UInt64, fetched: Bool)] = []
        for _ in 0..<2 {
            var cursor = FileDumpCursor()
            store.session.dumpFiles(&cursor, countMax: 10) {
                shown.append(($0.valueLength, $0.flags, $0.cas, $0.wasFetched))
            }
            _ = store.get("memfis://h/f")
        }
        #expect(shown.map(\.length) == [5, 5])
        #expect(shown.map(\.flags) == [9, 9])
        #expect(shown.map(\.cas) == [store.get("memfis://h/f")?.view.cas, store.get("memfis://h/f")?.view.cas])
        #expect(shown.map(\.fetched) == [false, true])
    }
}
