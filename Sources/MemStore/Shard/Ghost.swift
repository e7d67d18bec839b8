// Ghost: fingerprints of keys that were evicted. One that comes back soon
// was worth keeping, and goes to the main log at once (S3-FIFO's ghost queue).
// Source: Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023.
import Glibc

/// A shard's ghost list: a table of cache lines, each a small ring of 31 fingerprints of 16 bits.
/// It takes memory only from the first eviction on. GUARDED_BY the shard's lock.
@safe struct Ghost {
    private static let perLine = 31
    private let mapping: Mapping
    private let lineCountMax: Int
    private(set) var lineCount = 0

    init(sizeBytesMax: Int) throws(StoreSetupError) {
        mapping = try Mapping(sizeBytes: sizeBytesMax, what: "a ghost list")
        lineCountMax = mapping.sizeBytes / 64
    }

    func unmap() { mapping.unmap() }
    var sizeBytes: Int { lineCount * 64 }

    private func line(_ hash: UInt64) -> UnsafeMutablePointer<UInt16> {
        let number = Int(((hash >> 16 & 0xffff_ffff) &* UInt64(lineCount)) >> 32)
        return unsafe (mapping.base + number * 64).assumingMemoryBound(to: UInt16.self)
    }
    private static func fingerprint(_ hash: UInt64) -> UInt16 { max(1, UInt16(truncatingIfNeeded: hash)) }

    /// Whether the key of `hash` was evicted not long ago.
    @inline(__always) func contains(_ hash: UInt64) -> Bool { lineCount != 0 && containsSlowly(hash) }

    private func containsSlowly(_ hash: UInt64) -> Bool {
        let (line, wanted) = unsafe (line(hash), Self.fingerprint(hash))
        for place in 1...Self.perLine where unsafe line[place] == wanted { return true }
        return false
    }

    /// Remembers the key of `hash`, forgetting the oldest of its line.
    func insert(_ hash: UInt64) {
        guard lineCount != 0 else { return }
        let line = unsafe line(hash)
        let place = unsafe Int(line[0]) % Self.perLine + 1
        unsafe line[place] = Self.fingerprint(hash)
        unsafe line[0] = UInt16(place)
    }

    /// Makes the list fit for about as many keys as the shard holds. What it remembers is in the wrong lines then and soon
    /// overwritten. Returns the change of its size in bytes.
    mutating func fit(itemCount: Int) -> Int {
        let wanted = min(lineCountMax, max(8, itemCount / Self.perLine))
        guard lineCount == 0 || wanted > lineCount * 2 || wanted < lineCount / 3 else { return 0 }
        let before = sizeBytes
        lineCount = wanted
        if sizeBytes < before { mapping.discard(offset: sizeBytes, count: before - sizeBytes) }
        return sizeBytes - before
    }
}
