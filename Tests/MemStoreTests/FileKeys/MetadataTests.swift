// The keys that show what is known of files: their exact texts, and who may read and write them.
import Testing

@testable import MemStore

@Suite("Metadata keys") struct MetadataTests {
    let store: TestStore
    init() throws { store = try TestStore { $0.hasMetadataKeys = true } }

    private func answer(_ path: String) -> String? { store.string("memfis://h" + path) }

    @Test("the attributes of a file, a directory and the root, sorted, with times in seconds")
    func attributes() throws {
        try store.makeDirectory("/d", mode: 0o755)
        try store.write("/d/a.css", "text")
        try store.change("/d/a.css") {
            $0.atime = .at(Timestamp(seconds: 1_318_459_921, nanoseconds: 250_000_000))
            $0.mtime = .at(Timestamp(seconds: 12, nanoseconds: 0))
        }
        let status = try store.stat("/d/a.css")
        let changed = MetadataText.seconds(status.ctime)
        #expect(
            answer("/d/a.css?attr") == """
                {
                 "st_atime": 1318459921.25,\u{20}
                 "st_ctime": \(changed),\u{20}
                 "st_gid": 1000,\u{20}
                 "st_ino": \(status.ino.rawValue),\u{20}
                 "st_mode": 33188,\u{20}
                 "st_mtime": 12.0,\u{20}
                 "st_nlink": 1,\u{20}
                 "st_size": 4,\u{20}
                 "st_uid": 1000
                }
                """)
        #expect(answer("/d?attr")?.contains("\"st_mode\": 16877") == true)
        #expect(answer("/?attr")?.contains("\"st_ino\": 1,") == true)
        #expect(answer("/none?attr") == nil && answer("/d/a.css/x?attr") == nil)
    }

    @Test("a directory's own key lists its names; with a slash it stays the key of its index file")
    func entries() throws {
        try store.makeDirectory("/d")
        try store.write("/d/a.css", "")
        try store.makeDirectory("/d/é \"\\")
        #expect(answer("/d") == "[\n \".\", \n \"..\", \n \"a.css\", \n \"\\u00e9 \\\"\\\\\"\n]")
        #expect(answer("/") == "[\n \".\", \n \"..\", \n \"d\"\n]")
        #expect(answer("/d/") == nil)
        try store.write("/index.html", "index")
        #expect(answer("/") == "index")
    }

    @Test("extended attributes in base64")
    func extended() throws {
        try store.write("/a", "text")
        #expect(answer("/a?xttr") == "{}")
        let ino = try store.ino("/a")
        for (name, value) in [("user.b", "a"), ("user.a", "ab"), ("user.c", "abc"), ("user.d", "")] {
            try Array(name.utf8).withBytes { (name) throws(StoreError) in
                try Array(value.utf8).withBytes { (value) throws(StoreError) in
                    try store.session.setExtendedAttribute(
                        name, of: ino, to: value, mustExist: false, mustNotExist: false)
                }
            }
        }
        #expect(
            answer("/a?xttr")
                == "{\n \"user.a\": \"YWI=\", \n \"user.b\": \"YQ==\", \n \"user.c\": \"YWJj\", \n \"user.d\": \"\"\n}")
    }

    @Test("inode numbers: the last one, how many are free again, and the path of each")
    func numbers() throws {
        try store.makeDirectory("/d")
        try store.write("/d/a", "")
        try store.write("/d/b", "")
        let number = try store.ino("/d/b").rawValue
        #expect(answer("/?cntr") == "\(number)" && answer("/?free") == "0")
        #expect(answer("/?node=00000001") == "/" && answer("/?node=0000000\(number)") == "/d/b")
        try store.unlink("/d/b")
        #expect(answer("/?cntr") == "\(number)" && answer("/?free") == "1")
        for wrong in ["0000000\(number)", "1", "000000001", "0000000x", "99999999", ""] {
            #expect(answer("/?node=\(wrong)") == nil)
        }
    }

    @Test("bytes that are no UTF-8, control characters and characters above 16 bits are escaped as Python did")
    func strings() {
        let bytes: [UInt8] = [0xff, 0x7f, 0x01, 0x09, 0x0a] + Array("😀".utf8) + [0xe2, 0x82]
        let text = bytes.withBytes { MetadataText.string($0) }
        #expect(
            String(decoding: text, as: UTF8.self) == "\"\\udcff\\u007f\\u0001\\t\\n\\ud83d\\ude00\\udce2\\udc82\"")
    }

    @Test("a real file of the name wins, and the port makes none")
    func readOnly() throws {
        try store.write("/a", "text")
        #expect(store.set("memfis://h/a?attr", "x").outcome == .permissionDenied)
        #expect(store.set("memfis://h/?cntr", "x").outcome == .permissionDenied)
        try store.write("/a?attr", "real")
        #expect(answer("/a?attr") == "real")
        #expect(store.set("memfis://h/a?attr", "x").outcome == .permissionDenied)
        #expect(store.set("memfis://h/new?x", "y").outcome == .done, "names that only look alike are files")
    }

    @Test("what the serving user may not see is a miss")
    func rights() throws {
        try store.makeDirectory("/closed", mode: 0o700)
        try store.makeDirectory("/unlisted", mode: 0o711)
        try store.write("/closed/a", "")
        try store.write("/unlisted/a", "")
        #expect(answer("/closed") == nil && answer("/closed/a?attr") == nil && answer("/closed?attr") != nil)
        #expect(answer("/unlisted") == nil && answer("/unlisted/a?attr") != nil)
        #expect(try answer("/?node=0000000\(store.ino("/closed/a").rawValue)") == nil)
    }

    @Test("without the option there are no such keys")
    func off() throws {
        let plain = try TestStore()
        try plain.write("/a", "text")
        for key in ["/a?attr", "/a?xttr", "/", "/?cntr", "/?free", "/?node=00000001"] {
            #expect(plain.get("memfis://h" + key) == nil)
        }
    }

    @Test("a text that is longer than an item may be is a miss")
    func bound() throws {
        let small = try TestStore {
            $0.hasMetadataKeys = true
            $0.itemSizeMaxBytes = 1024
        }
        try small.makeDirectory("/d")
        for number in 0..<200 { try small.write("/d/name\(number)", "") }
        #expect(small.string("memfis://h/d") == nil)
        #expect(small.string("memfis://h/") != nil)
    }
}
