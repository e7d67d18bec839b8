// The list of keys that were evicted: what it remembers, for how long, and what it takes.
import Testing

@testable import MemStore

@Suite struct GhostTests {
    /// Hashes that fall into one line of a list of eight.
    private func hash(_ fingerprint: UInt16, line: UInt64 = 0) -> UInt64 { line << 45 | UInt64(fingerprint) }

    @Test("a list without memory remembers nothing")
    func empty() throws {
        let ghost = try Ghost(sizeBytesMax: 4096)
        defer { ghost.unmap() }
        ghost.insert(hash(5))
        #expect(!ghost.contains(hash(5)) && ghost.sizeBytes == 0)
    }

    @Test("a key is remembered until 31 others of its line have come")
    func forgets() throws {
        var ghost = try Ghost(sizeBytesMax: 4096)
        defer { ghost.unmap() }
        #expect(ghost.fit(itemCount: 10) == 512)
        ghost.insert(hash(1))
        for number in 2...31 { ghost.insert(hash(UInt16(number))) }
        #expect(ghost.contains(hash(1)))
        ghost.insert(hash(32))
        #expect(!ghost.contains(hash(1)) && ghost.contains(hash(2)) && ghost.contains(hash(32)))
        #expect(!ghost.contains(hash(2, line: 7)), "another line knows nothing of it")
    }

    @Test("a fingerprint of zero counts as one, so that an empty place is nobody's")
    func zero() throws {
        var ghost = try Ghost(sizeBytesMax: 4096)
        defer { ghost.unmap() }
        _ = ghost.fit(itemCount: 10)
        #expect(!ghost.contains(hash(0)))
        ghost.insert(hash(0))
        #expect(ghost.contains(hash(0)) && ghost.contains(hash(1)))
    }

    @Test("it grows and shrinks with the items, by steps, and never past its most")
    func fits() throws {
        var ghost = try Ghost(sizeBytesMax: 8192)
        defer { ghost.unmap() }
        #expect(ghost.fit(itemCount: 31 * 20) == 20 * 64)
        #expect(ghost.fit(itemCount: 31 * 40) == 0, "twice as many are no reason yet")
        #expect(ghost.fit(itemCount: 31 * 41) == 21 * 64)
        #expect(ghost.fit(itemCount: 1 << 30) == (128 - 41) * 64)
        ghost.insert(hash(9, line: 0))
        #expect(ghost.fit(itemCount: 0) == -(128 - 8) * 64)
        #expect(ghost.contains(hash(9, line: 0)))
    }
}
