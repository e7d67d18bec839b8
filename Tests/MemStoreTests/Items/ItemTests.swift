import Testing

@testable import MemStore

@Suite("Cache items") struct ItemTests {
    @Test(
        "a stored value comes back with its flags, whatever its size",
        arguments: [0, 1, 100, 4095, 16_384, 16_385, 70_000, 900_000])
    func roundTrip(size: Int) throws {
        let test = try TestStore(limitMiB: 64)
        var random = SeededRandom(1)
        let value = random.bytes(size)
        var command = StoreCommand(mode: .set)
        command.flags = 77
        #expect(test.set("k", value, command).outcome == .done)
        let found = try #require(test.get("k"))
        #expect(found.value == value)
        #expect(found.view.flags == 77)
        #expect(test.setInPieces("p", value, step: 1000, command).outcome == .done)
        #expect(try #require(test.get("p")).value == value)
        test.session.checkInvariants()
        #expect(test.delete("k").outcome == .done)
        #expect(test.get("k") == nil)
        test.session.checkInvariants()
    }

    @Test("add, replace, append, prepend and cas obey what is there")
    func modes() throws {
        let test = try TestStore()
        #expect(test.set("k", "x", StoreCommand(mode: .replace)).outcome == .notStored)
        #expect(test.set("k", "x", StoreCommand(mode: .append)).outcome == .notStored)
        #expect(test.set("k", "b", StoreCommand(mode: .add)).outcome == .done)
        #expect(test.set("k", "b", StoreCommand(mode: .add)).outcome == .notStored)
        #expect(test.set("k", "c", StoreCommand(mode: .append)).outcome == .done)
        #expect(test.set("k", "a", StoreCommand(mode: .prepend)).outcome == .done)
        #expect(test.string("k") == "abc")
        let cas = try #require(test.get("k")).view.cas
        #expect(test.set("k", "no", StoreCommand(mode: .set, compareCas: cas + 1)).outcome == .exists)
        #expect(test.set("k", "yes", StoreCommand(mode: .set, compareCas: cas)).outcome == .done)
        #expect(test.set("none", "no", StoreCommand(mode: .set, compareCas: cas)).outcome == .notFound)
        #expect(test.string("k") == "yes")
    }

    @Test("append and prepend grow from an inline value to a content and on")
    func growingJoin() throws {
        let test = try TestStore(limitMiB: 64)
        var random = SeededRandom(2)
        var model: [UInt8] = []
        test.set("k", model)
        for step in 0..<60 {
            let part = random.bytes(random.below(9000))
            let mode: StoreMode = step % 2 == 0 ? .append : .prepend
            #expect(test.set("k", part, StoreCommand(mode: mode)).outcome == .done)
            model = mode == .append ? model + part : part + model
            #expect(test.get("k")?.value == model)
        }
        test.session.checkInvariants()
    }

    @Test("an item expires at its second and leaves nothing behind")
    func expiry() throws {
        let test = try TestStore()
        let now = test.session.nowSecond
        test.set(
            "k", "x", StoreCommand(mode: .set, exptime: .of(number: 3, now: now, unixOfEpoch: test.clock.unixOfEpoch)))
        test.advance(seconds: 2)
        #expect(test.string("k") == "x")
        test.advance(seconds: 1)
        #expect(test.string("k") == nil)
        test.set("k", "x", StoreCommand(mode: .set, exptime: .immediately))
        #expect(test.get("k") == nil)
        test.session.checkInvariants()
    }

    @Test("a touch gives an item an expiry that had none, and takes it away")
    func touch() throws {
        let test = try TestStore()
        test.set("k", "x")
        var options = GetOptions()
        options.touch = Exptime(second: test.session.nowSecond + 5)
        let touched = try #require(test.get("k", options)).view
        #expect(touched.exptimeBefore == .never)
        #expect(touched.exptime.secondsLeft(at: test.session.nowSecond) == 5)
        options.touch = .never
        _ = test.get("k", options)
        test.advance(seconds: 10)
        #expect(test.string("k") == "x")
    }

