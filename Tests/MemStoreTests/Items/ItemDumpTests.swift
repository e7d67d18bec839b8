import Testing

@testable import MemStore

@Suite("Dumps") struct ItemDumpTests {
    @Test("a dump shows each item once, though the index grows meanwhile")
    func once() throws {
        let test = try TestStore(limitMiB: 64)
        for index in 0..<5000 { test.set("key-\(index)", "v") }
        test.set("gone", "v", StoreCommand(mode: .set, exptime: .immediately))
        var seen: [String: Int] = [:]
        var cursor = DumpCursor()
        var added = 0
        while !cursor.isAtEnd {
            test.session.dumpItems(&cursor, countMax: 50) { item in
                seen[String(decoding: item.key.array, as: UTF8.self), default: 0] += 1
            }
            for _ in 0..<200 where added < 20_000 {
                added += 1
                test.set("new-\(added)", "v")
            }
        }
        #expect((0..<5000).allSatisfy { seen["key-\($0)"] == 1 })
        #expect(seen.values.allSatisfy { $0 == 1 })
        #expect(seen["gone"] == nil)
    }
}
