// Extended attributes.
import Testing

@testable import MemStore

@Suite("Files: extended attributes") struct ExtendedAttributeTests {
    let store: TestStore
    let ino: Ino
    init() throws {
        store = try TestStore()
        ino = try store.makeNode("/f").ino
    }

    private func set(_ name: String, _ value: [UInt8], mustExist: Bool = false, mustNotExist: Bool = false) throws {
        try Array(name.utf8).withBytes { (name) throws(StoreError) in
            try value.withBytes { (value) throws(StoreError) in
                try store.session.setExtendedAttribute(
                    name, of: ino, to: value, mustExist: mustExist, mustNotExist: mustNotExist)
            }
        }
    }
    private func get(_ name: String, room: Int = 1 << 17) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: room)
        let length = try Array(name.utf8).withBytes { (name) throws in
            try unsafe buffer.withUnsafeMutableBytes {
                try unsafe store.session.getExtendedAttribute(name, of: ino, into: $0)
            }
        }
        return room == 0 ? [UInt8](repeating: 0, count: length) : Array(buffer[..<length])
    }
    private func list(room: Int = 1 << 17) throws -> [String] {
        var buffer = [UInt8](repeating: 0, count: room)
        let length = try unsafe buffer.withUnsafeMutableBytes {
            try unsafe store.session.listExtendedAttributes(of: ino, into: $0)
        }
        return buffer[..<min(length, room)].split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }
    private func remove(_ name: String) throws {
        try Array(name.utf8).withBytes { (name) throws(StoreError) in
            try store.session.removeExtendedAttribute(name, of: ino)
        }
    }

    @Test("attributes are set, replaced, listed and removed")
    func basics() throws {
        #expect(throws: StoreError.noAttribute) { try get("user.a") }
        #expect(try list().isEmpty)
        try set("user.a", Array("1".utf8))
        try set("security.capability", [0, 1, 2])
        try set("user.empty", [])
        try set("user.a", Array("longer".utf8))
        #expect(try get("user.a") == Array("longer".utf8) && get("user.empty").isEmpty)
        #expect(try Set(list()) == ["user.a", "security.capability", "user.empty"])
        try remove("user.a")
        #expect(throws: StoreError.noAttribute) { try get("user.a") }
        #expect(throws: StoreError.noAttribute) { try remove("user.a") }
        #expect(try get("security.capability") == [0, 1, 2])
    }

    @Test("XATTR_CREATE and XATTR_REPLACE are obeyed")
    func flags() throws {
        #expect(throws: StoreError.noAttribute) { try set("user.a", [1], mustExist: true) }
        try set("user.a", [1], mustNotExist: true)
        #expect(throws: StoreError.exists) { try set("user.a", [2], mustNotExist: true) }
        try set("user.a", [3], mustExist: true)
        #expect(try get("user.a") == [3])
    }

    @Test("an empty buffer asks for the length, a short one is ERANGE")
    func lengths() throws {
        try set("user.a", [1, 2, 3])
        #expect(try get("user.a", room: 0).count == 3)
        #expect(throws: StoreError.rangeTooSmall) { try get("user.a", room: 2) }
        #expect(throws: StoreError.rangeTooSmall) { try list(room: 3) }
    }

    @Test("names of 255 bytes and values of 64 KiB are the largest")
    func limits() throws {
        let name = "user." + String(repeating: "n", count: 250)
        try set(name, [UInt8](repeating: 7, count: 65_536))
        #expect(try get(name).count == 65_536)
        #expect(throws: StoreError.rangeTooSmall) { try set(name + "n", [1]) }
        #expect(throws: StoreError.attributeTooLarge) { try set("user.a", [UInt8](repeating: 7, count: 65_537)) }
    }

    @Test("memcached's flags and exptime of a file are attributes")
    func virtualAttributes() throws {
        try store.write("/f", "text")
        #expect(throws: StoreError.noAttribute) { try get("user.memcached.flags") }
        try set("user.memcached.flags", Array("5".utf8))
        #expect(store.get("memfis://h/f")?.view.flags == 5)
        #expect(try get("user.memcached.flags") == Array("5".utf8) && list() == ["user.memcached.flags"])
        #expect(throws: StoreError.invalid) { try set("user.memcached.flags", Array("x".utf8)) }
        #expect(throws: StoreError.invalid) { try set("user.memcached.flags", Array("4294967296".utf8)) }
        try set("user.memcached.exptime", Array("10".utf8))
        #expect(store.get("memfis://h/f")?.view.exptime.second == store.session.nowSecond + 10)
        let unix = store.clock.unixTime(of: store.session.nowSecond + 10)
        #expect(try get("user.memcached.exptime") == Array(String(unix).utf8))
        try remove("user.memcached.exptime")
        #expect(store.get("memfis://h/f")?.view.exptime == .never)
        store.check()
    }

    @Test("attributes go with their inode and stay with a new content")
    func lifetime() throws {
        try set("user.a", [1])
        try store.write("/f", "text")
        #expect(try get("user.a") == [1])
        try store.unlink("/f")
        #expect(throws: StoreError.stale) { try get("user.a") }
    }
}
