// The short way to a small file: it shows what the general way does, or leaves it to that; and a key that was looked up ahead
// shows nothing of what has changed since.
import Testing

@testable import MemStore

extension TestStore {
    /// Looks files of the prefix `memfis://h` up together.
    func lookUp(_ paths: [String]) -> [FoundFile] {
        var lookups = FileLookups(capacity: paths.count)
        let keys = paths.map { Array(("memfis://h" + $0).utf8) }
        var ends: [Int] = []
        for key in keys { ends.append((ends.last ?? 0) + key.count) }
        // The keys are read until the lookups have run.
        return keys.flatMap { $0 }.withBytes { bytes in
            for (end, key) in zip(ends, keys) { _ = lookups.add(bytes[end - key.count..<end]) }
            lookups.run(session)
            return keys.indices.map { lookups.found($0) }
        }
    }

    /// Reads a file that was looked up; nil where the short way is not open.
    func show(_ found: FoundFile) -> String? {
        let view = session.beginQuickGet(found, withCas: true)
        defer { if view.isHit || view.isLeft { session.endGet(view) } }
        guard view.isHit else { return nil }
        return String(decoding: view.value.array, as: UTF8.self)
    }

    fileprivate func quickPages(_ paths: [String]) -> [String?] { lookUp(paths).map(show) }
    fileprivate func quickPage(_ path: String) -> String? { quickPages([path])[0] }

    /// Looks a file up, calls `body`, then reads it.
    fileprivate func page(_ path: String, after body: () throws -> Void) throws -> String? {
        let found = lookUp([path])[0]
        try body()
        return show(found)
    }
}

@Suite("Files the short way") struct QuickFileTests {
    let store: TestStore
    init() throws {
        store = try TestStore(limitMiB: 64) { $0.servingUser = ServingUser(uid: 2000, gid: 2000, groups: []) }
        try store.makeDirectory("/a")
        try store.makeDirectory("/a/b")
        try store.write("/a/b/f", "first")
        try store.write("/a/b/g", "second")
    }

    /// Makes the session remember the directories.
    private func remember() {
        #expect(store.page("/a/b/f") == "first")
    }

    @Test("a file is shown with its flags and cas, and counts as read, once its directory is remembered")
    func shown() throws {
        #expect(store.quickGet("memfis://h/a/b/f") == nil)
        try store.change("/") { $0.mode = 0o777 }
        store.set("memfis://h/k", Array("value".utf8), StoreCommand(mode: .set, flags: 7))
        let view = try #require(store.get("memfis://h/k")).view
        #expect(!view.wasFetched)
        let found = try #require(store.quickGet("memfis://h/k"))
        #expect(found.value == Array("value".utf8) && found.flags == 7 && found.cas == view.cas && view.cas > 0)
        try store.write("/read", "x")
        #expect(store.quickGet("memfis://h/read") == nil)
        #expect(store.page("/k") == "value")
        #expect(store.quickGet("memfis://h/read") != nil)
        store.advance(seconds: 3)
        #expect(store.quickGet("memfis://h/read") != nil)
        let after = try #require(store.get("memfis://h/read")).view
        #expect(after.wasFetched && after.lastAccessSecond == store.session.nowSecond)
    }

    @Test("several are found together, and what is missing or of an unknown directory is not")
    func together() throws {
        remember()
        try store.makeDirectory("/c")
        try store.write("/c/f", "third")
        #expect(store.page("/a/b/f") == "first")
        let long = "/a/b/" + String(repeating: "n", count: 255)
        try store.write(long, "long")
        #expect(store.page(long) == "long")
        let paths = ["/a/b/f", "/c/f", "/a/b/none", "/a/b/g", long, long + "n", "/a/b/", "/a/b/.", "/a/b", "/"]
        #expect(store.quickPages(paths) == ["first", nil, nil, "second", "long", nil, nil, nil, nil, nil])
        #expect(store.page("/c/f") == "third")
        #expect(store.quickPages(["/c/f", "/a/b/f"]) == ["third", "first"])
    }

