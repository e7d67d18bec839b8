// The control directory: names, items as files, and what is refused. Without a mount.
import Glibc
import MemStore
import Testing

@testable import MemFS

@Suite("Control directory")
struct ControlTests {
    let test: TestStore
    init() throws {
        var options = FileSystemOptions()
        options.reports = [ControlReport(name: "stats") { Array("a 1\n".utf8) }]
        test = try TestStore(options)
    }

    private func set(_ key: String, _ value: String, flags: UInt32 = 0) {
        Array(key.utf8).withBytes { key in
            Array(value.utf8).withBytes { value in
                let command = StoreCommand(mode: .set, flags: flags)
                _ = test.session.store(key, hash: test.session.hash(key), value: value, command)
            }
        }
    }

    private func value(_ key: String) -> String? {
        Array(key.utf8).withBytes { test.session.wholeItem($0) }.map { String(decoding: $0, as: UTF8.self) }
    }

    private func named<R>(_ name: String, _ body: (Bytes) throws(FSError) -> R) throws(FSError) -> R {
        try Array(name.utf8).withBytes { name throws(FSError) in try body(name) }
    }

    private func item(_ name: String) throws -> Ino? {
        if case .found(let entry) = try test.lookup(name, in: .controlItems) { return entry.attributes.ino }
        return nil
    }

    private func text(_ ino: Ino) throws -> String {
        let file = try test.fileSystem.open(ino, OpenMode(flags: O_RDONLY, opener: 1))
        defer { test.fileSystem.release(ino, handle: file.handle) }
        #expect(file.isDirect)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 8)
        defer { unsafe buffer.deallocate() }
        let count = unsafe try test.fileSystem.read(ino, at: 0, into: buffer, handle: file.handle)
        return unsafe String(decoding: buffer[..<count], as: UTF8.self)
    }

    private func write(
        _ text: String, to ino: Ino, _ handle: HandleNumber, at offset: UInt64 = 0, _ kind: WriteKind = .atOffset
    )
        throws(FSError)
    {
        try test.write(text, to: ino, handle, at: offset, kind)
        try test.fileSystem.flush(ino, handle: handle, closer: 1)
        test.fileSystem.release(ino, handle: handle)
    }

    private func names(_ ino: Ino, step: Int = .max) throws -> [String] {
        var names: [String] = []
        var cookie: UInt64 = 0
        while true {
            var shown = 0
            try test.fileSystem.readDirectory(ino, after: cookie) { entry in
                if shown == step { return false }
                shown += 1
                names.append(String(decoding: entry.name.array, as: UTF8.self))
                cookie = entry.cookie
                return true
            }
            if shown < step { return names }
        }
    }

    @Test(
        "a key and its name follow from each other",
        arguments: [
            ("plain", "plain"), ("a/b", "a%2Fb"), ("50%", "50%25"), (".", "%2E"), ("..", "%2E%2E"), ("...", "..."),
            ("tab\tblank ", "tab%09blank%20"), ("é\u{7f}", "é\u{7f}"),
        ])
    func keyNames(key: String, name: String) {
        #expect(Array(key.utf8).withBytes { ControlName.name(ofKey: $0) } == Array(name.utf8))
        #expect(Array(name.utf8).withBytes { ControlName.key(ofName: $0) } == Array(key.utf8))
    }

    @Test(
        "a name that is not the one of its key names nothing", arguments: ["%2f", "%41", "%", "%2", "a%zz", "a b", ""])
    func wrongNames(name: String) {
        #expect(Array(name.utf8).withBytes { ControlName.key(ofName: $0) } == nil)
    }

    @Test("a key whose name would be too long has none; the longest key has one")
    func longNames() {
        #expect(Array(repeating: UInt8(ascii: "/"), count: 86).withBytes { ControlName.name(ofKey: $0) } == nil)
        #expect(Array(repeating: UInt8(ascii: "/"), count: 85).withBytes { ControlName.name(ofKey: $0) }?.count == 255)
        #expect(Array(repeating: UInt8(ascii: "k"), count: 250).withBytes { ControlName.name(ofKey: $0) }?.count == 250)
    }

