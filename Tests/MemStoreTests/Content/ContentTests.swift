import CShims
import Testing

@testable import MemStore

@Suite("Contents") struct ContentTests {
    /// One change of a content, its reservation and the shard's lock around it.
    private func change(_ test: TestStore, _ shard: Shard, _ need: MemoryNeed, _ body: () -> Void) throws {
        try test.session.reserve(need)
        shard.lock()
        body()
        shard.unlock()
    }

    private func bytes(_ shard: Shard, _ content: Content) -> [UInt8] {
        shard.lock()
        defer { shard.unlock() }
        var result = [UInt8](repeating: 0xee, count: Int(content.size))
        let count = unsafe result.withUnsafeMutableBytes { unsafe shard.read(content, at: 0, into: $0) }
        #expect(count == result.count)
        return result
    }

    @Test(
        "random writes, cuts and holes agree with an array, and other versions never change",
        arguments: [(1, 8), (2, 64), (3, 512)])
    func random(seed: Int, limitMiB: Int) throws {
        let test = try TestStore(limitMiB: limitMiB)
        let shard = test.session.shard(of: 5)
        var random = SeededRandom(UInt64(seed))
        var content = Content.empty
        var model: [UInt8] = []
        var versions: [(Content, [UInt8])] = []
        let sizeMax = 300_000
        for step in 0..<1500 {
            switch random.below(12) {
            case 0..<5:
                let offset = random.below(min(sizeMax, model.count + 5000) + 1)
                let new = random.bytes(random.below(random.below(4) == 0 ? 60_000 : 700) + 1)
                try change(test, shard, shard.need(forWriteAt: UInt64(offset), count: new.count, into: content)) {
                    new.withBytes { shard.write(&content, at: UInt64(offset), $0, &test.session.state.reservation) }
                }
                if model.count < offset { model += [UInt8](repeating: 0, count: offset - model.count) }
                let end = min(model.count, offset + new.count)
                model.replaceSubrange(offset..<end, with: new)
            case 5, 6:
                let size = random.below(sizeMax)
                try change(test, shard, shard.need(forCutOf: content)) {
                    shard.truncate(&content, to: UInt64(size), &test.session.state.reservation)
                }
                model =
                    size <= model.count
                    ? Array(model[..<size]) : model + [UInt8](repeating: 0, count: size - model.count)
            case 7:
                let from = random.below(model.count + 1)
                let to = from + random.below(40_000)
                try change(test, shard, shard.need(forCutOf: content)) {
                    shard.zero(&content, from: UInt64(from), to: UInt64(to), &test.session.state.reservation)
                }
                for index in from..<max(from, min(to, model.count)) { model[index] = 0 }
            case 8 where versions.count < 6:
                shard.lock()
                shard.retain(content)
                shard.unlock()
                versions.append((content, model))
            case 9 where !versions.isEmpty:
                let (old, oldModel) = versions.remove(at: random.below(versions.count))
                #expect(bytes(shard, old) == oldModel)
                shard.lock()
                shard.release(old)
                shard.unlock()
            default:
                #expect(bytes(shard, content) == model)
            }
            if step % 100 == 0 {
                shard.lock()
                shard.checkContent(content)
                shard.unlock()
                test.session.checkInvariants()
            }
        }
        #expect(bytes(shard, content) == model)
        shard.lock()
        for (old, _) in versions { shard.release(old) }
        shard.release(content)
        while shard.freeBuried(leafCount: 100) {}
        shard.unlock()
        test.session.checkInvariants()
        test.session.state.reservation.giveBack(keeping: MemoryNeed())
        #expect(shard.state.pieces.count == 0)
        #expect(shard.log(.pieces).liveBytes == 0)
    }

    @Test("a sparse content of a tebibyte takes a few nodes, and its holes are found")
    func sparse() throws {
        let test = try TestStore()
        let shard = test.session.shard(of: 1)
        var content = Content.empty
        let far: UInt64 = 1 << 40
        try change(test, shard, shard.need(forCutOf: content)) {
            shard.truncate(&content, to: far, &test.session.state.reservation)
        }
        try change(test, shard, shard.need(forWriteAt: far / 2, count: 3, into: content)) {
            Array("abc".utf8).withBytes { shard.write(&content, at: far / 2, $0, &test.session.state.reservation) }
        }
        shard.lock()
        #expect(shard.seek(content, from: 0, hole: false) == far / 2)
        #expect(shard.seek(content, from: 0, hole: true) == 0)
        #expect(shard.seek(content, from: far / 2, hole: true) == far / 2 + 3)
        #expect(shard.seek(content, from: far / 2 + 3, hole: false) == nil)
        #expect(shard.allocatedBytes(content) < 8192)
        shard.release(content)
        shard.unlock()
    }

