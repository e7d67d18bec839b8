// Where a path leads for the port, seen by what it serves and writes there.
import Testing

@testable import MemStore

@Suite("Paths: resolving") struct PathResolverTests {
    private func make(_ configure: (inout StoreConfiguration) -> Void = { _ in }) throws -> TestStore {
        try TestStore { configuration in
            configuration.mountPoints = [Array("/mnt/a".utf8), Array("/srv".utf8)]
            configure(&configuration)
        }
    }

    @Test("a file is served by its escaped path")
    func escaped() throws {
        let store = try make()
        try store.makeDirectory("/d")
        try store.write("/d/a b%c", "text")
        #expect(store.page("/d/a%20b%25c") == "text")
        #expect(store.page("/d/a b%c") == "text")
        #expect(store.page("/d//a%20b%25c") == nil && store.page("/d/./a%20b%25c") == nil)
        #expect(store.page("/d/x") == nil && store.page("/x/y") == nil && store.page("/d/a%20b%25c/") == nil)
        #expect(store.page("/d/a%20b%25c/x") == nil && store.page("/") == nil && store.page("/d") == nil)
    }

    @Test("relative symlinks are followed")
    func relativeLinks() throws {
        let store = try make()
        try store.makeDirectory("/r")
        try store.makeDirectory("/r/42")
        try store.write("/r/42/i", "42")
        try store.makeSymlink("/current", to: "r/42")
        try store.makeSymlink("/r/up", to: "../r/./42//i")
        try store.makeSymlink("/r/dir", to: "42/")
        #expect(store.page("/current/i") == "42" && store.page("/r/up") == "42" && store.page("/r/dir/i") == "42")
        try store.makeDirectory("/r/43")
        try store.write("/r/43/i", "43")
        try store.makeSymlink("/next", to: "r/43")
        try store.rename("/next", to: "/current")
        #expect(store.page("/current/i") == "43")
    }

    @Test("a symlink that climbs above the root leads out of the tree: a miss, and a refused write")
    func linksAboveTheRoot() throws {
        let store = try make()
        try store.makeDirectory("/d")
        try store.write("/f", "text")
        try store.makeSymlink("/d/near", to: "../f")
        try store.makeSymlink("/d/out", to: "../../f")
        try store.makeSymlink("/back", to: "../a/f")
        try store.makeSymlink("/from", to: "/mnt/a/../f")
        try store.makeSymlink("/new", to: "../etc/passwd")
        #expect(store.page("/d/near") == "text")
        #expect(store.page("/d/out") == nil && store.page("/back") == nil && store.page("/from") == nil)
        #expect(store.set("memfis://h/d/out", "x").outcome == .invalidPath)
        #expect(store.set("memfis://h/new", "x").outcome == .invalidPath)
        #expect(try store.text("/f") == "text")
    }

    @Test("absolute symlinks lead into the tree from a mount point, elsewhere to a miss")
    func absoluteLinks() throws {
        let store = try make()
        try store.write("/f", "text")
        try store.change("/f") { $0.mode = 0o666 }
        try store.makeSymlink("/in", to: "/mnt/a/f")
        try store.makeSymlink("/in2", to: "/srv/./f")
        try store.makeSymlink("/out", to: "/etc/passwd")
        try store.makeSymlink("/near", to: "/mnt/ab/f")
        try store.makeSymlink("/f2", to: "/f")
        #expect(store.page("/in") == "text" && store.page("/in2") == "text")
        #expect(store.page("/out") == nil && store.page("/near") == nil && store.page("/f2") == nil)
        #expect(store.set("memfis://h/out", "x").outcome == .invalidPath)
        #expect(store.set("memfis://h/in", "new").outcome == .done)
        #expect(try store.text("/f") == "new")
    }

