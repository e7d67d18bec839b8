// Random commands on cache items against a plain dictionary, with expiry, eviction, flushes and a limit that moves.
import Testing

@testable import MemStore

/// What an item should be.
private struct ModelItem: Equatable {
    var value: [UInt8]
    var flags: UInt32
    var exptime: Exptime
}

/// A store and what should be in it. With a small limit items may be missing, but never wrong.
private struct ItemModel {
    let test: TestStore
    let mayEvict: Bool
    var items: [String: ModelItem] = [:]
    var random: SeededRandom
    var outcomes: [Outcome: Int] = [:]
    var census = SizeClassCensus()
    /// Sets that went the short way.
    var overwritten = 0
    let emptyBlockBytes: Int
    let emptyUsedBytes: Int

    init(seed: UInt64, limitMiB: Int, mayEvict: Bool) throws {
        test = try TestStore(limitMiB: limitMiB) { $0.evictsItems = mayEvict }
        self.mayEvict = mayEvict
        emptyBlockBytes = test.session.arena.state.takenBlockBytes
        emptyUsedBytes = test.session.arena.usedBytes
        random = SeededRandom(seed)
    }

    /// The item as it should be now.
    func expected(_ key: String) -> ModelItem? {
        items[key].flatMap { $0.exptime.isDue(at: test.session.nowSecond) ? nil : $0 }
    }

    /// Settles whether the item is there, where it may have been evicted.
    mutating func settle(_ key: String) {
        if expected(key) == nil || (mayEvict && test.get(key) == nil) { items[key] = nil }
    }

    mutating func someExptime() -> Exptime {
        random.below(3) == 0 ? Exptime(second: test.session.nowSecond + 1 + UInt32(random.below(30))) : .never
    }
    mutating func someValue() -> [UInt8] {
        let size = [0, 12, 100, 1000, 5000, 20_000, 90_000][random.below(7)]
        // Some of the same size, so that one can take another's place.
        return random.bytes(size == 0 ? 0 : random.below(3) == 0 ? size : random.below(size))
    }

    mutating func check(_ key: String) throws {
        let quick = test.quickGet(key)
        let general = test.get(key)
        if let quick {
            try #require(quick.value == general?.value)
            if let view = general?.view { try #require(quick.flags == view.flags && quick.cas == view.cas) }
        }
        let found = general.map { ModelItem(value: $0.value, flags: $0.view.flags, exptime: $0.view.exptime) }
        if found == nil, mayEvict { items[key] = nil }
        try #require(found == expected(key))
    }

    mutating func store(_ key: String) throws {
        let mode = [StoreMode.set, .set, .set, .add, .replace, .append, .prepend][random.below(7)]
        var command = StoreCommand(mode: mode, flags: UInt32(random.below(3)), exptime: someExptime())
        let value = someValue()
        settle(key)
        let cas = test.get(key)?.view.cas
        let asksCas = mode == .set && random.below(3) == 0
        if asksCas { command.compareCas = random.below(2) == 0 ? cas ?? 1 : 1 << 40 }
        if mode == .set, !asksCas, test.overwrite(key, value, flags: command.flags, exptime: command.exptime) {
            try #require(items[key] != nil)
            try #require(test.get(key).map { $0.view.cas > cas ?? 0 } ?? false)
            items[key] = ModelItem(value: value, flags: command.flags, exptime: command.exptime)
            overwritten += 1
            return
        }
        let outcome =
            random.below(2) == 0
            ? test.set(key, value, command).outcome : test.setInPieces(key, value, step: 4000, command).outcome
        outcomes[outcome, default: 0] += 1

        let present = items[key]
        switch outcome {
        case .done:
            try #require(mode != .add || present == nil)
            try #require(!asksCas || command.compareCas == cas)
            let new = ModelItem(value: value, flags: command.flags, exptime: command.exptime)
            switch mode {
            case .set, .add, .replace: items[key] = new
            case .append:
                items[key] = present.map { ModelItem(value: $0.value + value, flags: $0.flags, exptime: $0.exptime) }
            case .prepend:
                items[key] = present.map { ModelItem(value: value + $0.value, flags: $0.flags, exptime: $0.exptime) }
            }
        case .notStored, .notFound:
            // What was there may have been evicted for the value that was to come, or the joined one be too large.
            let isTooLarge = (present?.value.count ?? 0) + value.count > 900_000
            if mode != .add { try #require(present == nil || mayEvict || isTooLarge) }
        case .exists: try #require(asksCas && (command.compareCas != cas || mayEvict))
        default: Issue.record("\(mode) ended with \(outcome)")
        }
    }

    mutating func change(_ key: String) throws {
        settle(key)
        switch random.below(4) {
        case 0:
            let outcome = test.delete(key).outcome
            outcomes[outcome, default: 0] += 1
            try #require(outcome == (items[key] == nil ? .notFound : .done))
            items[key] = nil
        case 1:
            var options = GetOptions()
            let exptime = someExptime()
            options.touch = exptime
            if test.get(key, options) != nil { items[key]?.exptime = exptime } else if mayEvict { items[key] = nil }
        case 2:
            let number = UInt64(random.below(1000))
            let set = StoreCommand(mode: .set)
            try #require(test.set(key, Array("\(number)".utf8), set).outcome == .done)
            let result = test.arithmetic(key, ArithmeticCommand())
            items[key] = ModelItem(value: Array("\(number + 1)".utf8), flags: 0, exptime: .never)
            if result.outcome == .notFound, mayEvict {
                items[key] = nil
            } else {
                try #require(result.number == number + 1)
            }
        default:
            test.advance(seconds: Int64(random.below(4)))
        }
    }
}

extension ItemModel {
    /// After a flush: no block is in use but those of an empty store, and no segment but a few open ones.
    func checkNothingIsLeft() throws {
        let session = test.session
        session.state.reservation.giveBack(keeping: MemoryNeed())
        while session.reclaim() {}
        try #require(session.arena.state.takenBlockBytes == emptyBlockBytes)
        let segments = (session.arena.usedBytes - emptyUsedBytes) / session.arena.segmentSizeBytes
        try #require(segments <= 4 * session.shared.shardCount + 2, "\(segments) segments are in use")
    }
}

@Suite("Property: items") struct ItemPropertyTests {
    @Test(
        "any commands on items agree with a dictionary",
        arguments: [(limitMiB: 64, mayEvict: false), (3, true), (1, true)])
    func agrees(limitMiB: Int, mayEvict: Bool) throws {
        var model = try ItemModel(
            seed: Property.seed("items, \(limitMiB) MiB"), limitMiB: limitMiB, mayEvict: mayEvict)
        for _ in 0..<Property.operationCount(3000) {
            let key = "key-\(model.random.below(300))"
            switch model.random.below(100) {
            case 0..<45: try model.store(key)
            case 45..<70: try model.change(key)
            case 70 where model.random.below(10) == 0:
                model.test.session.flushItems(at: nil)
                model.items = [:]
                try model.checkNothingIsLeft()
            case 71 where mayEvict:
                _ = model.test.store.setMemoryLimit(bytes: (limitMiB << 20) + model.random.below(2 << 20))
            case 72: _ = model.test.session.reclaim(isAhead: true)
            case 73: model.test.session.keepAllowance(&model.census)
            default: try model.check(key)
            }
            model.test.session.checkInvariants()
        }
        model.test.session.checkInvariants()
        for outcome in [Outcome.done, .notStored, .notFound, .exists] {
            #expect(model.outcomes[outcome, default: 0] > 0, "\(outcome) never came")
        }
    }
}
