// The short ways of the commonest commands: they do what the general ones do, or leave it to them.
import Testing

@testable import MemStore

@Suite("Items the short way") struct QuickItemTests {
    @Test("a small item is shown with its flags and cas, a missing one is a miss")
    func quickGet() throws {
        let test = try TestStore()
        test.set("k", Array("value".utf8), StoreCommand(mode: .set, flags: 7))
        let found = try #require(test.quickGet("k"))
        #expect(found.value == Array("value".utf8) && found.flags == 7)
        let general = try #require(test.get("k"))
        #expect(found.cas == general.view.cas)
        #expect(general.view.wasFetched)
        #expect(try #require(test.quickGet("none")).value == nil)
        test.set("empty", "")
        #expect(try #require(test.quickGet("empty")).value == [])
    }

    @Test("large values and files are left to the general way, an expired item is a miss")
    func notQuick() throws {
        let test = try TestStore(limitMiB: 64)
        test.set("large", [UInt8](repeating: 1, count: 100_000))
        #expect(test.quickGet("large") == nil)
        #expect(test.quickGet("memfis://h/none") == nil)
        test.set("k", Array("x".utf8), StoreCommand(mode: .set, exptime: Exptime(second: test.session.nowSecond + 2)))
        #expect(test.quickGet("k") != nil)
        test.advance(seconds: 3)
        #expect(try #require(test.quickGet("k")).value == nil)
        #expect(test.get("k") == nil)
        test.session.checkInvariants()
    }

    @Test("a value that fits takes the place of the old one: new bytes, flags, expiry and cas, no marks, no memory")
    func overwrite() throws {
        let test = try TestStore()
        let soon = Exptime(second: test.session.nowSecond + 5)
        test.set("k", Array("0123456789".utf8), StoreCommand(mode: .set, flags: 1, exptime: soon))
        let before = try #require(test.get("k"))
        let later = Exptime(second: test.session.nowSecond + 50)
        let bytes = test.store.statistics().itemBytes
        #expect(test.overwrite("k", Array("abcdefgh".utf8), flags: 2, exptime: later))
        #expect(test.store.statistics().itemBytes == bytes - 2)
        var options = GetOptions()
        options.countsAccess = false
        let after = try #require(test.get("k", options))
        #expect(after.value == Array("abcdefgh".utf8))
        #expect(after.view.flags == 2 && after.view.exptime == later && after.view.cas > before.view.cas)
        #expect(!after.view.wasFetched)
        test.session.checkInvariants()
        test.advance(seconds: 6)
        #expect(test.get("k") != nil)
        test.advance(seconds: 50)
        #expect(test.get("k") == nil)
        test.session.checkInvariants()
    }

    @Test("what needs a record of another form is left to the general way, and changes nothing")
    func notOverwritten() throws {
        let test = try TestStore(limitMiB: 64)
        let value = Array("0123456789".utf8)
        let soon = Exptime(second: test.session.nowSecond + 2)
        #expect(!test.overwrite("none", value))
        test.set("k", value)
        let cas = try #require(test.get("k")).view.cas
        #expect(!test.overwrite("k", value, flags: 1))
        #expect(!test.overwrite("k", value, exptime: soon))
        #expect(!test.overwrite("k", value + value))
        #expect(!test.overwrite("k", [UInt8](repeating: 1, count: 70_000)))
        #expect(!test.overwrite("memfis://h/none", value))
        #expect(try #require(test.get("k")).view.cas == cas)
        test.set("large", [UInt8](repeating: 1, count: 70_000))
        #expect(!test.overwrite("large", value))
        test.set("soon", value, StoreCommand(mode: .set, exptime: soon))
        test.advance(seconds: 3)
        #expect(!test.overwrite("soon", value, exptime: Exptime(second: test.session.nowSecond + 9)))
        var own = StoreCommand(mode: .set)
        own.newCas = 1 << 40
        test.set("wide", value, own)
        #expect(!test.overwrite("wide", value))
        test.session.checkInvariants()
    }
}
