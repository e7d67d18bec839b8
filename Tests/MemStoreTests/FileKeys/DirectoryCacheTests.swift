// What is remembered of the directories of file keys, and when it must not be.
import Testing

@testable import MemStore

@Suite("Directories of file keys") struct DirectoryCacheTests {
    let store: TestStore
    init() throws {
        store = try TestStore()
        try store.makeDirectory("/a")
        try store.makeDirectory("/a/b")
        try store.write("/a/b/f", "first")
        // Asked twice: the second time by what was remembered.
        #expect(store.page("/a/b/f") == "first")
        #expect(store.page("/a/b/f") == "first")
    }

    @Test("another name of a remembered directory is found, and a missing one is not")
    func neighbours() throws {
        try store.write("/a/b/g", "second")
        #expect(store.page("/a/b/g") == "second")
        #expect(store.page("/a/b/none") == nil)
        #expect(store.page("/a/b/f") == "first")
        try store.unlink("/a/b/f")
        #expect(store.page("/a/b/f") == nil)
        #expect(store.page("/a/b/g") == "second")
    }

    @Test("a directory that was renamed is found under its new name alone")
    func renamed() throws {
        try store.rename("/a", to: "/c")
        #expect(store.page("/a/b/f") == nil)
        #expect(store.page("/c/b/f") == "first")
        try store.makeDirectory("/a")
        try store.makeDirectory("/a/b")
        try store.write("/a/b/f", "other")
        #expect(store.page("/a/b/f") == "other")
        try store.rename("/a", to: "/c", .exchange)
        #expect(store.page("/a/b/f") == "first" && store.page("/c/b/f") == "other")
    }

    @Test("a directory that was removed and made again shows what the new one has")
    func removed() throws {
        try store.unlink("/a/b/f")
        try store.removeDirectory("/a/b")
        #expect(store.page("/a/b/f") == nil)
        try store.makeDirectory("/a/b")
        try store.write("/a/b/f", "again")
        #expect(store.page("/a/b/f") == "again")
    }

    @Test("taking the right to search from a directory on the way hides the file")
    func rights() throws {
        try store.change("/a") { $0.mode = 0o700 }
        #expect(store.page("/a/b/f") == nil)
        try store.change("/a") { $0.mode = 0o755 }
        #expect(store.page("/a/b/f") == "first")
    }

    @Test("a way through a symlink follows the link as it is now")
    func symlinks() throws {
        try store.makeDirectory("/d")
        try store.write("/d/f", "of d")
        try store.makeSymlink("/link", to: "a/b")
        #expect(store.page("/link/f") == "first")
        #expect(store.page("/link/f") == "first")
        try store.unlink("/link")
        try store.makeSymlink("/link", to: "d")
        #expect(store.page("/link/f") == "of d")
    }

    @Test("more directories than are remembered, and parts too long to be, are all found")
    func many() throws {
        let long = String(repeating: "n", count: 250)
        try store.makeDirectory("/" + long)
        try store.write("/\(long)/f", "long")
        for number in 0..<200 {
            try store.makeDirectory("/m\(number)")
            try store.write("/m\(number)/f", "\(number)")
        }
        for _ in 0..<2 {
            for number in 0..<200 { #expect(store.page("/m\(number)/f") == "\(number)") }
            #expect(store.page("/\(long)/f") == "long")
        }
    }

    @Test("names that are escaped, dots and empty names lead where they led before")
    func oddNames() throws {
        try store.write("/a/b/x y%", "odd")
        #expect(store.page("/a/b/x%20y%25") == "odd")
        #expect(store.page("/a/b/.") == nil && store.page("/a/b/..") == nil && store.page("/a/b/../b/f") == nil)
        #expect(store.page("/a//b/f") == nil && store.page("/a/b//f") == nil)
    }
}
