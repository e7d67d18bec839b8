// The tree: names, links, directories, rename.
import Testing

@testable import MemStore

@Suite("Tree") struct TreeTests {
    let store: TestStore
    init() throws { store = try TestStore() }

    @Test("the root is a directory of the serving user with mode 0755 and two links")
    func root() throws {
        let root = try store.stat("/")
        #expect(root.mode == 0o040755 && root.linkCount == 2 && root.uid == 65534 && root.gid == 65534)
    }

    @Test("a new file has its caller, mode, one link and no bytes")
    func newFile() throws {
        let made = try store.makeNode("/a", mode: 0o100640)
        #expect(made.mode == 0o100640 && made.linkCount == 1 && made.uid == 1000 && made.gid == 1000 && made.size == 0)
        #expect(try store.stat("/a").ino == made.ino)
        store.check()
    }

    @Test("a file has as many names as its counter holds, and the next is refused")
    func linkLimit() throws {
        let ino = try store.makeNode("/a").ino
        let inode = store.session.tree.inode(UInt32(ino.rawValue))
        inode.fields.linkCount = Limits.linkCountMax
        #expect(throws: StoreError.tooManyLinks) { try store.link("/a", as: "/b") }
        inode.fields.linkCount = 1
        try store.link("/a", as: "/b")
        store.check()
    }

    @Test("a name of 255 bytes is taken, one of 256 bytes is refused by every call")
    func longNames() throws {
        let long = "/" + String(repeating: "n", count: 255)
        try store.makeNode(long)
        #expect(store.exists(long))
        let longer = long + "n"
        #expect(throws: StoreError.nameTooLong) { try store.makeNode(longer) }
        #expect(throws: StoreError.nameTooLong) { try store.makeDirectory(longer) }
        #expect(throws: StoreError.nameTooLong) { try store.makeSymlink(longer, to: "a") }
        #expect(throws: StoreError.nameTooLong) { try store.link(long, as: longer) }
        #expect(throws: StoreError.nameTooLong) { try store.rename(long, to: longer) }
        #expect(throws: StoreError.nameTooLong) { try store.stat(longer) }
        #expect(throws: StoreError.nameTooLong) { try store.unlink(longer) }
        #expect(throws: StoreError.nameTooLong) { try store.removeDirectory(longer) }
        store.check()
    }

    @Test("a name that is there is refused to mknod, mkdir, symlink and link")
    func existing() throws {
        try store.makeNode("/a")
        try store.makeNode("/b")
        #expect(throws: StoreError.exists) { try store.makeNode("/a") }
        #expect(throws: StoreError.exists) { try store.makeDirectory("/a") }
        #expect(throws: StoreError.exists) { try store.makeSymlink("/a", to: "b") }
        #expect(throws: StoreError.exists) { try store.link("/b", as: "/a") }
    }

    @Test("a path through a file is ENOTDIR, through nothing ENOENT")
    func wrongParents() throws {
        try store.makeNode("/a")
        #expect(throws: StoreError.notDirectory) { try store.makeNode("/a/b") }
        #expect(throws: StoreError.noEntry) { try store.makeNode("/x/b") }
        #expect(throws: StoreError.stale) { try store.session.attributes(of: Ino(99)) }
        #expect(throws: StoreError.stale) { try store.session.attributes(of: Ino(1 << 40)) }
    }

    @Test("directories count their subdirectories as links, and go only when they are empty")
    func directories() throws {
        try store.makeDirectory("/d")
        try store.makeDirectory("/d/e")
        try store.makeNode("/d/f")
        #expect(try store.stat("/d").linkCount == 3)
        #expect(try store.stat("/").linkCount == 3)
        #expect(throws: StoreError.notEmpty) { try store.removeDirectory("/d") }
        #expect(throws: StoreError.notDirectory) { try store.removeDirectory("/d/f") }
        #expect(throws: StoreError.isDirectory) { try store.unlink("/d/e") }
        try store.removeDirectory("/d/e")
        try store.unlink("/d/f")
        try store.removeDirectory("/d")
        #expect(try store.stat("/").linkCount == 2)
        #expect(throws: StoreError.noEntry) { try store.removeDirectory("/d") }
        store.check()
    }