    @Test("the root finds the directory by name and does not list it, and nobody but its owner may enter")
    func root() throws {
        let attributes = try #require(try test.attributes(".memfisd"))
        #expect(attributes.ino == .control && attributes.mode == 0o040700 && attributes.uid == 65534)
        #expect(try names(.root) == [".", ".."])
        #expect(try names(.control) == [".", "..", "items", "stats"])
        #expect(try names(.control, step: 1) == [".", "..", "items", "stats"])
        #expect(try test.lookup("none", in: .control) == .missing(timeoutSeconds: 0))
    }

    @Test("a report is a text that is made when it is opened, and cannot be written")
    func report() throws {
        guard case .found(let entry) = try test.lookup("stats", in: .control) else { throw FSError(ENOENT) }
        #expect(entry.timeoutSeconds == 0 && entry.attributes.size == 4)
        #expect(try text(entry.attributes.ino) == "a 1\n")
        #expect(
            failure { () throws(FSError) in
                try test.fileSystem.open(entry.attributes.ino, OpenMode(flags: O_WRONLY, opener: 1))
            } == EPERM)
    }

    @Test("an item is a file with its size and bytes; the keys of files are not among them")
    func items() throws {
        set("key", "value")
        set("a/b", "other", flags: 7)
        #expect(test.set("/page", "a page") == .done)
        #expect(try names(.controlItems).sorted() == [".", "..", "a%2Fb", "key"])
        let ino = try #require(try item("key"))
        #expect(try test.fileSystem.attributes(of: ino).attributes.size == 5)
        #expect(try text(ino) == "value")
        #expect(try item("f:%2Fpage") == nil)
        test.fileSystem.forget(ino, count: 1)
        #expect(test.fileSystem.state.control.counts == (0, 0))
    }

    @Test("a listing in small steps shows each of many items once")
    func listing() throws {
        for number in 0..<3000 { set("item\(number)", "x") }
        let all = try names(.controlItems, step: 7)
        #expect(all.count == 3002 && Set(all).count == 3002)
    }

    @Test("of more items than it should know the kernel is to forget the first, each once, unless it has by itself")
    func superfluous() throws {
        let most = ControlTable.nodesMax
        for number in 0..<most + 3 { set("k\(number)", "x") }
        let first = try #require(try item("k0"))
        for number in 0..<most { #expect(try item("k\(number)") != nil) }
        test.fileSystem.forget(first, count: 2)
        for number in [most, most + 1, most + 2, most + 2] { _ = try item("k\(number)") }
        let batch = try #require(test.fileSystem.state.notices.take())
        #expect(batch.key == .controlItems)
        #expect(batch.notices == ["k1", "k2"].map { Notice.name(Array($0.utf8), in: .controlItems) })
    }

    @Test("what is written becomes the value at close, and keeps the flags")
    func writing() throws {
        set("key", "value", flags: 7)
        let ino = try #require(try item("key"))
        let file = try test.fileSystem.open(ino, OpenMode(flags: O_WRONLY | O_TRUNC, opener: 1))
        try test.write("new", to: ino, file.handle)
        #expect(value("key") == "value")
        try write("er", to: ino, file.handle, at: 3)
        #expect(value("key") == "newer")
        #expect(Array("key".utf8).withBytes { test.session.itemStatus($0) }?.flags == 7)
        let appending = try test.fileSystem.open(ino, OpenMode(flags: O_WRONLY | O_APPEND, opener: 1))
        try write("!", to: ino, appending.handle, .append)
        #expect(value("key") == "newer!")
        var changes = AttributeChanges()
        changes.size = 3
        #expect(try test.fileSystem.setAttributes(of: ino, changes, handle: nil).attributes.size == 3)
        #expect(value("key") == "new")
    }

    @Test("a new file is an item when it is closed, and can be renamed and removed")
    func creating() throws {
        let (entry, file) = try named("made") { name throws(FSError) in
            try test.fileSystem.create(
                name, in: .controlItems, mode: 0o644, isExclusive: false, caller: test.root,
                OpenMode(flags: O_WRONLY | O_CREAT, opener: 1))
        }
        #expect(value("made") == nil)
        #expect(try test.fileSystem.attributes(of: entry.attributes.ino).attributes.size == 0)
        try write("text", to: entry.attributes.ino, file.handle)
        #expect(value("made") == "text")
        try named("made") { old throws(FSError) in
            try named("other") { new throws(FSError) in
                try test.fileSystem.rename(old, in: .controlItems, to: new, in: .controlItems, mode: .noReplace)
            }
        }
        #expect(value("made") == nil && value("other") == "text")
        try named("other") { name throws(FSError) in try test.fileSystem.unlink(name, in: .controlItems) }
        #expect(value("other") == nil)
        #expect(
            failure { () throws(FSError) in
                try named("other") { name throws(FSError) in try test.fileSystem.unlink(name, in: .controlItems) }
            } == ENOENT)
    }

    @Test("an item that the port changes while it is renamed and gets other flags loses nothing of that")
    func changedMeanwhile() throws {
        let store = test.store
        set("a", "")
        let isDone = AtomicWord()
        let appended = AtomicWord()
        let port = try Thread.start(name: "port") {
            let session = store.makeSession()
            defer { session.end() }
            while isDone.value == 0 {
                let outcome = Array("a".utf8).withBytes { key in
                    Array("x".utf8).withBytes { value in
                        session.store(
                            key, hash: session.hash(key), value: value, StoreCommand(mode: .append)
                        ).outcome
                    }
                }
                if outcome == .done { _ = appended.add(1) }
            }
        }
        func rename(_ old: String, _ new: String) throws {
            try named(old) { old throws(FSError) in
                try named(new) { new throws(FSError) in
                    try test.fileSystem.rename(old, in: .controlItems, to: new, in: .controlItems, mode: .replace)
                }
            }
        }
        for round in 0..<300 {
            try rename("a", "b")
            try rename("b", "a")
            try test.fileSystem.control.setFlags(of: Array("a".utf8), to: UInt32(round))
        }
        isDone.value = 1
        port.join()
        #expect(appended.value > 0 && value("a")?.utf8.count == Int(appended.value))
    }

    @Test("sizes near the largest number are refused as too large")
    func hugeSizes() throws {
        set("key", "value")
        let ino = try #require(try item("key"))
        let file = try test.fileSystem.open(ino, OpenMode(flags: O_WRONLY, opener: 1))
        for size: UInt64 in [.max, 1 << 63, 1 << 63 - 1, 1 << 63 - 50] {
            var changes = AttributeChanges()
            changes.size = size
            for handle in [nil, file.handle] as [HandleNumber?] {
                #expect(
                    failure { () throws(FSError) in
                        try test.fileSystem.setAttributes(of: ino, changes, handle: handle)
                    } == EFBIG)
            }
            #expect(failure { () throws(FSError) in try test.write("x", to: ino, file.handle, at: size - 10) } == EFBIG)
        }
        test.fileSystem.release(ino, handle: file.handle)
        #expect(value("key") == "value")
    }

    @Test("a value over the largest item is refused, and the item stays")
    func tooLarge() throws {
        set("key", "value")
        let ino = try #require(try item("key"))
        let file = try test.fileSystem.open(ino, OpenMode(flags: O_WRONLY, opener: 1))
        #expect(failure { () throws(FSError) in try test.write("x", to: ino, file.handle, at: 1 << 20) } == EFBIG)
        test.fileSystem.release(ino, handle: file.handle)
        #expect(value("key") == "value")
    }

    @Test("no more files of it are open at once than there is memory meant for")
    func handles() throws {
        set("key", "value")
        let ino = try #require(try item("key"))
        let mode = OpenMode(flags: O_RDONLY, opener: 1)
        var files: [OpenFile] = []
        for _ in 0..<ControlTable.handlesMax { files.append(try test.fileSystem.open(ino, mode)) }
        #expect(failure { () throws(FSError) in try test.fileSystem.open(ino, mode) } == ENFILE)
        for file in files { test.fileSystem.release(ino, handle: file.handle) }
        #expect(test.fileSystem.state.control.counts.handles == 0)
    }

    @Test("flags and exptime of an item are attributes that can be read and set")
    func attributes() throws {
        set("key", "value", flags: 7)
        let ino = try #require(try item("key"))
        func get(_ name: StaticString) throws -> String? {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 100, alignment: 1)
            defer { unsafe buffer.deallocate() }
            do throws(FSError) {
                let count = unsafe try test.fileSystem.getExtendedAttribute(name.bytes, of: ino, into: buffer)
                return unsafe String(decoding: buffer[..<count], as: UTF8.self)
            } catch {
                #expect(error.code == ENODATA)
                return nil
            }
        }
        func change(_ name: StaticString, _ value: StaticString) -> Int32? {
            failure { () throws(FSError) in
                try test.fileSystem.setExtendedAttribute(
                    name.bytes, of: ino, to: value.bytes, mustExist: false, mustNotExist: false, caller: test.root)
            }
        }
        #expect(try get("user.memcached.flags") == "7" && get("user.memcached.exptime") == nil)
        #expect(change("user.memcached.flags", "8") == nil && change("user.memcached.exptime", "1000") == nil)
        #expect(try get("user.memcached.flags") == "8" && get("user.memcached.exptime") != nil)
        #expect(value("key") == "value")
        #expect(change("user.memcached.flags", "x") == EINVAL && change("user.memcached.flags", "-1") == EINVAL)
        #expect(change("user.other", "x") == EOPNOTSUPP)
        #expect(try get("user.other") == nil)
    }

    /// The errno of a call in or about the control directory, by what the call is.
    private func refusal(_ call: String) throws -> Int32? {
        set("key", "value")
        let page = try test.attributes("page")?.ino ?? test.create("page").0
        let key = try #require(try item("key"))
        let fileSystem = test.fileSystem
        return failure { () throws(FSError) in
            try named("new") { new throws(FSError) in
                try named(".memfisd") { control throws(FSError) in
                    switch call {
                    case "mkdir": _ = try fileSystem.makeDirectory(new, in: .controlItems, mode: 0, caller: test.root)
                    case "mkdir the name":
                        _ = try fileSystem.makeDirectory(control, in: .root, mode: 0, caller: test.root)
                    case "create the name":
                        _ = try fileSystem.create(
                            control, in: .root, mode: 0, isExclusive: false, caller: test.root,
                            OpenMode(flags: O_WRONLY, opener: 1))
                    case "symlink":
                        _ = try fileSystem.makeSymlink(new, in: .control, target: new, caller: test.root)
                    case "mknod":
                        _ = try fileSystem.makeNode(
                            new, in: .controlItems, mode: 0o010644, device: 0, caller: test.root)
                    case "link in": _ = try fileSystem.link(page, as: new, in: .controlItems)
                    case "link out": _ = try fileSystem.link(key, as: new, in: .root)
                    case "unlink a report": try fileSystem.unlink(new, in: .control)
                    case "rmdir": try fileSystem.removeDirectory(control, in: .root)
                    case "rename the name":
                        try fileSystem.rename(control, in: .root, to: new, in: .root, mode: .replace)
                    case "rename over the name":
                        try fileSystem.rename(new, in: .root, to: control, in: .root, mode: .replace)
                    case "rename out":
                        try fileSystem.rename(new, in: .controlItems, to: new, in: .root, mode: .replace)
                    case "rename in": try fileSystem.rename(new, in: .root, to: new, in: .controlItems, mode: .replace)
                    case "exchange":
                        try fileSystem.rename(new, in: .controlItems, to: new, in: .controlItems, mode: .exchange)
                    case "chmod":
                        var changes = AttributeChanges()
                        changes.mode = 0o644
                        _ = try fileSystem.setAttributes(of: key, changes, handle: nil)
                    case "truncate a report":
                        var changes = AttributeChanges()
                        changes.size = 0
                        _ = try fileSystem.setAttributes(of: .controlReport(0), changes, handle: nil)
                    case "allocate":
                        try fileSystem.allocate(key, at: 0, length: 1, mode: .allocate, handle: .readOnly)
                    case "copy":
                        _ = try fileSystem.copyRange(
                            from: key, at: 0, to: page, at: 0, length: 1, handle: .readOnly)
                    default: preconditionFailure("no such call")
                    }
                }
            }
        }
    }

    @Test(
        "what makes no sense there is refused",
        arguments: [
            ("mkdir", EPERM), ("mkdir the name", EPERM), ("create the name", EPERM), ("symlink", EPERM),
            ("mknod", EPERM),
            ("link in", EPERM), ("link out", EXDEV), ("unlink a report", EPERM), ("rmdir", EPERM),
            ("rename the name", EPERM), ("rename over the name", EPERM), ("rename out", EXDEV), ("rename in", EXDEV),
            ("exchange", EPERM), ("chmod", EPERM), ("truncate a report", EPERM), ("allocate", EOPNOTSUPP),
            ("copy", EOPNOTSUPP),
        ])
    func refusals(call: String, code: Int32) throws {
        #expect(try refusal(call) == code)
        #expect(value("key") == "value")
    }
}