    @Test("names of many lengths are told apart, whatever follows or precedes them")
    func names() throws {
        for length in 1...40 {
            try store.write("/a/b/" + String(repeating: "x", count: length), "\(length)")
        }
        remember()
        for length in 1...40 {
            let name = String(repeating: "x", count: length)
            #expect(store.quickPages(["/a/b/\(name)", "/a/b/\(name)y", "/a/b/y\(name)"]) == ["\(length)", nil, nil])
            // Such keys are unescaped first.
            #expect(store.quickPages(["/a/b/\(name)%20", "/a/b/%20\(name)"]) == [nil, nil])
        }
    }

    @Test("what is no small file in one piece is left to the general way")
    func leftOut() throws {
        try store.write("/a/b/empty", "")
        try store.write("/a/b/large", [UInt8](repeating: 1, count: 70_000))
        let blockSizeBytes = store.session.arena.blockSizeBytes
        try store.write("/a/b/block", [UInt8](repeating: UInt8(ascii: "b"), count: blockSizeBytes))
        try store.makeNode("/a/b/hole")
        try store.change("/a/b/hole") { $0.size = 100 }
        try store.makeNode("/a/b/pipe", mode: 0o010644)
        try store.makeSymlink("/a/b/link", to: "f")
        try store.makeSymlink("/s", to: "a/b")
        remember()
        let left = ["/a/b/empty", "/a/b/large", "/a/b/hole", "/a/b/pipe", "/a/b/link"]
        #expect(store.quickPages(left).allSatisfy { $0 == nil })
        let block = try #require(store.quickPage("/a/b/block"))
        #expect(block.utf8.count == blockSizeBytes && block.utf8.allSatisfy { $0 == UInt8(ascii: "b") })
        #expect(store.page("/a/b/link") == "first" && store.page("/a/b/empty") == "")
        // A directory that a symlink leads to is not remembered.
        #expect(store.page("/s/f") == "first")
        #expect(store.quickPage("/s/f") == nil)
        store.check()
    }

