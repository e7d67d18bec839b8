// Contents of files: read, write, sizes, holes, attributes, readdir.
import Testing

@testable import MemStore

@Suite("Files: contents") struct FileContentTests {
    let store: TestStore
    init() throws { store = try TestStore() }

    @Test("random writes, truncates, fallocates and copies agree with an array")
    func model() throws {
        var random = SeededRandom(11)
        var model: [UInt8] = []
        let ino = try store.makeNode("/f").ino
        let other = try store.makeNode("/g").ino
        try store.session.openFile(ino)
        for round in 0..<400 {
            let offset = random.below(200_000)
            let length = random.below(30_000) + 1
            let end = offset + length
            func grow() { if model.count < end { model += [UInt8](repeating: 0, count: end - model.count) } }
            switch random.below(8) {
            case 0, 1, 2:
                let bytes = random.bytes(length)
                try store.writePart(ino, at: UInt64(offset), bytes)
                grow()
                model.replaceSubrange(offset..<end, with: bytes)
            case 3:
                try store.change("/f", isOpen: true) { $0.size = UInt64(offset) }
                if model.count > offset {
                    model.removeLast(model.count - offset)
                } else {
                    model += [UInt8](repeating: 0, count: offset - model.count)
                }
            case 4:
                try store.session.allocate(ino, at: UInt64(offset), length: UInt64(length), mode: .punchHole)
                let last = min(end, model.count)
                if offset < last { for index in offset..<last { model[index] = 0 } }
            case 5:
                try store.session.allocate(ino, at: UInt64(offset), length: UInt64(length), mode: .zeroRange)
                grow()
                for index in offset..<end { model[index] = 0 }
            case 6:
                try store.session.allocate(ino, at: UInt64(offset), length: UInt64(length), mode: .allocate)
                grow()
            default:
                let count = try store.session.copyRange(
                    from: ino, at: UInt64(offset), to: other, at: 7, length: UInt64(length))
                #expect(Int(count) == max(0, min(length, model.count - offset)))
                let copied = try store.read(other, at: 7, count: Int(count))
                #expect(count == 0 || copied == Array(model[offset..<offset + Int(count)]))
            }
            #expect(try store.read(ino) == model, "round \(round)")
            if random.below(10) == 0 { store.session.publish(ino) }
        }
        store.session.releaseFile(ino)
        #expect(store.get("memfis://h/f")?.value == model)
        store.check()
    }

    @Test("an append goes to the end, wherever that is, and says where")
    func appends() throws {
        let ino = try store.makeNode("/f").ino
        try store.writePart(ino, at: 3, "x")
        let offset = try Array("y".utf8).withBytes { (bytes) throws(StoreError) in
            try store.session.writeFile(ino, at: nil, bytes, isAppending: true, clearsPrivileges: false)
        }
        #expect(offset == 4)
        #expect(try store.read(ino) == [0, 0, 0] + Array("xy".utf8))
        #expect(try store.read(ino, at: 5).isEmpty && store.read(ino, at: 1 << 60).isEmpty)
    }

    @Test("a sparse terabyte takes no memory, and its data is found")
    func sparse() throws {
        let ino = try store.makeNode("/f").ino
        try store.change("/f") { $0.size = 1 << 40 }
        try store.writePart(ino, at: 1 << 39, "data")
        let attributes = try store.stat("/f")
        #expect(attributes.size == 1 << 40 && attributes.blocks < 1000)
        let data = try store.session.seek(ino, from: 0, data: true)
        #expect(data <= 1 << 39 && data > (1 << 39) - 300_000)
        let hole = try store.session.seek(ino, from: 1 << 39, data: false)
        #expect(hole > 1 << 39 && hole <= (1 << 39) + 300_000)
        #expect(throws: StoreError.noOffset) { try store.session.seek(ino, from: hole, data: true) }
        #expect(throws: StoreError.noOffset) { try store.session.seek(ino, from: 1 << 40, data: false) }
        #expect(try store.session.seek(ino, from: 1 << 39 + 1 << 20, data: false) <= 1 << 40)
    }

