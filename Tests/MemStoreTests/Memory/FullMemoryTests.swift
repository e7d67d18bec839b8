// What works when memory is full to the last segment: cuts, renames, and writes into what was set aside for them.
import Testing

@testable import MemStore

@Suite("Memory that is full")
struct FullMemoryTests {
    private static let limitsMiB = [2, 16, 64]

    /// Writes files until nothing fits any more, large ones first.
    private func fill(_ store: TestStore) throws {
        for (size, name) in [(200_000, "large"), (3000, "page"), (1, "small")] {
            let part = [UInt8](repeating: UInt8(ascii: "x"), count: size)
            var count = 0
            #expect(throws: StoreError.noSpace) {
                while count < 1_000_000 {
                    try store.makeNode("/\(name)\(count)")
                    count += 1
                    try store.writePart(try store.ino("/\(name)\(count - 1)"), at: 0, part)
                }
            }
        }
        #expect(throws: StoreError.noSpace) {
            for number in 0..<1_000_000 { try store.makeNode("/name\(number)") }
        }
    }

    @Test("a file is cut anywhere, by path and through an open file, written to or not", arguments: limitsMiB)
    func cuts(limitMiB: Int) throws {
        let store = try TestStore(limitMiB: limitMiB)
        var random = SeededRandom(31)
        let part = random.bytes(300_000)
        let names = ["/whole", "/open", "/written"]
        for name in names { try store.write(name, part) }
        try store.writePart(try store.ino("/written"), at: 5, part[5..<20_000] + [])
        try fill(store)
        for size in [299_999, 262_144, 200_001, 131_073, 65_536, 16_385, 9_000, 4096, 4095, 1] {
            for (number, name) in names.enumerated() {
                try store.change(name, isOpen: number > 0) { $0.size = UInt64(size) }
                #expect(try store.read(try store.ino(name)) == Array(part[..<size]))
            }
        }
        // Longer ones end in a hole.
        for name in names { try store.change(name, isOpen: true) { $0.size = 1 << 40 } }
        #expect(try store.read(try store.ino(names[0]), at: (1 << 40) - 3) == [0, 0, 0])
        for name in names { try store.change(name) { $0.size = 1 } }
        store.check()
        store.session.checkInvariants()
    }

    @Test("a cut leaves what a reader has begun to fetch as it was", arguments: limitsMiB)
    func cutsWhileRead(limitMiB: Int) throws {
        let store = try TestStore(limitMiB: limitMiB)
        var random = SeededRandom(32)
        let part = random.bytes(300_000)
        try store.write("/f", part)
        try fill(store)
        let (lease, length) = Array("memfis://h/f".utf8).withBytes { key in
            let view = store.session.beginGet(key, hash: store.session.hash(key))
            defer { store.session.endGet(view) }
            return (store.session.lease(view), view.headLength)
        }
        try store.change("/f") { $0.size = 100_001 }
        #expect(try store.text("/f").utf8.count != 300_000)
        #expect(try store.read(try store.ino("/f")) == Array(part[..<100_001]))
        var (read, offset) = ([UInt8](), 0)
        while offset < length {
            let run = store.session.pinRun(lease, at: offset, maxLength: 1 << 20)
            read += run.array
            offset += run.count
            store.session.unpin(run)
        }
        #expect(read == Array(part[..<length]))
        store.session.release(lease)
        store.check()
        store.session.checkInvariants()
    }

    @Test("a name takes another's place, and moves to where there is room for it", arguments: limitsMiB)
    func renames(limitMiB: Int) throws {
        let store = try TestStore(limitMiB: limitMiB)
        try store.write("/new", "new")
        try store.write("/page", "old")
        for name in ["/one", "/two", "/three"] { try store.write(name, "x") }
        try store.makeDirectory("/d")
        try fill(store)
        try store.rename("/new", to: "/page")
        #expect(store.page("/page") == "new")
        try store.rename("/page", to: "/one", .exchange)
        #expect(store.page("/one") == "new")
        try store.unlink("/two")
        // There is room for as long a name as was removed, and none for a long one.
        try store.rename("/page", to: "/d/two")
        #expect(try store.text("/d/two") == "x")
        #expect(throws: StoreError.noSpace) {
            try store.rename("/three", to: "/d/" + String(repeating: "n", count: 200))
        }
        #expect(try store.text("/three") == "x")
        store.check()
        store.session.checkInvariants()
    }

    @Test("what fallocate set aside behind the end is there when nothing else is", arguments: limitsMiB)
    func setAside(limitMiB: Int) throws {
        let store = try TestStore(limitMiB: limitMiB)
        var random = SeededRandom(33)
        let part = random.bytes(400_000)
        try store.write("/f", "begin")
        let ino = try store.ino("/f")
        try store.session.openFile(ino)
        let before = try store.stat("/f").blocks
        try store.session.allocate(ino, at: 0, length: 400_000, mode: .keepSize)
        #expect(try store.stat("/f").blocks >= before + (400_000 - 16_384) / 512)
        #expect(try store.stat("/f").size == 5)
        try fill(store)
        // In steps that end between blocks, and out of order.
        for start in [5, 1_000, 4_097, 20_000, 150_000, 33_333, 90_000] {
            let end = [5: 1_000, 1_000: 4_097, 4_097: 20_000, 20_000: 33_333, 33_333: 90_000, 90_000: 150_000][start]
            try store.writePart(ino, at: UInt64(start), Array(part[start..<(end ?? 400_000)]))
        }
        #expect(try store.read(ino) == Array("begin".utf8) + part[5...])
        // Behind what was set aside there is nothing.
        #expect(throws: StoreError.noSpace) {
            for step in 0..<100 { try store.writePart(ino, at: UInt64(400_000 + step * 50_000), part[..<50_000] + []) }
        }
        // The write that failed has spoiled the version: a program that wants it nevertheless syncs again.
        #expect(throws: StoreError.noSpace) { try store.session.syncFile(ino) }
        try store.session.syncFile(ino)
        store.session.releaseFile(ino)
        #expect(
            store.get("memfis://h/f")?.value.prefix(400_000).elementsEqual(Array("begin".utf8) + part[5...]) == true)
        store.check()
        store.session.checkInvariants()
    }

    @Test(
        "what was set aside and not used goes with a cut, a new value, or the file, and counts as the file's till then")
    func setAsideEnds() throws {
        let store = try TestStore(limitMiB: 16)
        try store.write("/warm", String(repeating: "x", count: 100_000))
        let empty = store.session.fileBytes
        for (number, end) in ["cut", "set", "unlink", "close"].enumerated() {
            try store.makeNode("/f", mode: 0o100666)
            let ino = try store.ino("/f")
            try store.session.openFile(ino)
            try store.writePart(ino, at: 0, "abc")
            let before = (store.session.fileBytes, try store.stat("/f").blocks)
            try store.session.allocate(ino, at: 1 << 20, length: 1 << 20, mode: .keepSize)
            try store.session.allocate(ino, at: 1 << 20, length: 1 << 20, mode: .keepSize)
            #expect(store.session.fileBytes == before.0 + 1 << 20)
            #expect(try store.stat("/f").blocks == before.1 + 2048)
            // A range beside it is set aside too, the part that both share once.
            try store.session.allocate(ino, at: 1 << 20, length: 3 << 19, mode: .keepSize)
            #expect(store.session.fileBytes == before.0 + 3 << 19)
            switch end {
            case "cut": try store.change("/f", isOpen: true) { $0.size = 3 }
            case "set": store.set("memfis://h/f", "def")
            case "unlink": break
            default: try store.change("/f", isOpen: true) { $0.size = 3 << 20 }
            }
            if number < 2 { #expect(store.session.fileBytes <= before.0) }
            store.session.releaseFile(ino)
            try store.unlink("/f")
            #expect(store.session.fileBytes <= empty + 3 * store.session.arena.blockSizeBytes)
            store.check()
        }
        // All or nothing.
        try store.makeNode("/g")
        #expect(throws: StoreError.noSpace) {
            try store.session.allocate(try store.ino("/g"), at: 0, length: 16 << 20, mode: .keepSize)
        }
        #expect(throws: StoreError.noSpace) {
            try store.session.allocate(try store.ino("/g"), at: 0, length: 1 << 50, mode: .keepSize)
        }
        #expect(try store.stat("/g").blocks == 0)
        store.session.checkInvariants()
    }

    @Test("much that was set aside goes in slices, each of which frees a bounded part", arguments: ["cut", "noRoom"])
    func setAsideSlices(end: String) throws {
        let store = try TestStore(limitMiB: 32)
        try store.makeNode("/f")
        let ino = try store.ino("/f")
        let arena = store.session.arena
        func takenBlocks() -> Int { arena.state.lock.withLock { arena.state.takenBlockBytes } / arena.blockSizeBytes }
        let (blockCount, fileBytes) = ((16 << 20) / arena.blockSizeBytes, store.session.fileBytes)
        if end == "cut" {
            try store.session.allocate(ino, at: 0, length: 16 << 20, mode: .keepSize)
            try store.change("/f") { $0.size = 0 }
        } else {
            #expect(throws: StoreError.noSpace) {
                try store.session.allocate(ino, at: 0, length: 32 << 20, mode: .keepSize)
            }
        }
        // They are the file's no longer, and not free yet.
        #expect(store.session.fileBytes == fileBytes)
        let waiting = takenBlocks()
        var (left, sliceCount) = (waiting, 0)
        let shard = store.session.shard(of: UInt32(truncatingIfNeeded: ino.rawValue))
        shard.lock()
        while shard.freeBuried(leafCount: Shard.graveyardSliceLeaves) {
            #expect(left - takenBlocks() <= Shard.graveyardSliceLeaves)
            (left, sliceCount) = (takenBlocks(), sliceCount + 1)
        }
        shard.unlock()
        #expect(waiting - left >= blockCount && sliceCount >= blockCount / Shard.graveyardSliceLeaves)
        // A writer who needs them at once gets them.
        try store.session.allocate(ino, at: 0, length: 16 << 20, mode: .keepSize)
        try store.change("/f") { $0.size = 0 }
        try store.makeNode("/g")
        try store.session.allocate(try store.ino("/g"), at: 0, length: 24 << 20, mode: .keepSize)
        store.check()
        store.session.checkInvariants()
    }
}
