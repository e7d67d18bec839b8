// rename(2) with all its refusals, and its flags.
import Testing

@testable import MemStore

@Suite("Tree: rename") struct TreeRenameTests {
    let store: TestStore
    /// Makes directories, then empty files or, with a text, files that have it.
    private func make(directories: [String] = [], files: [String: String?] = [:]) throws {
        for path in directories { try store.makeDirectory(path) }
        for (path, text) in files {
            if let text { try store.write(path, text) } else { try store.makeNode(path) }
        }
    }

    init() throws { store = try TestStore() }

    @Test("a name moves within a directory and between directories")
    func moves() throws {
        try make(directories: ["/d"], files: ["/a": "text"])
        let ino = try store.ino("/a")
        try store.rename("/a", to: "/b")
        try store.rename("/b", to: "/d/c")
        #expect(!store.exists("/a") && !store.exists("/b"))
        #expect(try store.ino("/d/c") == ino)
        store.check()
    }

    @Test("a rename can leave a whiteout in the old place, whatever the new one was", arguments: [false, true])
    func whiteout(replaces: Bool) throws {
        try make(directories: ["/d"], files: ["/a": "text"])
        if replaces {
            try make(files: ["/d/b": "old"])
            #expect(throws: StoreError.exists) { try store.rename("/a", to: "/d/b", .whiteoutNoReplace) }
        }
        try store.rename("/a", to: "/d/b", replaces ? .whiteout : .whiteoutNoReplace)
        let left = try store.stat("/a")
        #expect(left.type == .characterDevice && left.device == 0 && left.mode & 0o7777 == 0)
        #expect(try store.text("/d/b") == "text")
        store.check()
    }

    @Test("a moved directory takes its link along")
    func movedDirectory() throws {
        try make(directories: ["/a", "/b", "/a/x"])
        try store.rename("/a/x", to: "/b/y")
        #expect(try store.stat("/a").linkCount == 2 && store.stat("/b").linkCount == 3)
        store.check()
    }

    @Test("a file replaces a file, which is freed")
    func replaces() throws {
        try make(files: ["/a": "new", "/b": "old"])
        let count = store.store.statistics().fileCount
        try store.rename("/a", to: "/b")
        #expect(try store.text("/b") == "new")
        #expect(store.store.statistics().fileCount == count - 1)
        store.check()
    }

    @Test("a directory replaces an empty directory only")
    func replacesDirectory() throws {
        try make(directories: ["/a", "/b", "/p"], files: ["/a/f": nil, "/b/g": nil, "/file": nil])
        #expect(throws: StoreError.notEmpty) { try store.rename("/a", to: "/b") }
        #expect(throws: StoreError.notDirectory) { try store.rename("/a", to: "/file") }
        #expect(throws: StoreError.isDirectory) { try store.rename("/file", to: "/b") }
        try store.unlink("/b/g")
        try store.rename("/a", to: "/b")
        #expect(try store.names("/b") == ["f"])
        #expect(try store.stat("/").linkCount == 4)
        store.check()
    }

    @Test("a directory cannot move into itself or below, nor can an exchange do so")
    func intoItself() throws {
        try make(directories: ["/a", "/a/b", "/a/b/c"])
        #expect(throws: StoreError.invalid) { try store.rename("/a", to: "/a/x") }
        #expect(throws: StoreError.invalid) { try store.rename("/a", to: "/a/b/c/x") }
        #expect(throws: StoreError.notEmpty) { try store.rename("/a/b/c", to: "/a") }
        #expect(throws: StoreError.invalid) { try store.rename("/a/b/c", to: "/a", .exchange) }
        store.check()
    }

    @Test("a rename of one link onto another of the same inode does nothing")
    func sameInode() throws {
        try store.makeNode("/a")
        try store.link("/a", as: "/b")
        try store.rename("/a", to: "/b")
        #expect(store.exists("/a") && store.exists("/b"))
        try store.rename("/a", to: "/a")
        #expect(store.exists("/a"))
        store.check()
    }

    @Test("noReplace refuses a name that is there, exchange needs one")
    func flags() throws {
        try make(files: ["/a": "A", "/b": "B"])
        #expect(throws: StoreError.exists) { try store.rename("/a", to: "/b", .noReplace) }
        #expect(throws: StoreError.noEntry) { try store.rename("/a", to: "/c", .exchange) }
        try store.rename("/a", to: "/b", .exchange)
        #expect(try store.text("/a") == "B" && store.text("/b") == "A")
        try store.rename("/a", to: "/c", .noReplace)
        #expect(!store.exists("/a") && store.exists("/c"))
        store.check()
    }

    @Test("a file and a directory change places, with the links of their directories")
    func exchangesKinds() throws {
        try make(directories: ["/d", "/d/sub", "/e"], files: ["/e/file": "text"])
        try store.rename("/d/sub", to: "/e/file", .exchange)
        #expect(try store.text("/d/sub") == "text")
        #expect(try store.stat("/d").linkCount == 2 && store.stat("/e").linkCount == 3)
        store.check()
    }

    @Test("what is missing, or below a file, is refused")
    func missing() throws {
        try store.makeNode("/a")
        #expect(throws: StoreError.noEntry) { try store.rename("/x", to: "/y") }
        #expect(throws: StoreError.notDirectory) { try store.rename("/a", to: "/a/b") }
        #expect(throws: StoreError.noEntry) { try store.rename("/a", to: "/x/b") }
    }

    @Test("rename changes the ctime of the file and the times of both directories")
    func times() throws {
        try make(directories: ["/d", "/e"], files: ["/d/a": nil])
        let (file, source, target) = (try store.stat("/d/a"), try store.stat("/d"), try store.stat("/e"))
        try store.rename("/d/a", to: "/e/b")
        let moved = try store.stat("/e/b")
        #expect(moved.ctime != file.ctime && moved.mtime == file.mtime)
        #expect(try store.stat("/d").mtime != source.mtime && store.stat("/e").mtime != target.mtime)
    }
}