    @Test("a value that is not in one piece is left with its shard locked, and shown as the general way shows it")
    func left() throws {
        try store.write("/a/b/empty", "")
        let large = [UInt8](repeating: 1, count: 70_000)
        try store.write("/a/b/large", large)
        remember()
        for (path, value) in [("/a/b/empty", []), ("/a/b/large", large)] {
            let key = "memfis://h" + path
            let quick = store.session.beginQuickGet(store.lookUp([path])[0], withCas: true)
            #expect(quick.isLeft && !quick.isHit && !quick.isMiss)
            let view = Array(key.utf8).withBytes { store.session.beginGet($0, hash: 0, after: quick) }
            #expect(view.isHit && view.isFile && view.size == value.count && view.flags == 0)
            #expect(view.headLength + view.tail.count == value.count)
            store.session.endGet(view)
            let general = try #require(store.get(key))
            #expect(
                general.value == value && general.view.cas == view.cas && general.view.headLength == view.headLength)
            // The first reading has counted.
            #expect(!view.wasFetched && general.view.wasFetched)
        }
        store.check()
    }

    @Test("a directory that was renamed, or that may not be searched any more, hides a file that was looked up")
    func directoryChanges() throws {
        remember()
        #expect(try store.page("/a/b/f") { try store.rename("/a/b", to: "/a/c") } == nil)
        #expect(store.quickPage("/a/b/f") == nil)
        #expect(store.page("/a/c/f") == "first")
        #expect(try store.page("/a/c/f") { try store.change("/a") { $0.mode = 0o700 } } == nil)
        #expect(store.quickPage("/a/c/f") == nil)
        #expect(store.page("/a/c/f") == nil)
    }

    @Test("a file that was renamed, replaced, removed or made again shows nothing of what was looked up")
    func nameChanges() throws {
        remember()
        #expect(try store.page("/a/b/f") { try store.rename("/a/b/f", to: "/a/b/h") } == nil)
        try store.rename("/a/b/h", to: "/a/b/f")
        remember()
        #expect(try store.page("/a/b/f") { try store.rename("/a/b/f", to: "/a/b/g", .exchange) } == nil)
        #expect(store.page("/a/b/f") == "second")
        #expect(store.quickPage("/a/b/f") == "second")
        #expect(try store.page("/a/b/f") { try store.rename("/a/b/g", to: "/a/b/f") } == nil)
        #expect(store.page("/a/b/f") == "first")
        let ino = try store.ino("/a/b/f")
        let page = try store.page("/a/b/f") {
            try store.unlink("/a/b/f")
            try store.write("/a/b/other", "not asked for")
            // The new file has the inode of the old one.
            #expect(try store.ino("/a/b/other") == ino)
        }
        #expect(page == nil)
        store.check()
    }

    @Test("rights that are taken from a file hide it, also those of a file that was looked up")
    func rights() throws {
        remember()
        #expect(try store.page("/a/b/f") { try store.change("/a/b/f") { $0.mode = 0o600 } } == nil)
        // The directory is remembered again by the other file.
        #expect(store.page("/a/b/g") == "second")
        #expect(store.quickPage("/a/b/f") == nil)
        try store.change("/a/b/f") { $0.uid = 2000 }
        #expect(store.page("/a/b/g") == "second")
        #expect(store.quickPage("/a/b/f") == "first")
    }

    @Test("the published version is shown, while another is written and after it")
    func published() throws {
        remember()
        let ino = try store.ino("/a/b/f")
        try store.session.openFile(ino)
        #expect(try store.page("/a/b/f") { try store.writePart(ino, at: 0, "FIRST and more") } == "first")
        #expect(try store.page("/a/b/f") { store.session.releaseFile(ino) } == "FIRST and more")
        // A new file is a miss until it is published.
        try store.makeNode("/a/b/new")
        let new = try store.ino("/a/b/new")
        try store.session.openFile(new)
        try store.writePart(new, at: 0, "new")
        #expect(store.page("/a/b/g") == "second")
        #expect(store.quickPage("/a/b/new") == nil)
        #expect(try store.page("/a/b/new") { store.session.releaseFile(new) } == "new")
        store.check()
    }

    @Test("a file whose time has come is left to the general way")
    func expired() throws {
        try store.change("/") { $0.mode = 0o777 }
        let soon = Exptime(second: store.session.nowSecond + 2)
        store.set("memfis://h/k", Array("x".utf8), StoreCommand(mode: .set, exptime: soon))
        #expect(store.page("/k") == "x")
        #expect(store.quickPage("/k") == "x")
        #expect(try store.page("/k") { store.advance(seconds: 3) } == nil)
        #expect(store.quickPage("/k") == nil)
        #expect(store.page("/k") == nil)
    }

    @Test("a file that was evicted is not shown, whoever looked it up")
    func evicted() throws {
        let small = try TestStore { $0.evictsFiles = true }
        try small.write("/f", "old")
        #expect(small.page("/f") == "old")
        let page = try small.page("/f") {
            for number in 0..<2_000 where small.exists("/f") {
                try small.write("/n\(number)", [UInt8](repeating: 1, count: 30_000))
            }
            #expect(!small.exists("/f"))
        }
        #expect(page == nil)
        small.check()
    }

    @Test("without a cas for clients, none is shown")
    func withoutCas() throws {
        let other = try TestStore { $0.hasCas = false }
        try other.write("/f", "x")
        #expect(other.page("/f") == "x")
        #expect(try #require(other.quickGet("memfis://h/f")).cas == 0)
    }

    @Test("the place of the published content's root is as the hint says")
    func layout() {
        #expect(MemoryLayout<Inode>.offset(of: \.publishedRoot) == Inode.publishedRootOffset)
    }
}
