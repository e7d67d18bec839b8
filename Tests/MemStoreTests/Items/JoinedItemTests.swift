// append and prepend on items of many lengths: where the two values meet in a block is up to the clients.
import Testing

@testable import MemStore

@Suite("Joined items") struct JoinedItemTests {
    @Test(
        "two values are joined wherever they meet in a block, up to the largest item",
        arguments: [
            (6000, 600_000), (6000, 900_000), (7000, 500_000), (38_768, 600_000), (1, 1_000_000), (300_001, 700_001),
            (1000, 8191), (8193, 8191), (1 << 19, 1 << 18),
        ])
    func lengths(first: Int, second: Int) throws {
        for limitMiB in [64, 256] {
            let test = try TestStore(limitMiB: limitMiB)
            var random = SeededRandom(UInt64(first))
            let (old, new) = (random.bytes(first), random.bytes(second))
            for mode in [StoreMode.append, .prepend] {
                let joined = mode == .append ? old + new : new + old
                for step in [second, 20_000] {
                    test.set("k", old)
                    let command = StoreCommand(mode: mode)
                    let result =
                        step == second ? test.set("k", new, command) : test.setInPieces("k", new, step: step, command)
                    #expect(result.outcome == .done && result.size == joined.count)
                    #expect(test.get("k")?.value == joined)
                }
            }
            test.session.checkInvariants()
            #expect(test.delete("k").outcome == .done)
        }
    }
}
