import Testing

@testable import MemStore

@Suite("Items against a plain model") struct ItemModelTests {
    /// Random commands on few keys, compared with a dictionary after each. Without eviction every item must be there;
    /// with it an item may be missing, but never wrong.
    @Test("random commands agree with a dictionary", arguments: [(1, 64), (4, 64), (7, 2), (9, 3)])
    func random(seed: Int, limitMiB: Int) throws {
        let test = try TestStore(limitMiB: limitMiB)
        let mayEvict = limitMiB < 10
        var random = SeededRandom(UInt64(seed))
        var model: [String: [UInt8]] = [:]
        for step in 0..<12_000 {
            let key = "key-\(random.below(300))"
            let size = [0, 10, 100, 1000, 5000, 17_000, 60_000][random.below(7)]
            let value = random.bytes(size == 0 ? 0 : random.below(size))
            switch random.below(10) {
            case 0..<4:
                #expect(test.set(key, value).outcome == .done)
                model[key] = value
            case 4:
                let outcome = test.setInPieces(key, value, step: 700).outcome
                #expect(outcome == .done)
                model[key] = value
            case 5:
                let isThere = test.get(key) != nil
                #expect(test.set(key, value, StoreCommand(mode: .append)).outcome == (isThere ? .done : .notStored))
                model[key] = isThere ? model[key].map { $0 + value } : nil
            case 6:
                let isThere = test.get(key) != nil
                #expect(test.delete(key).outcome == (isThere ? .done : .notFound))
                if !mayEvict { #expect(isThere == (model[key] != nil)) }
                model[key] = nil
            default:
                let found = test.get(key)?.value
                if found == nil, mayEvict { model[key] = nil }
                #expect(found == model[key])
            }
            if step % 400 == 0 { test.session.checkInvariants() }
        }
        test.session.checkInvariants()
    }

    @Test("the index finds every key while it grows, and none that was deleted")
    func growth() throws {
        let test = try TestStore(limitMiB: 64)
        for index in 0..<60_000 { test.set("key-\(index)", "v\(index)") }
        test.session.checkInvariants()
        for index in stride(from: 0, to: 60_000, by: 2) { #expect(test.delete("key-\(index)").outcome == .done) }
        for index in 0..<60_000 { #expect(test.string("key-\(index)") == (index % 2 == 0 ? nil : "v\(index)")) }
        test.session.checkInvariants()
    }
}