    /// A content with a byte at the end of each of so many nodes of the lowest level, in a shard that is locked.
    private func scattered(_ test: TestStore, _ shard: Shard, nodeCount: Int) throws -> Content {
        var content = Content.empty
        let span = UInt64(ContentShape.fanout * test.session.arena.blockSizeBytes)
        for node in 1...UInt64(nodeCount) {
            try change(test, shard, shard.need(forWriteAt: node * span - 1, count: 1, into: content)) {
                [UInt8(node & 0xff)].withBytes {
                    shard.write(&content, at: node * span - 1, $0, &test.session.state.reservation)
                }
            }
        }
        return content
    }

    @Test("a hole copies the nodes on two ways down, however many are shared with another version")
    func sharedHole() throws {
        let test = try TestStore(limitMiB: 64)
        let shard = test.session.shard(of: 1)
        var content = try scattered(test, shard, nodeCount: 700)
        let published = content
        shard.lock()
        shard.retain(published)
        let piecesBefore = shard.state.pieces.count
        shard.unlock()
        let blockSize = UInt64(test.session.arena.blockSizeBytes)
        let (start, end) = (blockSize * 700 + 5, content.size - blockSize * 600 - 7)
        try change(test, shard, shard.need(forCutOf: content)) {
            shard.zero(&content, from: start, to: end, &test.session.state.reservation)
        }
        shard.lock()
        #expect(shard.state.pieces.count <= piecesBefore + 12)
        shard.checkContent(content)
        shard.checkContent(published)
        #expect(shard.seek(content, from: start, hole: false) == content.size - blockSize * 513)
        #expect(shard.seek(published, from: start, hole: false) == blockSize * 1023)
        shard.unlock()
        try change(test, shard, shard.need(forCutOf: content)) {
            shard.zero(&content, from: 0, to: .max, &test.session.state.reservation)
        }
        shard.lock()
        #expect(shard.allocatedBytes(content) == 0 && content.size == published.size)
        shard.release(content)
        shard.release(published)
        while shard.freeBuried(leafCount: 100) {}
        #expect(shard.state.pieces.count == 0)
        shard.unlock()
        test.session.checkInvariants()
    }

    @Test("what a cut or a hole takes out of a large content is freed in slices")
    func buried() throws {
        let test = try TestStore(limitMiB: 64)
        let shard = test.session.shard(of: 1)
        for isCut in [true, false] {
            var content = try scattered(test, shard, nodeCount: 40)
            try change(test, shard, shard.need(forCutOf: content)) {
                if isCut {
                    shard.truncate(&content, to: 1, &test.session.state.reservation)
                } else {
                    shard.zero(&content, from: 1, to: content.size, &test.session.state.reservation)
                }
            }
            shard.lock()
            #expect(shard.state.graveyard.count >= 39)
            shard.checkContent(content)
            shard.release(content)
            while shard.freeBuried(leafCount: 100) {}
            #expect(shard.state.pieces.count == 0)
            shard.unlock()
        }
        test.session.checkInvariants()
    }

    /// Bytes that only readers hold. Takes no lock.
    private func held(_ test: TestStore) -> Int {
        Int(truncatingIfNeeded: unsafe cs_load64(test.session.shared.heldByReaders))
    }

    @Test("bytes that only readers hold are counted until the last of them has gone, however the owner let go")
    func heldByReaders() throws {
        let test = try TestStore(limitMiB: 64)
        let shard = test.session.shard(of: 1)
        let blockSize = UInt64(test.session.arena.blockSizeBytes)
        let changes: [(inout Content) -> Void] = [
            { _ in },
            { content in [1].withBytes { shard.write(&content, at: 3, $0, &test.session.state.reservation) } },
            { shard.truncate(&$0, to: 2, &test.session.state.reservation) },
            { shard.zero(&$0, from: 0, to: 2, &test.session.state.reservation) },
            { shard.zero(&$0, from: 0, to: .max, &test.session.state.reservation) },
            { shard.truncate(&$0, to: blockSize * 10_000, &test.session.state.reservation) },
        ]
        for sizes in [[100, Int(blockSize) * 2 / 3], [Int(blockSize) * 700], [Int(blockSize) * 3]] {
            for change in changes {
                var content = Content.empty
                for size in sizes {
                    try self.change(test, shard, shard.need(forWriteAt: 0, count: size, into: content)) {
                        [UInt8](repeating: 1, count: size)
                            .withBytes { shard.write(&content, at: 0, $0, &test.session.state.reservation) }
                    }
                }
                let leased = content
                shard.lock()
                shard.lease(leased)
                shard.lease(leased)
                shard.unlock()
                try self.change(test, shard, shard.need(forCutOf: content)) { change(&content) }
                shard.lock()
                shard.release(content)
                while shard.freeBuried(leafCount: 100) {}
                #expect(held(test) == Int(shard.allocatedBytes(leased)))
                shard.endLease(leased)
                #expect(held(test) == Int(shard.allocatedBytes(leased)))
                shard.endLease(leased)
                #expect(held(test) == 0)
                while shard.freeBuried(leafCount: 100) {}
                #expect(shard.state.pieces.count == 0)
                shard.unlock()
            }
        }
    }
}