    @Test("incr keeps the length, wraps; decr stops at zero")
    func arithmetic() throws {
        let test = try TestStore()
        var command = ArithmeticCommand()
        #expect(test.arithmetic("n", command).outcome == .notFound)
        test.set("n", "10")
        command.isIncrement = false
        #expect(test.arithmetic("n", command).number == 9)
        #expect(test.string("n") == "9 ")
        command.delta = 100
        #expect(test.arithmetic("n", command).number == 0)
        test.set("n", "18446744073709551615")
        command.isIncrement = true
        command.delta = 2
        #expect(test.arithmetic("n", command).number == 1)
        test.set("n", "99")
        #expect(test.arithmetic("n", command).number == 101)
        #expect(test.string("n") == "101")
        test.set("n", "1.5")
        #expect(test.arithmetic("n", command).outcome == .nonNumeric)
        test.session.checkInvariants()
    }

    @Test("a number may begin a large value, and padding stays as long whatever cas is given")
    func largeNumbers() throws {
        let test = try TestStore()
        var command = ArithmeticCommand()
        func padded(_ digits: String, _ count: Int) -> [UInt8] {
            Array(digits.utf8) + [UInt8](repeating: 0x20, count: count - digits.utf8.count)
        }
        test.set("n", Array("12 ".utf8) + [UInt8](repeating: 0x78, count: 20_000))
        let reader = Array("n".utf8).withBytes { key in
            let view = test.session.beginGet(key, hash: test.session.hash(key))
            let lease = test.session.lease(view)
            test.session.endGet(view)
            return lease
        }
        #expect(test.arithmetic("n", command).number == 13)
        #expect(test.get("n")?.value == padded("13", 20_003))
        // The reader of the old value still has it.
        let run = test.session.pinRun(reader, at: 0, maxLength: 4)
        #expect(run.array == Array("12 x".utf8))
        test.session.unpin(run)
        test.session.release(reader)
        test.set("n", [UInt8](repeating: 0x31, count: 17_000))
        #expect(test.arithmetic("n", command).outcome == .nonNumeric)
        test.set("n", padded("7", 600_000))
        #expect(test.arithmetic("n", command).outcome == .nonNumeric)
        command.newCas = 1 << 60
        test.set("n", padded("5", 100))
        #expect(test.arithmetic("n", command).number == 6)
        #expect(test.get("n")?.value == padded("6", 100))
        test.session.checkInvariants()
    }

    @Test("flush_all takes all items at once, or at its second")
    func flush() throws {
        let test = try TestStore(limitMiB: 64)
        for index in 0..<500 { test.set("k\(index)", [UInt8](repeating: 1, count: index * 200)) }
        test.session.flushItems(at: nil)
        #expect((0..<500).allSatisfy { test.get("k\($0)") == nil })
        #expect(test.store.statistics().itemCount == 0)
        test.set("k", "x")
        test.session.flushItems(at: test.session.nowSecond + 2)
        #expect(test.string("k") == "x")
        test.advance(seconds: 2)
        #expect(test.string("k") == nil)
        test.session.checkInvariants()
    }

