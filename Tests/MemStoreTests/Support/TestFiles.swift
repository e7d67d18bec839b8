// Short forms of the file operations for tests: paths as strings, contents as strings.
@testable import MemStore

extension TestStore {
    static let user = Caller(uid: 1000, gid: 1000)

    private func split(_ path: String) throws -> (parent: Ino, name: [UInt8]) {
        var names = path.split(separator: "/", omittingEmptySubsequences: true).map { Array($0.utf8) }
        let last = names.popLast() ?? []
        var parent = Ino.root
        for name in names {
            let ino = try name.withBytes { (name) throws(StoreError) in try session.lookup(name, in: parent).ino }
            session.forget(ino, count: 1)
            parent = ino
        }
        return (parent, last)
    }

    private func withName<R>(_ path: String, _ body: (Bytes, Ino) throws(StoreError) -> R) throws -> R {
        let (parent, name) = try split(path)
        return try name.withBytes { (name) throws(StoreError) in try body(name, parent) }
    }

    /// stat(2); keeps no lookup.
    func stat(_ path: String) throws -> Attributes {
        if path == "/" { return try session.attributes(of: .root) }
        let attributes = try withName(path) { (name, parent) throws(StoreError) in try session.lookup(name, in: parent)
        }
        session.forget(attributes.ino, count: 1)
        return attributes
    }
    func ino(_ path: String) throws -> Ino { try stat(path).ino }
    func exists(_ path: String) -> Bool { (try? stat(path)) != nil }

    @discardableResult
    func makeDirectory(_ path: String, mode: UInt32 = 0o755, caller: Caller = user) throws -> Attributes {
        let made = try withName(path) { (name, parent) throws(StoreError) in
            try session.makeDirectory(name, in: parent, mode: mode, caller: caller)
        }
        session.forget(made.ino, count: 1)
        return made
    }
    @discardableResult
    func makeNode(_ path: String, mode: UInt32 = 0o100644, device: UInt32 = 0, caller: Caller = user) throws
        -> Attributes
    {
        let made = try withName(path) { (name, parent) throws(StoreError) in
            try session.makeNode(name, in: parent, mode: mode, device: device, caller: caller)
        }
        session.forget(made.ino, count: 1)
        return made
    }
    func makeSymlink(_ path: String, to target: String) throws {
        let made = try withName(path) { (name, parent) throws(StoreError) in
            try Array(target.utf8).withBytes { (target) throws(StoreError) in
                try session.makeSymlink(name, in: parent, target: target, caller: Self.user)
            }
        }
        session.forget(made.ino, count: 1)
    }
    func link(_ path: String, as newPath: String) throws {
        let ino = try ino(path)
        let made = try withName(newPath) { (name, parent) throws(StoreError) in
            try session.link(ino, as: name, in: parent)
        }
        session.forget(made.ino, count: 1)
    }
    func unlink(_ path: String) throws {
        try withName(path) { (name, parent) throws(StoreError) in try session.unlink(name, in: parent) }
    }
    func removeDirectory(_ path: String) throws {
        try withName(path) { (name, parent) throws(StoreError) in try session.removeDirectory(name, in: parent) }
    }
    func rename(_ path: String, to newPath: String, _ mode: RenameMode = .replace) throws {
        let (newParent, newName) = try split(newPath)
        try withName(path) { (name, parent) throws(StoreError) in
            try newName.withBytes { (newName) throws(StoreError) in
                try session.rename(name, in: parent, to: newName, in: newParent, mode: mode)
            }
        }
    }

    /// As `cp` would: creates the file or truncates it, writes, closes.
    func write(_ path: String, _ text: String) throws { try write(path, Array(text.utf8)) }
    func write(_ path: String, _ bytes: [UInt8]) throws {
        if !exists(path) { try makeNode(path) }
        let ino = try ino(path)
        try session.openFile(ino)
        var cut = AttributeChanges()
        cut.size = 0
        _ = try session.setAttributes(of: ino, cut, isOpen: true)
        try writePart(ino, at: 0, bytes)
        session.releaseFile(ino)
    }
    func writePart(_ ino: Ino, at offset: UInt64?, _ bytes: [UInt8], isAppending: Bool = false) throws {
        _ = try bytes.withBytes { (bytes) throws(StoreError) in
            try session.writeFile(ino, at: offset, bytes, isAppending: isAppending, clearsPrivileges: true)
        }
    }
    func writePart(_ ino: Ino, at offset: UInt64?, _ text: String, isAppending: Bool = false) throws {
        try writePart(ino, at: offset, Array(text.utf8), isAppending: isAppending)
    }
    func read(_ ino: Ino, at offset: UInt64 = 0, count: Int = 1 << 20) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        let length = try unsafe buffer.withUnsafeMutableBytes { try unsafe session.readFile(ino, at: offset, into: $0) }
        return Array(buffer[..<length])
    }
    func text(_ path: String) throws -> String { String(decoding: try read(try ino(path)), as: UTF8.self) }

    /// What the port answers for a file of the prefix `memfis://h`; nil for a miss.
    func page(_ path: String) -> String? { string("memfis://h" + path) }

    /// The names of a directory in its order, without `.` and `..`.
    func names(_ path: String) throws -> [String] {
        var names: [String] = []
        try session.readDirectory(try ino(path), after: 2, countsLookups: false) { entry, _ in
            names.append(String(decoding: entry.name.array, as: UTF8.self))
            return true
        }
        return names
    }

    func change(_ path: String, isOpen: Bool = false, _ body: (inout AttributeChanges) -> Void) throws {
        var changes = AttributeChanges()
        body(&changes)
        _ = try session.setAttributes(of: try ino(path), changes, isOpen: isOpen)
    }
    func check() { session.checkTreeInvariants() }
}
