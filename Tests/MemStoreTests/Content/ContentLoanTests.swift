// Reads without a copy: what is lent is what a read would have copied, and stays so until it is given back.
import Testing

@testable import MemStore

@Suite("Files: lent contents") struct ContentLoanTests {
    let store: TestStore
    init() throws { store = try TestStore() }

    /// The bytes of a loan, shown to `meanwhile` before it is given back; returns them as they were afterwards.
    private func lend(
        _ ino: Ino, at offset: UInt64 = 0, count: Int, meanwhile: ([UInt8]) throws -> Void = { _ in }
    ) throws -> [UInt8] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 8)
        defer { unsafe buffer.deallocate() }
        let loan = try unsafe store.session.lendFile(ino, at: offset, through: buffer)
        defer { store.session.giveBack(loan) }
        func bytes() -> [UInt8] {
            unsafe loan.pieces.flatMap { unsafe Array(UnsafeRawBufferPointer(start: $0.iov_base, count: $0.iov_len)) }
        }
        try meanwhile(bytes())
        return bytes()
    }

    @Test("a loan of any range shows what a read copies: blocks, pieces and holes")
    func ranges() throws {
        var random = SeededRandom(5)
        let ino = try store.makeNode("/f").ino
        try store.writePart(ino, at: 0, random.bytes(100_001))
        try store.writePart(ino, at: 250_000, random.bytes(50_000))
        for _ in 0..<300 {
            let offset = UInt64(random.below(310_000))
            let count = random.below(200_000) + 1
            #expect(try lend(ino, at: offset, count: count) == (try store.read(ino, at: offset, count: count)))
        }
        store.check()
    }

    @Test("what is lent stays as it was while the file is overwritten, cut and removed, and is free afterwards")
    func stays() throws {
        let before = store.session.fileBytes
        let content = [UInt8](repeating: 7, count: 200_000)
        try store.write("/f", content)
        let ino = try store.ino("/f")
        let lent = try lend(ino, count: content.count) { shown in
            #expect(shown == content)
            try store.writePart(ino, at: 10, [UInt8](repeating: 9, count: 150_000))
            #expect(try store.read(ino, at: 10, count: 1) == [9])
            try store.change("/f") { $0.size = 0 }
            try store.unlink("/f")
        }
        #expect(lent == content)
        #expect(store.session.fileBytes == before)
        store.check()
    }

    @Test("nothing is lent behind the end, nor of a directory")
    func nothing() throws {
        try store.write("/f", "short")
        #expect(try lend(try store.ino("/f"), at: 5, count: 100).isEmpty)
        #expect(throws: StoreError.isDirectory) { try lend(.root, count: 100) }
    }
}