    @Test("sizes above the largest are EFBIG, directories EISDIR, others EINVAL")
    func refusals() throws {
        let ino = try store.makeNode("/f").ino
        try store.makeDirectory("/d")
        try store.makeNode("/fifo", mode: 0o010644)
        #expect(throws: StoreError.fileTooLarge) { try store.writePart(ino, at: Limits.fileSizeMax, "x") }
        #expect(throws: StoreError.fileTooLarge) { try store.change("/f") { $0.size = Limits.fileSizeMax + 1 } }
        #expect(throws: StoreError.fileTooLarge) {
            try store.session.allocate(ino, at: Limits.fileSizeMax, length: 1, mode: .allocate)
        }
        #expect(throws: StoreError.invalid) { try store.session.allocate(ino, at: 0, length: 0, mode: .allocate) }
        #expect(throws: StoreError.isDirectory) { try store.change("/d") { $0.size = 0 } }
        #expect(throws: StoreError.invalid) { try store.change("/fifo") { $0.size = 0 } }
        #expect(throws: StoreError.isDirectory) { try store.writePart(try store.ino("/d"), at: 0, "x") }
        try store.writePart(ino, at: 0, "0123456789")
        #expect(throws: StoreError.invalid) {
            try store.session.copyRange(from: ino, at: 0, to: ino, at: 4, length: 5)
        }
        #expect(try store.session.copyRange(from: ino, at: 0, to: ino, at: 5, length: 5) == 5)
        #expect(try store.text("/f") == "0123401234")
    }

    @Test(
        "a store full of files that leave a segment's end empty refuses the next one instead of reclaiming without end")
    func noSpaceBehindPieces() throws {
        let store = try TestStore(limitMiB: 16)
        // Ten of them fill 30 of 32 KiB.
        let page = [UInt8](repeating: UInt8(ascii: "x"), count: 3000)
        for round in 0..<2 {
            var count = 0
            #expect(throws: StoreError.noSpace) {
                while count < 10_000 {
                    try store.write("/\(round)-\(count)", page)
                    count += 1
                }
            }
            #expect(count > 100)
            for number in stride(from: 0, to: count, by: 9) { try store.unlink("/\(round)-\(number)") }
        }
        #expect(store.get("memfis://h/0-1")?.value == page)
        store.check()
    }

    @Test("a write that does not fit is ENOSPC and harms nothing; removing or cutting to nothing makes room")
    func noSpace() throws {
        let store = try TestStore(limitMiB: 2)
        try store.write("/keep", "kept")
        let ino = try store.makeNode("/f").ino
        var random = SeededRandom(12)
        let part = random.bytes(50_000)
        var written: UInt64 = 0
        #expect(throws: StoreError.noSpace) {
            while written < 1 << 30 {
                try store.writePart(ino, at: written, part)
                written += 50_000
            }
        }
        #expect(written > 500_000)
        #expect(throws: StoreError.noSpace) {
            try store.session.allocate(ino, at: 0, length: 1 << 33, mode: .allocate)
        }
        #expect(store.page("/keep") == "kept")
        #expect(try store.stat("/f").size == written)
        // Fills what is left of the last blocks and segments.
        for number in 0..<10_000 where (try? store.write("/small\(number)", "little")) == nil { break }
        try store.change("/f") { $0.size = 0 }
        try store.unlink("/f")
        try store.write("/g", part)
        #expect(store.get("memfis://h/g")?.value == part)
        store.check()
    }

    @Test("chmod, chown and utimensat change what they say, and the ctime")
    func attributes() throws {
        try store.makeNode("/f", mode: 0o106775)
        let before = try store.stat("/f")
        let moment = Timestamp(seconds: -5, nanoseconds: 123_456_789)
        try store.change("/f") {
            $0.atime = .at(moment)
            $0.mtime = .at(Timestamp(seconds: 1 << 33, nanoseconds: 1))
        }
        var after = try store.stat("/f")
        #expect(after.atime == moment && after.mtime.seconds == 1 << 33 && after.ctime != before.ctime)
        #expect(after.mode == before.mode)
        try store.change("/f") {
            $0.uid = 7
            $0.clearedMode = 0o6000
        }
        after = try store.stat("/f")
        #expect(after.uid == 7 && after.gid == 1000 && after.mode == 0o100775)
        try store.change("/f") {
            $0.mode = 0o7777
            $0.dropsSetgid = true
        }
        #expect(try store.stat("/f").mode == 0o105777)
    }

    @Test("bits that are cleared go from the mode that a file has then, or from the new one")
    func clearedBits() throws {
        try store.makeNode("/f", mode: 0o104755)
        try store.change("/f") { $0.mode = 0o2600 }
        try store.change("/f") { $0.clearedMode = 0o4000 }
        #expect(try store.stat("/f").mode == 0o102600, "a chmod in between stays")
        try store.change("/f") {
            $0.mode = 0o6711
            $0.clearedMode = 0o4000
        }
        #expect(try store.stat("/f").mode == 0o102711)
    }

    @Test("a write clears suid and sgid when asked to")
    func writeClears() throws {
        let ino = try store.makeNode("/f", mode: 0o106755).ino
        try store.writePart(ino, at: 0, "x")
        #expect(try store.stat("/f").mode == 0o100755)
    }

    @Test("readdir shows what exists throughout exactly once, while names come and go")
    func readdir() throws {
        try store.makeDirectory("/d")
        for number in 0..<500 { try store.makeNode("/d/\(number)") }
        let ino = try store.ino("/d")
        var random = SeededRandom(13)
        var seen: [String: Int] = [:]
        var cookie: UInt64 = 0
        var removed: Set<String> = []
        var added = 500
        var done = false
        while !done {
            done = true
            var batch = 0
            try store.session.readDirectory(ino, after: cookie, countsLookups: false) { entry, attributes in
                guard batch < 7 else { return false }
                batch += 1
                cookie = entry.cookie
                done = false
                #expect(entry.ino == attributes.ino)
                seen[String(decoding: entry.name.array, as: UTF8.self), default: 0] += 1
                return true
            }
            for _ in 0..<3 {
                let name = String(random.below(500))
                if !removed.contains(name) {
                    removed.insert(name)
                    try store.unlink("/d/" + name)
                }
            }
            if added < 700 {
                try store.makeNode("/d/\(added)")
                added += 1
            }
        }
        for number in 0..<500 where !removed.contains(String(number)) { #expect(seen[String(number)] == 1) }
        #expect(seen.values.allSatisfy { $0 == 1 })
        #expect(seen["."] == 1 && seen[".."] == 1)
        store.check()
    }

    @Test("readdirplus counts a lookup for each entry it showed, but for the dots")
    func readdirplus() throws {
        try store.makeNode("/a")
        try store.makeNode("/b")
        let a = try store.ino("/a")
        let b = try store.ino("/b")
        try store.session.readDirectory(.root, after: 0, countsLookups: true) { entry, _ in
            entry.ino != b
        }
        try store.unlink("/a")
        try store.unlink("/b")
        #expect(try store.session.attributes(of: a).linkCount == 0)
        #expect(throws: StoreError.stale) { try store.session.attributes(of: b) }
        store.session.forget(a, count: 1)
        #expect(throws: StoreError.stale) { try store.session.attributes(of: a) }
    }

    @Test("an empty file with a name of 20 bytes takes at most 300 bytes")
    func fileSize() throws {
        let store = try TestStore(limitMiB: 64)
        try store.makeDirectory("/d")
        let before = store.store.statistics()
        for number in 0..<20_000 { try store.makeNode("/d/name-of-20-bytes-\(10_000 + number)") }
        let after = store.store.statistics()
        let bytes =
            (after.memoryUsedBytes - after.memoryFreeBlockBytes)
            - (before.memoryUsedBytes - before.memoryFreeBlockBytes)
        #expect(bytes / 20_000 <= 220, "\(bytes / 20_000) bytes a file")
        for number in 0..<20_000 { try store.unlink("/d/name-of-20-bytes-\(10_000 + number)") }
        let end = store.store.statistics()
        let left =
            (end.memoryUsedBytes - end.memoryFreeBlockBytes) - (before.memoryUsedBytes - before.memoryFreeBlockBytes)
        #expect(left < 100_000, "\(left) bytes left")
        store.check()
    }

    @Test("statfs counts files as used and cache items as available")
    func statistics() throws {
        let before = store.session.filesystemStatistics()
        var random = SeededRandom(14)
        for number in 0..<20 { store.set("item\(number)", random.bytes(50_000)) }
        let items = store.session.filesystemStatistics()
        #expect(items.blocksFree < before.blocksFree && items.blocksAvailable > items.blocksFree)
        try store.write("/f", random.bytes(1_000_000))
        let files = store.session.filesystemStatistics()
        #expect(files.blocksAvailable < items.blocksAvailable && files.blocks == before.blocks)
    }
}
