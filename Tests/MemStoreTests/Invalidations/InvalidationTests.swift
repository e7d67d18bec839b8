// The stream of changes: who is told what.
import Testing

@testable import MemStore

@Suite("Changes") struct ChangeTests {
    let store: TestStore
    init() throws {
        store = try TestStore { $0.servingUser = ServingUser(uid: 1000, gid: 1000, groups: []) }
        store.session.setInvalidationToken(42)
    }

    /// Counts a lookup, as a kernel would.
    private func look(_ name: String, in parent: Ino = .root) throws -> Ino {
        try Array(name.utf8).withBytes { (name) throws(StoreError) in try store.session.lookup(name, in: parent).ino }
    }
    private var stream: InvalidationStream { store.store.invalidations }

    /// Takes and completes `count` changes.
    private func take(_ count: Int) -> [Invalidation] {
        (0..<count).compactMap { _ in
            let change = stream.next()
            if let change { stream.complete(change) }
            return change
        }
    }

    @Test("without a reader nothing is recorded and nobody waits")
    func noReader() throws {
        #expect(store.set("memfis://h/a", "x").pendingInvalidations == 0)
        _ = try look("a")
        #expect(store.set("memfis://h/a", "y").pendingInvalidations == 0)
    }

    @Test("a new name below the root is told, and the root's own change; below what no kernel knows nothing is")
    func newNames() throws {
        stream.attachReader()
        let result = store.set("memfis://h/d/e/f", "x")
        #expect(result.pendingInvalidations == 2)
        let changes = take(2)
        #expect(changes.map(\.kind) == [.content, .entry] && changes[0].ino == .root)
        #expect(changes[1].name == Array("d".utf8) && changes[1].parent == .root)
        #expect(changes.allSatisfy { $0.token == 42 } && changes[0].sequence < changes[1].sequence)
        #expect(store.set("memfis://h/d/e/g", "x").pendingInvalidations == 0)
    }

    @Test("a new content is told of a file that a kernel knows, until it forgets")
    func contents() throws {
        store.set("memfis://h/a", "x")
        stream.attachReader()
        #expect(store.set("memfis://h/a", "y").pendingInvalidations == 0)
        let ino = try look("a")
        #expect(store.set("memfis://h/a", "z").pendingInvalidations == 1)
        #expect(take(1).first.map { $0.kind == .content && $0.ino == ino } == true)
        store.session.forget(ino, count: 1)
        #expect(store.set("memfis://h/a", "z").pendingInvalidations == 0)
    }

    @Test("a delete tells of the entry, the directory and the inode")
    func deletes() throws {
        store.set("memfis://h/a", "x")
        let ino = try look("a")
        stream.attachReader()
        #expect(store.delete("memfis://h/a").pendingInvalidations == 3)
        let changes = take(3)
        #expect(changes.contains { $0.kind == .entry && $0.name == Array("a".utf8) && $0.ino == ino })
        #expect(changes.contains { $0.kind == .attributes && $0.ino == ino })
        store.session.forget(ino, count: 1)
    }

    @Test("an expiry tells of every name, and nobody waits for it")
    func expiry() throws {
        let second = store.session.nowSecond + 5
        store.set("memfis://h/a", "x", StoreCommand(mode: .set, exptime: Exptime(second: second)))
        try store.link("/a", as: "/b")
        stream.attachReader()
        store.advance(seconds: 5)
        #expect(store.session.expireFiles(limit: 5) == 1)
        let changes = take(3)
        #expect(Set(changes.filter { $0.kind == .entry }.map(\.name)) == [Array("a".utf8), Array("b".utf8)])
        #expect(changes.allSatisfy { $0.token == 0 })
    }

    @Test("a touch tells that the names may not be kept as long as before")
    func touches() throws {
        store.set("memfis://h/a", "x")
        _ = try look("a")
        stream.attachReader()
        var options = GetOptions()
        options.touch = Exptime(second: store.session.nowSecond + 5)
        #expect(try #require(store.get("memfis://h/a", options)).view.pendingInvalidations == 3)
        #expect(try #require(store.get("memfis://h/a", options)).view.pendingInvalidations == 0, "nothing changed")
    }

