// Random changes of files through both doors against plain arrays, among items that come and go and make memory short.
import Testing

@testable import MemStore

/// A file as the mount and as the port should see it.
private struct ModelFile {
    var live: [UInt8] = []
    /// What is published; nil before the first time.
    var published: [UInt8]?
    var isDirty = true
    /// A write failed: it is not published until it is cut to nothing, synced or replaced by the port.
    var isSpoiled = false
    /// Cut to nothing and not written since: what the port appends goes to both contents.
    var isCut = false

    mutating func write(_ bytes: [UInt8], at offset: Int) {
        if live.count < offset + bytes.count { live += [UInt8](repeating: 0, count: offset + bytes.count - live.count) }
        live.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        (isDirty, isCut) = (true, false)
    }
    mutating func resize(to size: Int) {
        live = size < live.count ? Array(live[..<size]) : live + [UInt8](repeating: 0, count: size - live.count)
        (isDirty, isCut) = (true, size == 0)
        if size == 0 { isSpoiled = false }
    }
    mutating func spoil() { (isSpoiled, isCut) = (true, false) }
    mutating func zero(_ range: Range<Int>) {
        let part = range.clamped(to: 0..<live.count)
        live.replaceSubrange(part, with: [UInt8](repeating: 0, count: part.count))
        (isDirty, isCut) = (true, false)
    }
    mutating func publish() {
        guard isDirty, !isSpoiled else { return }
        published = live
        (isDirty, isCut) = (false, false)
    }
    mutating func append(_ bytes: [UInt8]) {
        guard let old = published else { return }
        guard isCut else { return replace(old + bytes) }
        published = old + bytes
        live += bytes
    }
    mutating func replace(_ bytes: [UInt8]) {
        live = bytes
        published = bytes
        (isDirty, isSpoiled, isCut) = (false, false, false)
    }
}

private struct FileModel {
    static let fileCount = 6
    let store: TestStore
    var random: SeededRandom
    var files: [String: ModelFile] = [:]

    init(seed: UInt64) throws {
        store = try TestStore(limitMiB: 8) { $0.servingUser = ServingUser(uid: 1000, gid: 1000, groups: []) }
        try store.change("/") { $0.mode = 0o777 }
        random = SeededRandom(seed)
    }

    /// The number of a file, which is made if there is none.
    mutating func ino(_ path: String) throws -> Ino {
        if files[path] == nil {
            try store.makeNode(path)
            files[path] = ModelFile()
        }
        return try store.ino(path)
    }

    /// A change through the mount. Without room nothing may have changed but what was written before that.
    mutating func changeLive(_ path: String) throws {
        let ino = try ino(path)
        let (offset, length) = (random.below(120_000), random.below(40_000) + 1)
        switch random.below(11) {
        case 0..<3:
            let bytes = random.bytes(length)
            try store.writePart(ino, at: UInt64(offset), bytes)
            files[path]?.write(bytes, at: offset)
        case 3:
            try store.change(path, isOpen: true) { $0.size = UInt64(offset) }
            files[path]?.resize(to: offset)
        case 4:
            try store.session.allocate(ino, at: UInt64(offset), length: UInt64(length), mode: .punchHole)
            files[path]?.zero(offset..<offset + length)
        case 5:
            let end = offset + length
            try store.session.allocate(ino, at: UInt64(offset), length: UInt64(length), mode: .allocate)
            if let file = files[path] { files[path]?.resize(to: max(file.live.count, end)) }
        case 6:
            let other = "/f\(random.below(Self.fileCount))"
            let source = try self.ino(other)
            let start = random.below(50_000)
            guard other != path, let bytes = files[other]?.live, start < bytes.count else { return }
            let part = Array(bytes[start..<min(bytes.count, start + length)])
            _ = try store.session.copyRange(
                from: source, at: UInt64(start), to: ino, at: UInt64(offset), length: UInt64(length))
            files[path]?.write(part, at: offset)
        case 7:
            try store.change(path, isOpen: true) { $0.size = 0 }
            files[path]?.resize(to: 0)
        case 8:
            try #require(throws: StoreError.fileTooLarge) { try store.writePart(ino, at: 1 << 60, "x") }
            files[path]?.spoil()
        case 9:
            // The first after a failure fails, where something was changed.
            if (try? store.session.syncFile(ino)) == nil { try store.session.syncFile(ino) }
            files[path]?.isSpoiled = false
            files[path]?.publish()
        default:
            store.session.publish(ino)
            files[path]?.publish()
        }
    }

    /// A command through the port.
    mutating func changePublished(_ path: String) throws {
        let key = "memfis://h" + path
        let bytes = random.bytes(random.below(60_000))
        switch random.below(5) {
        case 0, 1:
            let outcome =
                random.below(2) == 0 ? store.set(key, bytes).outcome : store.setInPieces(key, bytes, step: 9000).outcome
            try #require(outcome == .done)
            if files[path] == nil { files[path] = ModelFile() }
            files[path]?.replace(bytes)
        case 2:
            let published = files[path]?.published
            let outcome = store.set(key, bytes, StoreCommand(mode: .append)).outcome
            try #require(outcome == (published == nil ? .notStored : .done))
            if published != nil { files[path]?.append(bytes) }
        case 3 where random.below(4) == 0:
            let outcome = store.delete(key).outcome
            try #require((outcome == .done) == (files[path] != nil) || files[path]?.published == nil)
            if outcome == .done { files[path] = nil }
        default:
            let other = "/f\(random.below(Self.fileCount))"
            guard files[path] != nil, other != path else { return }
            try store.rename(path, to: other)
            files[other] = files.removeValue(forKey: path)
        }
    }

    /// Items, which files may push out, and which push the blocks and pieces of files about.
    mutating func churn() {
        for _ in 0..<20 {
            let size = [30, 300, 3000, 30_000][random.below(4)]
            store.set("item-\(random.below(5000))", [UInt8](repeating: 7, count: random.below(size)))
        }
        if random.below(20) == 0 { store.session.flushItems(at: nil) }
    }

    func check(_ path: String) throws {
        guard let file = files[path] else {
            try #require(store.get("memfis://h" + path) == nil)
            return
        }
        let ino = try store.ino(path)
        try #require(try store.read(ino) == file.live)
        try #require(store.get("memfis://h" + path)?.value == file.published)
        // What the store calls a hole reads as zeros.
        guard let hole = try? store.session.seek(ino, from: 0, data: false), Int(hole) < file.live.count else { return }
        let next = (try? store.session.seek(ino, from: hole, data: true)).map { Int($0) } ?? file.live.count
        let isZero = file.live[Int(hole)..<next].allSatisfy { $0 == 0 }
        try #require(isZero)
    }
}

@Suite("Property: files") struct FilePropertyTests {
    @Test("any changes of files through both doors agree with arrays")
    func agrees() throws {
        var model = try FileModel(seed: Property.seed("files"))
        for _ in 0..<Property.operationCount(1000) {
            let path = "/f\(model.random.below(FileModel.fileCount))"
            switch model.random.below(10) {
            case 0..<4: try model.changeLive(path)
            case 4..<6: try model.changePublished(path)
            case 6: model.churn()
            default: try model.check(path)
            }
            model.store.session.checkInvariants()
            model.store.check()
        }
        for number in 0..<FileModel.fileCount { try model.check("/f\(number)") }
    }
}