    @Test("nothing can be made in a directory that was removed while it is known")
    func removedDirectory() throws {
        let directory = try Array("d".utf8).withBytes { (name) throws(StoreError) in
            try store.session.makeDirectory(name, in: .root, mode: 0o755, caller: TestStore.user)
        }
        try store.removeDirectory("/d")
        #expect(throws: StoreError.noEntry) {
            try Array("x".utf8).withBytes { (name) throws(StoreError) in
                try store.session.makeNode(name, in: directory.ino, mode: 0o100644, device: 0, caller: TestStore.user)
            }
        }
        #expect(try store.session.attributes(of: directory.ino).linkCount == 0)
        store.session.forget(directory.ino, count: 1)
        #expect(throws: StoreError.stale) { try store.session.attributes(of: directory.ino) }
    }

    @Test("hard links share one inode until the last is gone; directories have none")
    func hardLinks() throws {
        try store.write("/a", "text")
        try store.makeDirectory("/d")
        try store.link("/a", as: "/d/b")
        try store.link("/a", as: "/c")
        #expect(try store.stat("/a").linkCount == 3)
        #expect(try store.ino("/a") == store.ino("/d/b"))
        #expect(throws: StoreError.notPermitted) { try store.link("/d", as: "/e") }
        store.check()
        try store.unlink("/a")
        #expect(try store.text("/c") == "text")
        #expect(try store.stat("/d/b").linkCount == 2)
        try store.unlink("/c")
        try store.unlink("/d/b")
        store.check()
    }

    @Test("an unlinked file lives on while it is open, cannot be linked again, and is freed then")
    func unlinkedOpen() throws {
        try store.write("/a", "text")
        let before = store.store.statistics().fileCount
        let ino = try store.ino("/a")
        try store.session.openFile(ino)
        try store.unlink("/a")
        #expect(try store.read(ino) == Array("text".utf8))
        #expect(try store.session.attributes(of: ino).linkCount == 0)
        #expect(throws: StoreError.noEntry) {
            try Array("b".utf8).withBytes { (name) throws(StoreError) in
                try store.session.link(ino, as: name, in: .root)
            }
        }
        store.session.releaseFile(ino)
        #expect(throws: StoreError.stale) { try store.session.attributes(of: ino) }
        #expect(store.store.statistics().fileCount == before - 1)
    }

    @Test("a number that is used again has another generation")
    func generations() throws {
        let first = try store.makeNode("/a")
        try store.unlink("/a")
        let second = try store.makeNode("/a")
        #expect(first.ino == second.ino && first.generation != second.generation)
    }

    @Test("a setgid directory hands on its group, and the bit to directories")
    func setgidDirectory() throws {
        try store.makeDirectory("/d", mode: 0o2775, caller: Caller(uid: 5, gid: 77))
        #expect(try store.makeNode("/d/f").gid == 77)
        let made = try store.makeDirectory("/d/e")
        #expect(made.gid == 77 && made.mode == 0o042755)
        #expect(try store.makeNode("/d/g", mode: 0o100644).mode == 0o100644)
    }

    @Test("the mode of a node is masked by the caller's umask, a symlink's is 0777")
    func umask() throws {
        let caller = Caller(uid: 1, gid: 1, umask: 0o027)
        #expect(try store.makeNode("/f", mode: 0o100666, caller: caller).mode == 0o100640)
        #expect(try store.makeDirectory("/d", mode: 0o777, caller: caller).mode == 0o040750)
        try store.makeSymlink("/l", to: "f")
        let link = try store.stat("/l")
        #expect(link.mode == 0o120777 && link.size == 1)
    }

    @Test("all types of nodes keep their type and device number")
    func nodeTypes() throws {
        for (name, mode) in [("fifo", UInt32(0o010644)), ("char", 0o020600), ("block", 0o060600), ("socket", 0o140755)]
        {
            let made = try store.makeNode("/" + name, mode: mode, device: 0x0801)
            #expect(made.mode == mode)
            #expect(made.device == (name == "char" || name == "block" ? 0x0801 : 0))
        }
        #expect(throws: StoreError.invalid) { try store.makeNode("/dir", mode: 0o040755) }
        #expect(throws: StoreError.invalid) { try store.makeNode("/none", mode: 0o644) }
        #expect(store.store.statistics().otherNodeCount == 4)
        store.check()
    }

    @Test("a symlink's target is read back whole, and cut for a short buffer")
    func symlinks() throws {
        let target = String(repeating: "t/", count: 2047)
        try store.makeSymlink("/l", to: target)
        let ino = try store.ino("/l")
        var buffer = [UInt8](repeating: 0, count: 5000)
        let length = try unsafe buffer.withUnsafeMutableBytes { try unsafe store.session.readSymlink(ino, into: $0) }
        #expect(length == 4094 && Array(buffer[..<4094]) == Array(target.utf8))
        var short = [UInt8](repeating: 9, count: 3)
        _ = try unsafe short.withUnsafeMutableBytes { try unsafe store.session.readSymlink(ino, into: $0) }
        #expect(short == Array("t/t".utf8))
        #expect(throws: StoreError.nameTooLong) { try store.makeSymlink("/m", to: target + "xy") }
        #expect(throws: StoreError.noEntry) { try store.makeSymlink("/m", to: "") }
        try store.unlink("/l")
    }

    @Test("lookups are counted exactly: an unlinked inode goes with the last one")
    func lookups() throws {
        try store.makeNode("/a")
        let ino = try Array("a".utf8).withBytes { (name) throws(StoreError) in
            _ = try store.session.lookup(name, in: .root)
            return try store.session.lookup(name, in: .root).ino
        }
        try store.unlink("/a")
        store.session.forget(ino, count: 1)
        #expect(try store.session.attributes(of: ino).linkCount == 0)
        store.session.forget(ino, count: 1)
        #expect(throws: StoreError.stale) { try store.session.attributes(of: ino) }
    }

    @Test("an entry that was listed with its attributes counts its lookup, also when its time comes meanwhile")
    func listedLookups() throws {
        store.set("memfis://h/a", "x", StoreCommand(mode: .set, exptime: Exptime(second: store.session.nowSecond + 5)))
        var listed = Ino.none
        try store.session.readDirectory(.root, after: 0, countsLookups: true) { entry, _ in
            if entry.name.array == Array("a".utf8) {
                listed = entry.ino
                store.advance(seconds: 5)
            }
            return true
        }
        #expect(store.session.expireFiles(limit: 1) == 1)
        #expect(try store.session.attributes(of: listed).linkCount == 0, "it is still known")
        store.session.forget(listed, count: 1)
        #expect(throws: StoreError.stale) { try store.session.attributes(of: listed) }
    }

    @Test("making and removing names changes the times of the directory, not of its parent")
    func directoryTimes() throws {
        try store.makeDirectory("/d")
        let before = try store.stat("/d")
        let rootBefore = try store.stat("/")
        try store.makeNode("/d/f")
        let after = try store.stat("/d")
        #expect(after.mtime != before.mtime && after.mtime == after.ctime && after.atime == before.atime)
        #expect(try store.stat("/").mtime == rootBefore.mtime)
        try store.unlink("/d/f")
        #expect(try store.stat("/d").mtime != after.mtime)
    }
}