    @Test("memory is bounded: with eviction a set never fails, without it the stored items stay")
    func limits() throws {
        let evicting = try TestStore(limitMiB: 3)
        for index in 0..<90 {
            #expect(evicting.set("big\(index)", [UInt8](repeating: 7, count: 66_560)).outcome == .done)
        }
        for index in 0..<15_000 { #expect(evicting.set("small\(index)", "value").outcome == .done) }
        evicting.session.checkInvariants()
        #expect(evicting.store.statistics().memoryUsedBytes <= 3 << 20)

        let pinned = try TestStore(limitMiB: 2) { $0.evictsItems = false }
        var stored = 0
        while pinned.set("k\(stored)", [UInt8](repeating: UInt8(stored & 255), count: 8192)).outcome == .done {
            stored += 1
        }
        #expect(stored > 150)
        #expect(pinned.set("more", [UInt8](repeating: 1, count: 8192)).outcome == .noMemory)
        for index in 0..<stored {
            #expect(pinned.get("k\(index)")?.value == [UInt8](repeating: UInt8(index & 255), count: 8192))
        }
        pinned.session.checkInvariants()
    }

    @Test("a reader finishes with the bytes it began with while the item is replaced")
    func multiversion() throws {
        let test = try TestStore(limitMiB: 64)
        var random = SeededRandom(3)
        let old = random.bytes(300_000)
        test.set("k", old)
        let key = Array("k".utf8)
        let view = key.withBytes { test.session.beginGet($0, hash: test.session.hash($0)) }
        let tail = view.tail.array
        let lease = test.session.lease(view)
        test.session.endGet(view)
        for _ in 0..<50 { test.set("k", random.bytes(300_000)) }
        _ = test.delete("k")
        var seen: [UInt8] = []
        while seen.count < view.headLength {
            let run = test.session.pinRun(lease, at: seen.count, maxLength: 10_000)
            seen += run.array
            test.session.unpin(run)
        }
        test.session.release(lease)
        #expect(seen + tail == old)
        test.session.checkInvariants()
    }

    @Test("what only readers hold is counted until the last of them lets go")
    func heldByReaders() throws {
        let test = try TestStore(limitMiB: 64)
        func held() -> Int { test.store.statistics().heldByReadersBytes }
        func lease() -> ContentLease {
            let view = Array("k".utf8).withBytes { test.session.beginGet($0, hash: test.session.hash($0)) }
            defer { test.session.endGet(view) }
            return test.session.lease(view)
        }
        test.set("k", [UInt8](repeating: 1, count: 9 << 20))
        let (first, second) = (lease(), lease())
        #expect(held() == 0)
        test.set("k", "small")
        #expect(held() >= 9 << 20)
        #expect(test.session.readersHoldTooMuch)
        test.session.release(first)
        #expect(held() >= 9 << 20)
        test.session.release(second)
        #expect(held() == 0)
        #expect(!test.session.readersHoldTooMuch)
        test.session.checkInvariants()
    }

    @Test(
        "append and prepend on a large value make each part of the new one once, and so never need more than is reserved"
    )
    func joinedParts() throws {
        for inPieces in [false, true] {
            for mode in [StoreMode.append, .prepend] {
                let test = try TestStore(limitMiB: 4)
                let shard = test.session.shard(number: 0)
                try #require(test.session.shared.shardCount == 2)
                // Something else lives in the open segment, which is therefore not begun anew.
                for number in 0..<8 { test.set("other-\(number)", [UInt8](repeating: 1, count: 5000)) }
                let old = SeededRandom(1).someBytes(60_000)
                let new = SeededRandom(2).someBytes(9100)
                var number = 0
                while test.hash("key-\(number)") >> 63 != 0 { number += 1 }
                test.set("key-\(number)", old)
                let before = shard.deadPieceBytes
                let command = StoreCommand(mode: mode)
                let result =
                    inPieces
                    ? test.setInPieces("key-\(number)", new, step: 3000, command)
                    : test.set("key-\(number)", new, command)
                #expect(result.outcome == .done)
                #expect(test.get("key-\(number)")?.value == (mode == .append ? old + new : new + old))
                // The old value's tail and the nodes, which grow in steps; no part of the value's middle.
                #expect(shard.deadPieceBytes - before < 4096)
                test.session.checkInvariants()
            }
        }
    }
}

extension SeededRandom {
    fileprivate func someBytes(_ count: Int) -> [UInt8] {
        var random = self
        return random.bytes(count)
    }
}

extension Shard {
    /// Bytes of the pieces' log in which nothing lives any more.
    fileprivate var deadPieceBytes: Int {
        var dead = 0
        var segment = log(.pieces).oldest
        while segment != 0 {
            dead += Int(arena[segment].usedBytes - arena[segment].liveBytes)
            segment = arena[segment].next
        }
        return dead
    }
}