    @Test("a store that changes the expiry tells of the names too")
    func newExpiry() throws {
        store.set("memfis://h/a", "1")
        _ = try look("a")
        stream.attachReader()
        let soon = Exptime(second: store.session.nowSecond + 5)
        #expect(store.set("memfis://h/a", "2", StoreCommand(mode: .set, exptime: soon)).pendingInvalidations == 3)
        #expect(store.set("memfis://h/a", "3", StoreCommand(mode: .set, exptime: soon)).pendingInvalidations == 1)
        var count = ArithmeticCommand()
        count.delta = 1
        count.touch = .never
        #expect(store.arithmetic("memfis://h/a", count).pendingInvalidations == 3)
    }

    @Test("notices that wait are one with later ones however many were taken before")
    func coalescingLater() throws {
        let completed = Counter()
        stream.onCompleted = { completed.add($0) }
        stream.attachReader()
        for number in 0..<3000 { stream.record(.content, ino: 10 + UInt32(number), token: 1) }
        for _ in 0..<2000 { stream.complete(try #require(stream.next())) }
        for number in 2000..<3000 { stream.record(.content, ino: 10 + UInt32(number), token: 2) }
        stream.record(.content, ino: 10, token: 3)
        for number in 2000..<3000 {
            let change = try #require(stream.next())
            #expect(change.ino == Ino(UInt64(10 + number)))
            stream.complete(change)
        }
        #expect(try #require(stream.next()).token == 3)
        #expect(completed.tokens.count == 4000)
    }

    @Test("equal notices that wait are one, and each change is completed")
    func coalescing() throws {
        let completed = Counter()
        stream.onCompleted = { completed.add($0) }
        store.set("memfis://h/a", "x")
        _ = try look("a")
        stream.attachReader()
        for _ in 0..<5 { #expect(store.set("memfis://h/a", "y").pendingInvalidations == 1) }
        store.session.setInvalidationToken(43)
        #expect(store.set("memfis://h/a", "z").pendingInvalidations == 1)
        let change = try #require(stream.next())
        #expect(store.set("memfis://h/a", "late").pendingInvalidations == 1)
        stream.complete(change)
        #expect(completed.tokens == [42, 42, 42, 42, 42, 43])
        _ = take(1)
        #expect(completed.tokens.count == 7)
        stream.complete(change)
        #expect(completed.tokens.count == 7, "a change is completed once")
    }

    @Test("what a reader has taken and not completed counts against the room for more")
    func bound() throws {
        let stream = InvalidationStream(pendingMax: 2)
        #expect(stream.hasRoom)
        stream.attachReader()
        for ino: UInt32 in 2...3 { stream.record(.content, ino: ino, token: 0) }
        #expect(!stream.hasRoom)
        let change = try #require(stream.next())
        #expect(!stream.hasRoom)
        stream.complete(change)
        #expect(stream.hasRoom)
        stream.detachReader()
    }

    @Test("a reader that goes completes what waits and what it had taken")
    func detaching() throws {
        let completed = Counter()
        stream.onCompleted = { completed.add($0) }
        stream.attachReader()
        store.set("memfis://h/a", "x")
        _ = stream.next()
        stream.detachReader()
        #expect(completed.tokens == [42, 42])
        #expect(stream.next() == nil)
        #expect(store.set("memfis://h/b", "x").pendingInvalidations == 0)
    }

    @Test("changes made through the mount are not told: the kernel knows them")
    func mountChanges() throws {
        stream.attachReader()
        try store.write("/a", "x")
        try store.rename("/a", to: "/b")
        try store.unlink("/b")
        store.set("memfis://h/c", "x")
        #expect(take(2).last?.name == Array("c".utf8))
    }
}

/// Tokens that were completed.
final class Counter: @unchecked Sendable {  // guarded by its lock
    private let lock = Lock()
    private var completed: [UInt64] = []
    func add(_ token: UInt64) { lock.withLock { completed.append(token) } }
    var tokens: [UInt64] { lock.withLock { completed } }
    deinit { lock.destroy() }
}
