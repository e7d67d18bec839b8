// Both doors at once: threads on the same few files, and nobody sees half of anything.
import Glibc
import Testing

@testable import MemStore

/// Runs bodies on threads of their own, each with a session, and waits for them.
private func runThreads(_ store: Store, _ bodies: [@Sendable (StoreSession) -> Void]) {
    final class Box: @unchecked Sendable {  // handed to its thread once
        let session: StoreSession
        let body: @Sendable (StoreSession) -> Void
        init(_ session: StoreSession, _ body: @escaping @Sendable (StoreSession) -> Void) {
            self.session = session
            self.body = body
        }
    }
    var threads: [pthread_t] = []
    for body in bodies {
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(Box(store.makeSession(), body)).toOpaque()
        let code = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                let box = unsafe Unmanaged<Box>.fromOpaque(context).takeRetainedValue()
                box.body(box.session)
                box.session.end()
                return nil
            }, context)
        precondition(code == 0, "a test can start a thread")
        threads.append(thread)
    }
    for thread in threads { pthread_join(thread, nil) }
}

@Suite("Tree with threads") struct TreeThreadTests {
    private static let names = ["a", "b", "c", "d"]
    private static let rounds = 1500

    /// A value that shows tearing: one letter, over and over, of a length that the letter tells.
    private static func value(_ random: inout SeededRandom) -> [UInt8] {
        let letter = random.below(26)
        return [UInt8](repeating: UInt8(97 + letter), count: 1 + letter * 1500)
    }
    private static func isWhole(_ value: [UInt8]) -> Bool {
        guard let first = value.first else { return false }
        return value.count == 1 + (Int(first) - 97) * 1500 && value.allSatisfy { $0 == first }
    }

    @Test("port and mount write, read, rename, expire and delete the same files; every page is whole")
    func bothDoors() throws {
        let store = try TestStore(limitMiB: 32) {
            $0.servingUser = ServingUser(uid: 1000, gid: 1000, groups: [])
        }
        try store.change("/") { $0.mode = 0o777 }
        store.store.invalidations.attachReader()
        let torn = Counter()
        let pages = Counter()
        @Sendable func port(seed: UInt64) -> @Sendable (StoreSession) -> Void {
            { session in
                let own = TestStore(store: store.store, session: session)
                var random = SeededRandom(seed)
                for _ in 0..<Self.rounds {
                    let key = "memfis://h/d/" + Self.names[random.below(4)]
                    switch random.below(10) {
                    case 0: _ = own.delete(key)
                    case 1:
                        let command = StoreCommand(mode: .set, exptime: .immediately)
                        own.set(key, Self.value(&random), command)
                    case 2...4: own.set(key, Self.value(&random))
                    case 5: _ = own.setInPieces(key, Self.value(&random), step: 5000)
                    default:
                        // The first read makes the session remember the directory, for the one after it.
                        let page = own.get(key)?.value
                        let found = own.lookUp(Self.names.map { "/d/" + $0 })
                        for value in [page] + found.map({ own.show($0).map { Array($0.utf8) } }) {
                            guard let value else { continue }
                            pages.add(1)
                            if !Self.isWhole(value) { torn.add(UInt64(value.count)) }
                        }
                    }
                }
            }
        }
        @Sendable func mount(seed: UInt64) -> @Sendable (StoreSession) -> Void {
            { session in
                let own = TestStore(store: store.store, session: session)
                var random = SeededRandom(seed)
                for round in 0..<Self.rounds {
                    let path = "/d/" + Self.names[random.below(4)]
                    let other = "/d/" + Self.names[random.below(4)]
                    switch random.below(8) {
                    case 0: try? own.unlink(path)
                    case 1: try? own.rename(path, to: other)
                    case 2: try? own.rename(path, to: other, .exchange)
                    case 3: _ = try? own.names("/d")
                    case 4: try? own.change(path) { $0.mtime = .now }
                    case 5: _ = try? own.makeDirectory("/d")
                    default:
                        // As an editor: a temporary file, renamed over.
                        let temporary = "/d/.tmp\(seed)-\(round)"
                        if (try? own.write(temporary, Self.value(&random))) != nil {
                            try? own.rename(temporary, to: path)
                        }
                    }
                    if round % 64 == 0 { session.expireFiles(limit: 10) }
                }
            }
        }
        let reader: @Sendable (StoreSession) -> Void = { _ in
            while let change = store.store.invalidations.next() { store.store.invalidations.complete(change) }
        }
        let housekeeping: @Sendable (StoreSession) -> Void = { session in
            runThreads(store.store, [port(seed: 1), port(seed: 2), mount(seed: 3), mount(seed: 4)])
            session.expireFiles(limit: 1000)
            store.store.invalidations.detachReader()
        }
        runThreads(store.store, [reader, housekeeping])
        #expect(torn.tokens.isEmpty)
        #expect(pages.tokens.count > 500)
        store.check()
        let own = try store.names("/d").count
        #expect(store.store.statistics().fileCount == own)
    }

    @Test("a log to which a program and the port append at the same time loses no line")
    func sharedLog() throws {
        let store = try TestStore(limitMiB: 32) { $0.publishIntervalSeconds = 0 }
        try store.write("/log", "")
        try store.change("/log") { $0.mode = 0o666 }
        let ino = try store.ino("/log")
        try store.session.openFile(ino)
        let count = 2000
        @Sendable func line(_ letter: String, _ number: Int) -> [UInt8] { Array("\(letter)\(number)\n".utf8) }
        let program: @Sendable (StoreSession) -> Void = { session in
            let own = TestStore(store: store.store, session: session)
            for number in 0..<count {
                try? own.writePart(ino, at: nil, line("m", number), isAppending: true)
                if number % 7 == 0 { session.publish(ino) }
            }
        }
        let port: @Sendable (StoreSession) -> Void = { session in
            let own = TestStore(store: store.store, session: session)
            for number in 0..<count {
                own.set("memfis://h/log", line("p", number), StoreCommand(mode: .append))
            }
        }
        runThreads(store.store, [program, port])
        store.session.releaseFile(ino)
        let lines = try #require(store.page("/log")).split(separator: "\n").map(String.init)
        for letter in ["m", "p"] {
            #expect(lines.filter { $0.hasPrefix(letter) } == (0..<count).map { letter + String($0) })
        }
        store.check()
    }
}

extension TestStore {
    /// The same store with another thread's session.
    init(store: Store, session: StoreSession) {
        self.store = store
        self.session = session
    }

    @Test("sessions come and go while others change names, and nothing is lost")
    func comingSessions() throws {
        let store = try TestStore(limitMiB: 32)
        try store.change("/") { $0.mode = 0o777 }
        @Sendable func visitor(_ letter: String) -> @Sendable (StoreSession) -> Void {
            let owner = store.store
            return { _ in
                for round in 0..<300 {
                    let session = owner.makeSession()
                    Array("\(letter)\(round)".utf8).withBytes { name in
                        let made = try? session.makeDirectory(name, in: .root, mode: 0o755, caller: TestStore.user)
                        session.forget(made?.ino ?? .root, count: 1)
                        if round % 2 == 0 { try? session.removeDirectory(name, in: .root) }
                    }
                    session.end()
                }
            }
        }
        runThreads(store.store, ["a", "b", "c", "d"].map { visitor($0) })
        #expect(try store.names("/").count == 4 * 150)
        store.check()
    }
}