    @Test("40 symlinks are followed, 41 are not, a loop is a miss")
    func manyLinks() throws {
        let store = try make()
        try store.write("/f", "text")
        try store.makeSymlink("/l1", to: "f")
        for number in 2...41 { try store.makeSymlink("/l\(number)", to: "l\(number - 1)") }
        #expect(store.page("/l40") == "text" && store.page("/l41") == nil)
        try store.makeSymlink("/loop", to: "loop")
        #expect(store.page("/loop") == nil && store.set("memfis://h/loop", "x").outcome == .invalidPath)
    }

    @Test("a directory's key with a slash gives the first index file that is there")
    func indexFiles() throws {
        let store = try make { $0.indexNames = ["index.html", "index.txt"].map { Array($0.utf8) } }
        try store.makeDirectory("/d")
        #expect(store.page("/d/") == nil)
        try store.write("/d/index.txt", "text")
        #expect(store.page("/d/") == "text" && store.page("/d") == nil && store.page("/") == nil)
        try store.write("/d/index.html", "html")
        #expect(store.page("/d/") == "html")
        try store.makeSymlink("/l", to: "d/")
        #expect(store.page("/l/") == "html" && store.page("/l") == nil)
        #expect(store.set("memfis://h/d/", "x").outcome == .isDirectory)
        #expect(store.set("memfis://h/e/", "x").outcome == .invalidPath)
    }

    @Test("special files are misses and cannot be written")
    func specialFiles() throws {
        let store = try make()
        try store.makeNode("/fifo", mode: 0o010666)
        #expect(store.page("/fifo") == nil)
        #expect(store.set("memfis://h/fifo", "x").outcome == .invalidPath)
        #expect(store.delete("memfis://h/fifo").outcome == .notFound)
    }

    @Test("prefixes lead to their directories, also where these must be made first")
    func prefixDirectories() throws {
        let store = try make {
            $0.prefixes = [
                KeyPrefix(prefix: Array("p://a".utf8), directory: Array("/hosts/a".utf8)),
                KeyPrefix(prefix: [], directory: Array("/".utf8)),
            ]
            $0.servingUser = ServingUser(uid: 1000, gid: 1000, groups: [])
        }
        #expect(store.set("p://a/x%20y", "one").outcome == .done)
        #expect(try store.text("/hosts/a/x y") == "one")
        #expect(store.string("/hosts/a/x%20y") == "one" && store.string("p://a/x%20y") == "one")
        #expect(store.set("plain", "item").outcome == .done && !store.exists("/plain"))
    }

    @Test("the serving user's rights decide: owner, group or other bits, for every directory on the way")
    func permissions() throws {
        let store = try make {
            $0.servingUser = ServingUser(uid: 0, gid: 0, groups: [33])
        }
        try store.makeDirectory("/d", mode: 0o711)
        try store.write("/d/f", "text")
        #expect(store.page("/d/f") == "text")
        try store.change("/d/f") { $0.mode = 0o600 }
        #expect(store.page("/d/f") == nil, "uid 0 overrides nothing")
        try store.change("/d/f") {
            $0.mode = 0o640
            $0.gid = 33
        }
        #expect(store.page("/d/f") == "text")
        try store.change("/d/f") { $0.mode = 0o604 }
        #expect(store.page("/d/f") == nil, "the group's bits count for a member, not the others'")
        try store.change("/d/f") { $0.mode = 0o644 }
        try store.change("/d") { $0.mode = 0o766 }
        #expect(store.page("/d/f") == nil, "no search, no file")
        #expect(store.set("memfis://h/d/f", "x").outcome == .permissionDenied)
    }

    @Test("`.memfisd` cannot be made at the root through the port")
    func controlDirectory() throws {
        let store = try make()
        #expect(store.set("memfis://h/.memfisd/items/a", "x").outcome == .permissionDenied)
        #expect(store.set("memfis://h/.memfisd", "x").outcome == .permissionDenied)
        #expect(!store.exists("/.memfisd") && store.page("/.memfisd/stats") == nil)
    }
}
