// Where a path leads, with the rights of the serving user.
import Testing

@testable import MemStore

@Suite struct PathWalkTests {
    private func makeStore() throws -> TestStore {
        let store = try TestStore { $0.servingUser = ServingUser(uid: 1000, gid: 1000, groups: []) }
        try store.change("/") { $0.mode = 0o777 }
        try store.makeDirectory("/a")
        try store.makeDirectory("/a/b")
        try store.write("/a/b/page", "text")
        try store.makeSymlink("/a/link", to: "b/page")
        try store.makeSymlink("/loop", to: "loop")
        try store.makeSymlink("/out", to: "/etc/passwd")
        try store.makeSymlink("/up", to: "../../..")
        return store
    }

    private func walk(_ path: String, in store: TestStore, followsLast: Bool = true) -> (Resolution.Kind, String) {
        let session = store.session
        session.tree.lock.lockShared(session.treeSlot)
        defer { session.tree.lock.unlockShared(session.treeSlot) }
        return Array(path.utf8).withBytes { path in
            var walk = PathWalk(path, from: Tree.rootIno)
            let found = walk.run(session, followsLast: followsLast)
            let name = found.kind == .found ? "\(found.ino)" : String(decoding: found.name.array, as: UTF8.self)
            return (found.kind, name)
        }
    }

    @Test("a path leads to its file, through links, dots and repeated slashes")
    func found() throws {
        let store = try makeStore()
        let page = "\(try store.ino("/a/b/page").rawValue)"
        for path in ["/a/b/page", "a//b/./page", "/a/link", "/a/b/../link", "/a/b/page/"] where path != "/a/b/page/" {
            #expect(walk(path, in: store) == (.found, page), "\(path)")
        }
        #expect(walk("", in: store) == (.found, "1") && walk("///", in: store) == (.found, "1"))
        let link = walk("/a/link", in: store, followsLast: false)
        #expect(link.0 == .found && link.1 != page)
    }

    @Test("what is missing is named with the directory that it is missing in")
    func missing() throws {
        let store = try makeStore()
        #expect(walk("/a/new/page", in: store) == (.missing, "new"))
        #expect(walk("/a/b/new", in: store) == (.missing, "new"))
        #expect(walk("/a/b/page/x", in: store).0 == .notDirectory)
    }

    @Test("a path leads nowhere out of the tree, and a loop of links ends")
    func nowhere() throws {
        let store = try makeStore()
        for path in ["/..", "/a/../..", "/up", "/loop", "/loop/x", "/out"] {
            #expect(walk(path, in: store).0 != .found, "\(path)")
        }
        #expect(walk("/loop", in: store).0 == .nowhere && walk("/..", in: store).0 == .nowhere)
    }

    @Test("a directory that may not be searched hides what is below, whether it is there or not")
    func denied() throws {
        let store = try makeStore()
        try store.change("/a/b") { $0.mode = 0o600 }
        #expect(walk("/a/b/page", in: store).0 == .denied && walk("/a/b/new", in: store).0 == .denied)
        #expect(walk("/a/b", in: store).0 == .found)
    }
}
