// What items may take beyond a small limit: as much as memcached's size classes get, within a bound, and files never.
import Testing

@testable import MemStore

@Suite("Items beyond a small limit") struct AllowanceTests {
    /// Stores until the store is full many times over, with the housekeeper's look between.
    private func fill(
        _ store: TestStore, _ census: inout SizeClassCensus, sizes: [Int], prefix: String = "", bytes: Int = 60 << 20
    ) {
        var left = bytes
        var number = 0
        while left > 0 {
            let size = sizes[number % sizes.count]
            #expect(store.set("\(prefix)\(number)", [UInt8](repeating: 7, count: size)).outcome == .done)
            left -= size + 80
            number += 1
            if number % 200 == 0 { store.session.keepAllowance(&census) }
        }
    }

    /// One size in each of memcached's classes from the first up to `count` of them.
    private func oneOfEachClass(_ count: Int) -> [Int] { SlabClass.chunkSizes[..<count].map { max(1, $0 - 80) } }

    private func followLimit(_ store: TestStore) {
        while store.session.arena.isOverLimit, store.session.reclaim() {}
    }

    @Test("a page for each class, at most 16 MiB beyond the limit, and nothing where the pages fit")
    func rule() {
        func mebibytes(_ limitMiB: Int, _ classCount: Int) -> Int {
            ItemAllowance.bytes(limitBytes: limitMiB << 20, classCount: classCount) >> 20
        }
        #expect(mebibytes(6, 16) == 10)
        #expect(mebibytes(3, 1) == 0)
        #expect(mebibytes(3, 3) == 0)
        #expect(mebibytes(3, 4) == 1)
        #expect(mebibytes(1, 39) == 16)
        #expect(mebibytes(64, 39) == 0)
        #expect(ItemAllowance.limitBytesEnd == 39 << 20)
    }

    @Test("items of sixteen classes get 16 MiB of a limit of 6; those of one class stay within it")
    func classes() throws {
        let mixed = try TestStore(limitMiB: 6)
        var census = SizeClassCensus()
        fill(mixed, &census, sizes: oneOfEachClass(16))
        #expect(census.classCount == 16)
        let statistics = mixed.store.statistics()
        #expect(statistics.memoryLimitBytes == 6 << 20)
        #expect(statistics.memoryAllowanceBytes == 10 << 20)
        #expect(statistics.memoryUsedBytes <= 16 << 20)
        #expect(statistics.memoryUsedBytes > 15 << 20)
        mixed.session.checkInvariants()

        let one = try TestStore(limitMiB: 3)
        var other = SizeClassCensus()
        fill(one, &other, sizes: [66_000])
        #expect(one.store.statistics().memoryAllowanceBytes == 0)
        #expect(one.store.statistics().memoryUsedBytes <= 3 << 20)
        #expect(one.store.statistics().evictions > 0)
    }

    @Test("a store that is not full, a larger limit and one that evicts nothing get nothing")
    func withheld() throws {
        for (limitMiB, evicts, bytes) in [(20, true, 4 << 20), (40, true, 80 << 20), (6, false, 4 << 20)] {
            let store = try TestStore(limitMiB: limitMiB) { $0.evictsItems = evicts }
            var census = SizeClassCensus()
            fill(store, &census, sizes: oneOfEachClass(20), bytes: bytes)
            #expect(store.store.statistics().memoryAllowanceBytes == 0, "\(limitMiB) MiB")
            #expect(store.store.statistics().memoryUsedBytes <= limitMiB << 20)
        }
    }

    @Test("without eviction a set is refused at the limit whatever the sizes")
    func withoutEviction() throws {
        let store = try TestStore(limitMiB: 2) { $0.evictsItems = false }
        var census = SizeClassCensus()
        let sizes = oneOfEachClass(20)
        var number = 0
        while store.set("\(number)", [UInt8](repeating: 7, count: sizes[number % 20])).outcome == .done {
            number += 1
            if number % 50 == 0 { store.session.keepAllowance(&census) }
        }
        #expect(number > 300)
        #expect(store.store.statistics().memoryUsedBytes <= 2 << 20)
    }

    @Test("when the classes go the memory is given back, ten seconds later and no sooner")
    func givenBack() throws {
        let store = try TestStore(limitMiB: 6)
        var census = SizeClassCensus()
        fill(store, &census, sizes: oneOfEachClass(16))
        store.session.flushItems(at: nil)
        fill(store, &census, sizes: [500], prefix: "one class ")
        #expect(store.store.statistics().memoryAllowanceBytes == 10 << 20)
        for _ in 0..<3 {
            store.advance(seconds: 11)
            for _ in 0..<200 { store.session.keepAllowance(&census) }
        }
        followLimit(store)
        #expect(census.classCount == 1)
        #expect(store.store.statistics().memoryAllowanceBytes == 0)
        #expect(store.store.statistics().memoryUsedBytes <= 6 << 20)
        #expect(store.string("one class 1") == nil)
        store.session.checkInvariants()
    }

    @Test("a raised limit takes the place of the allowance, and a lowered one brings it back")
    func movingLimit() throws {
        let store = try TestStore(limitMiB: 6)
        var census = SizeClassCensus()
        fill(store, &census, sizes: oneOfEachClass(16))
        #expect(store.store.setMemoryLimit(bytes: 50 << 20))
        store.session.keepAllowance(&census)
        #expect(store.store.statistics().memoryAllowanceBytes == 0)
        #expect(store.store.setMemoryLimit(bytes: 4 << 20))
        for _ in 0..<20 { store.session.keepAllowance(&census) }
        #expect(store.store.statistics().memoryAllowanceBytes == 12 << 20)
        #expect(store.store.setMemoryLimit(bytes: 1 << 20))
        store.session.keepAllowance(&census)
        followLimit(store)
        #expect(store.store.statistics().memoryUsedBytes <= 16 << 20)
        store.session.checkInvariants()
    }

    @Test("files stay within the limit and are all there when the items that had more have gone")
    func files() throws {
        let store = try TestStore(limitMiB: 6)
        var census = SizeClassCensus()
        let page = [UInt8](repeating: UInt8(ascii: "p"), count: 5000)
        var count = 0
        fill(store, &census, sizes: oneOfEachClass(16))
        #expect(throws: StoreError.noSpace) {
            while count < 10_000 {
                try store.write("/f\(count)", page)
                count += 1
                if count % 50 == 0 { fill(store, &census, sizes: oneOfEachClass(16), bytes: 1 << 20) }
            }
        }
        #expect(count * 5000 > (6 << 20) * 8 / 10)
        #expect(store.session.fileBytes <= 6 << 20)
        #expect(store.set("memfis://h/port", page + page).outcome == .noMemory)
        let figures = store.session.filesystemStatistics()
        #expect(figures.blocks == 6 << 8)
        #expect(figures.blocksAvailable < 6 << 8 / 4)
        #expect(store.set("an item", page).outcome == .done)

        store.session.flushItems(at: nil)
        for _ in 0..<4 {
            store.advance(seconds: 11)
            store.session.keepAllowance(&census)
        }
        followLimit(store)
        #expect(store.store.statistics().memoryAllowanceBytes == 0)
        #expect(store.store.statistics().memoryUsedBytes <= 6 << 20)
        for number in 0..<count { try #require(store.get("memfis://h/f\(number)")?.value == page) }
        store.session.checkInvariants()
        store.check()
    }
}
