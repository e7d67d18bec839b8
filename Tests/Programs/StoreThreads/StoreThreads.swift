// store-threads: many threads on one store, for the thread sanitizer. Prints what each of them did; exits with 1 when a
// value was torn, and as the sanitizer says when it saw a race.
//
//   store-threads [OPERATIONS of each thread] [SEED]
import Glibc

@testable import MemStore

/// What a thread did, by name.
struct Deeds {
    private var counts: [(name: String, count: Int)] = []
    mutating func add(_ name: String) {
        if let place = counts.firstIndex(where: { $0.name == name }) {
            counts[place].count += 1
        } else {
            counts.append((name, 1))
        }
    }
    var text: String { counts.map { "\($0.name) \($0.count)" }.joined(separator: ", ") }
}

/// One thread with a session of its own.
final class Actor: @unchecked Sendable {  // handed to its thread, and read after that was joined
    let name: String
    let session: StoreSession
    let body: @Sendable (StoreSession, inout Dice, inout Deeds) -> Void
    private var thread = pthread_t()
    private var dice: Dice
    private(set) var deeds = Deeds()

    init(
        _ name: String, _ store: Store, seed: UInt64,
        _ body: @escaping @Sendable (StoreSession, inout Dice, inout Deeds) -> Void
    ) {
        self.name = name
        self.body = body
        session = store.makeSession()
        dice = Dice(state: seed)
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let code = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                let actor = unsafe Unmanaged<Actor>.fromOpaque(context).takeRetainedValue()
                actor.body(actor.session, &actor.dice, &actor.deeds)
                actor.session.end()
                return nil
            }, context)
        precondition(code == 0, "a program can start a thread")
    }

    func join() {
        pthread_join(thread, nil)
        print("\(name): \(deeds.text)")
    }
}

/// Small numbers from a seed.
struct Dice {
    var state: UInt64
    mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }
}

@main struct StoreThreads {
    static func main() throws {
        let operationCount = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 0 : 20_000
        let seed = CommandLine.arguments.count > 2 ? UInt64(CommandLine.arguments[2]) ?? 1 : 1
        print("store-threads: \(operationCount) operations of each thread, seed \(seed)")
        var configuration = StoreConfiguration()
        configuration.memoryLimitBytes = 16 << 20
        configuration.prefixes = [KeyPrefix(prefix: Array("memfis://h".utf8), directory: Array("/".utf8))]
        configuration.servingUser = ServingUser(uid: 1000, gid: 1000, groups: [])
        let store = try Store(configuration: configuration)
        let housekeeper = Housekeeper(store: store)
        let actors = Self.actors(store, seed: seed, operationCount: operationCount)
        for actor in actors { actor.join() }
        housekeeper.stop()

        let statistics = store.statistics()
        print(
            "\(statistics.itemCount) items, \(statistics.fileCount) files, \(statistics.evictions) evictions, "
                + "\(statistics.sliceCount) slices of work outside of commands")
        let session = store.makeSession()
        session.checkInvariants()
        session.checkTreeInvariants()
        session.end()
        let torn = actors.filter { $0.deeds.text.contains("torn") }
        if !torn.isEmpty {
            print("torn values were seen by \(torn.map(\.name))")
            exit(1)
        }
    }

    private static func actors(_ store: Store, seed: UInt64, operationCount: Int) -> [Actor] {
        var actors: [Actor] = []
        for number in 0..<3 {
            actors.append(
                Actor("items \(number)", store, seed: seed &+ UInt64(number)) { session, dice, deeds in
                    for _ in 0..<operationCount { itemDeed(session, &dice, &deeds) }
                })
        }
        for number in 0..<2 {
            actors.append(
                Actor("files \(number)", store, seed: seed &+ 10 &+ UInt64(number)) { session, dice, deeds in
                    for _ in 0..<operationCount / 2 { fileDeed(session, &dice, &deeds) }
                })
        }
        actors.append(
            Actor("limit", store, seed: seed &+ 20) { session, dice, deeds in
                for _ in 0..<operationCount / 200 {
                    session.refreshClock()
                    deeds.add(store.setMemoryLimit(bytes: (6 + dice.below(10)) << 20) ? "limit set" : "limit refused")
                    deeds.add(store.statistics().itemCount > 0 ? "statistics" : "statistics of nothing")
                    if dice.below(40) == 0 {
                        session.flushItems(at: nil)
                        deeds.add("flush")
                    }
                    usleep(2000)
                }
            })
        return actors
    }
}
