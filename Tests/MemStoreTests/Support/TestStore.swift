// What the store's tests share: a small store with a clock that stands, and short forms of its commands.
@testable import MemStore

/// A store with one session, and a seeded source of random numbers.
struct TestStore {
    let store: Store
    let session: StoreSession
    let clock = Clock()

    init(limitMiB: Int = 8, configure: (inout StoreConfiguration) -> Void = { _ in }) throws {
        var configuration = StoreConfiguration()
        configuration.memoryLimitBytes = limitMiB << 20
        configuration.prefixes = [KeyPrefix(prefix: Array("memfis://h".utf8), directory: Array("/".utf8))]
        configure(&configuration)
        clock.pause()
        store = try Store(configuration: configuration, clock: clock)
        session = store.makeSession()
    }

    func advance(seconds: Int64) {
        clock.advance(bySeconds: seconds)
        session.refreshClock()
    }

    func hash(_ key: String) -> UInt64 { Array(key.utf8).withBytes { session.hash($0) } }

    @discardableResult
    func set(_ key: String, _ value: [UInt8], _ command: StoreCommand = StoreCommand(mode: .set)) -> StoreResult {
        Array(key.utf8).withBytes { key in
            value.withBytes { session.store(key, hash: session.hash(key), value: $0, command) }
        }
    }
    @discardableResult
    func set(_ key: String, _ value: String, _ command: StoreCommand = StoreCommand(mode: .set)) -> StoreResult {
        set(key, Array(value.utf8), command)
    }

    /// Sends the value in pieces of `step` bytes.
    func setInPieces(_ key: String, _ value: [UInt8], step: Int, _ command: StoreCommand = StoreCommand(mode: .set))
        -> StoreResult
    {
        let pending = session.beginValue()
        var offset = 0
        while offset < value.count {
            let end = min(value.count, offset + step)
            let fits = value.withBytes { session.append($0[offset..<end], to: pending) }
            guard fits else {
                session.abandon(pending)
                return StoreResult(outcome: .noMemory)
            }
            offset = end
        }
        return Array(key.utf8).withBytes { session.commit(pending, key: $0, hash: session.hash($0), command) }
    }

    /// The value as a connection would send it: the head by reference after the shard is unlocked, the tail copied.
    func get(_ key: String, _ options: GetOptions? = nil) -> (view: ItemView, value: [UInt8])? {
        let view = Array(key.utf8).withBytes { key in
            options.map { session.beginGet(key, hash: session.hash(key), options: $0) }
                ?? session.beginGet(key, hash: session.hash(key))
        }
        guard view.isHit else { return nil }
        let tail = view.tail.array
        let lease = view.headLength > 0 ? session.lease(view) : ContentLease()
        session.endGet(view)
        var value: [UInt8] = []
        while value.count < view.headLength {
            let run = session.pinRun(lease, at: value.count, maxLength: 100_000)
            value += run.array
            session.unpin(run)
        }
        session.release(lease)
        return (view, value + tail)
    }
    func string(_ key: String) -> String? { get(key).map { String(decoding: $0.value, as: UTF8.self) } }

    /// The short way to set: false when it is not open.
    func overwrite(_ key: String, _ value: [UInt8], flags: UInt32 = 0, exptime: Exptime = .never) -> Bool {
        Array(key.utf8).withBytes { key in
            value.withBytes {
                session.overwrite(key, hash: session.hash(key), value: $0, flags: flags, exptime: exptime)
            }
        }
    }

    /// The short way to get: nil when it is not open; a miss has no value.
    func quickGet(_ key: String) -> (value: [UInt8]?, flags: UInt32, cas: UInt64)? {
        let view = Array(key.utf8).withBytes { session.beginQuickGet($0, hash: session.hash($0), withCas: true) }
        guard view.isHit else {
            if view.isLeft { session.endGet(view) }
            return view.isMiss ? (nil, 0, 0) : nil
        }
        defer { session.endGet(view) }
        return (view.value.array, view.flags, view.cas)
    }

    func delete(_ key: String, _ command: DeleteCommand = DeleteCommand()) -> StoreResult {
        Array(key.utf8).withBytes { session.delete($0, hash: session.hash($0), command) }
    }
    func arithmetic(_ key: String, _ command: ArithmeticCommand) -> ArithmeticResult {
        Array(key.utf8).withBytes { session.arithmetic($0, hash: session.hash($0), command) }
    }
}

/// SplitMix64: the same numbers on every run.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
    mutating func bytes(_ count: Int) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(count + 8)
        while result.count < count { unsafe withUnsafeBytes(of: next()) { result += unsafe Array($0) } }
        return Array(result.prefix(count))
    }
}
