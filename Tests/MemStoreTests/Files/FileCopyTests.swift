// copy_file_range: what is shared, and that sharing is never seen.
import Testing

@testable import MemStore

@Suite("Files: copying ranges") struct FileCopyTests {
    let store: TestStore
    let blockSize: Int
    init() throws {
        store = try TestStore(limitMiB: 16)
        blockSize = store.session.arena.blockSizeBytes
    }

    private func file(_ path: String, blocks: Int, seed: UInt64) throws -> (Ino, [UInt8]) {
        var random = SeededRandom(seed)
        let bytes = random.bytes(blocks * blockSize)
        try store.write(path, bytes)
        return (try store.ino(path), bytes)
    }

    private func copy(_ source: Ino, _ offset: Int, _ target: Ino, _ targetOffset: Int, _ count: Int) throws -> Int {
        Int(
            try store.session.copyRange(
                from: source, at: UInt64(offset), to: target, at: UInt64(targetOffset), length: UInt64(count)))
    }

    @Test("whole blocks take no memory a second time, whichever shard the files are in")
    func sharing() throws {
        let (source, bytes) = try file("/source", blocks: 600, seed: 1)
        let before = store.store.statistics().memoryUsedBytes
        for number in 0..<10 {
            let target = try store.makeNode("/copy\(number)").ino
            #expect(try copy(source, 0, target, 0, bytes.count) == bytes.count)
            #expect(try store.read(target, count: bytes.count + 1) == bytes)
            store.session.publish(target)
        }
        #expect(store.store.statistics().memoryUsedBytes - before < bytes.count)
        #expect(store.get("memfis://h/copy9")?.value == bytes)
        store.check()
    }

    @Test("a write to either file, and its end, leave the other as it was")
    func independence() throws {
        let (source, bytes) = try file("/source", blocks: 20, seed: 2)
        let target = try store.makeNode("/target").ino
        #expect(try copy(source, 0, target, 0, bytes.count) == bytes.count)
        try store.writePart(target, at: UInt64(blockSize + 5), "other")
        try store.writePart(source, at: UInt64(3 * blockSize), "changed")
        try store.session.allocate(target, at: UInt64(7 * blockSize + 1), length: 100, mode: .punchHole)
        var model = bytes
        model.replaceSubrange(blockSize + 5..<blockSize + 10, with: Array("other".utf8))
        model.replaceSubrange(7 * blockSize + 1..<7 * blockSize + 101, with: repeatElement(0, count: 100))
        #expect(try store.read(target, count: model.count) == model)
        store.session.publish(source)
        try store.unlink("/source")
        #expect(try store.read(target, count: model.count) == model)
        try store.change("/target") { $0.size = UInt64(2 * blockSize + 9) }
        #expect(try store.read(target, count: model.count) == Array(model[..<(2 * blockSize + 9)]))
        store.check()
    }

    @Test("all memory comes back when the last file that shares it goes")
    func release() throws {
        let before = store.store.statistics()
        let filesBefore = store.session.fileBytes
        let (source, bytes) = try file("/source", blocks: 300, seed: 3)
        for number in 0..<5 {
            let target = try store.makeNode("/copy\(number)").ino
            #expect(try copy(source, 0, target, 0, bytes.count) == bytes.count)
        }
        for path in ["/copy3", "/source", "/copy0", "/copy4", "/copy1"] { try store.unlink(path) }
        #expect(try store.read(store.ino("/copy2"), count: bytes.count) == bytes)
        try store.unlink("/copy2")
        #expect(store.store.statistics().fileCount == before.fileCount)
        #expect(store.session.fileBytes - filesBefore < bytes.count / 10)
        store.check()
    }

    @Test("ranges at any offsets, in one file too, are what a copy in memory has")
    func model() throws {
        var random = SeededRandom(4)
        let (one, oneBytes) = try file("/one", blocks: 12, seed: 5)
        let (two, twoBytes) = try file("/two", blocks: 7, seed: 6)
        var models = [oneBytes, twoBytes]
        let files = [one, two]
        for round in 0..<400 {
            let (from, to) = (random.below(2), random.below(2))
            // Half of the offsets are those of blocks.
            func place(_ bound: Int) -> Int {
                let place = random.below(bound)
                return random.below(2) == 0 ? place : place / blockSize * blockSize
            }
            let (offset, target) = (place(models[from].count), place(14 * blockSize))
            let length = min(place(6 * blockSize) + random.below(2) * blockSize, models[from].count - offset)
            if length == 0 || from == to, abs(offset - target) < max(1, length) { continue }
            #expect(try copy(files[from], offset, files[to], target, length) == length)
            let part = models[from][offset..<offset + length]
            if models[to].count < target + length {
                models[to] += Array(repeating: 0, count: target + length - models[to].count)
            }
            models[to].replaceSubrange(target..<target + length, with: part)
            if round % 7 == 0 { store.session.publish(files[to]) }
            for index in 0..<2 {
                #expect(try store.read(files[index], count: 1 << 20) == models[index], "round \(round)")
            }
        }
        store.check()
    }
}
