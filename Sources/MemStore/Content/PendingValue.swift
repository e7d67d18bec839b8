// PendingValue: a value that arrives in pieces. It takes blocks as bytes arrive, never on the strength of an
// announced length, and becomes a content (or an inline value) when it is complete.
import Glibc

/// A value that is still arriving (see `StoreSession.beginValue`). Belongs to one connection; every one ends in
/// `commit` or `abandon`.
///
/// SAFETY: the pointer is the store's own and used by the one thread that has the connection.
@safe public struct PendingValue: @unchecked Sendable {  // moves with its connection, used by one thread at a time
    private let pointer: UnsafeMutablePointer<PendingState>
    var state: PendingState {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(pointer) }
        @inline(__always) nonmutating unsafeMutableAddress { unsafe pointer }
    }

    /// Bytes that have arrived.
    public var count: Int { state.count }

    init() {
        unsafe pointer = .allocate(capacity: 1)
        unsafe pointer.initialize(to: PendingState())
    }

    /// Frees the list of blocks, not the blocks.
    func deallocate() {
        unsafe state.blocks?.deallocate()
        unsafe pointer.deallocate()
    }
}

/// The blocks of a value so far.
@safe struct PendingState {
    var blocks: UnsafeMutablePointer<UInt32>?
    var blockCapacity = 0
    var blockCount = 0
    /// Bytes that have arrived.
    var count = 0
}

/// A value that a storage command brings: at hand, or received piece by piece.
enum ValueSource {
    case bytes(Bytes)
    case pending(PendingValue)
    var count: Int {
        switch self {
        case .bytes(let bytes): return bytes.count
        case .pending(let value): return value.state.count
        }
    }
}

extension StoreSession {
    /// Blocks taken ahead of the bytes at most: as much as one read of a socket brings, 1 MiB, but a small part of a small limit.
    /// `trim` gives back what it did not bring.
    private var blocksAheadMax: Int { arena.segmentSizeBytes >= 256 << 10 ? 64 : 16 }

    /// Begins a value that arrives in pieces. Takes no memory yet: that comes as bytes arrive.
    public func beginValue() -> PendingValue { PendingValue() }

    /// Room for the next bytes of a value of which `remaining` bytes (> 0) are still to come; never empty, at most
    /// `remaining` long. Nil: memory is lacking.
    @unsafe public func nextSpace(_ value: PendingValue, remaining: Int) -> UnsafeMutableRawBufferPointer? {
        var space = unsafe iovec()
        let count = unsafe withUnsafeMutablePointer(to: &space) { pointer in
            unsafe nextSpaces(value, remaining: remaining, into: UnsafeMutableBufferPointer(start: pointer, count: 1))
        }
        return count == 0 ? nil : (unsafe UnsafeMutableRawBufferPointer(start: space.iov_base, count: space.iov_len))
    }

    /// The same as runs for readv(2): fills `spaces` as far as there is room ahead, and returns how many runs there are;
    /// 0: memory is lacking.
    @unsafe public func nextSpaces(
        _ value: PendingValue, remaining: Int, into spaces: UnsafeMutableBufferPointer<iovec>
    ) -> Int {
        let blockSize = arena.blockSizeBytes
        // Do not stop at the end of a partly filled block: that would cost one more read(2) per value.
        let room = value.state.blockCount * blockSize - value.state.count
        let wanted = min((max(0, remaining - room) + blockSize - 1) / blockSize, blocksAheadMax)
        if wanted > 0, !takeBlocks(for: value, count: wanted), room == 0 { return 0 }
        guard let blocks = unsafe value.state.blocks else { preconditionFailure("there are blocks by now") }
        var (runs, offered) = (0, 0)
        var index = value.state.count / blockSize
        var within = value.state.count % blockSize
        while index < value.state.blockCount, offered < remaining {
            let start = unsafe arena.address(ofBlock: blocks[index]) + within
            let count = min(blockSize - within, remaining - offered)
            if runs > 0, unsafe spaces[runs - 1].iov_base + spaces[runs - 1].iov_len == start {
                unsafe spaces[runs - 1].iov_len += count
            } else {
                if runs == spaces.count { break }
                unsafe spaces[runs] = iovec(iov_base: start, iov_len: count)
                runs += 1
            }
            offered += count
            within = 0
            index += 1
        }
        return runs
    }

    private func takeBlocks(for value: PendingValue, count: Int) -> Bool {
        let needed = value.state.blockCount + count
        if needed > value.state.blockCapacity {
            let capacity = max(needed, value.state.blockCapacity * 2, 4)
            let grown = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity)
            if let old = unsafe value.state.blocks {
                unsafe grown.update(from: old, count: value.state.blockCount)
                unsafe old.deallocate()
            }
            unsafe value.state.blocks = grown
            value.state.blockCapacity = capacity
        }
        guard let blocks = unsafe value.state.blocks else { return false }
        let last = value.state.blockCount == 0 ? 0 : (unsafe blocks[value.state.blockCount - 1])
        var taken = unsafe arena.takeBlocks(count, near: last, into: blocks + value.state.blockCount)
        if taken == 0 {
            // What is begun can be filled first.
            if value.state.count < value.state.blockCount * arena.blockSizeBytes { return false }
            // One at a time when memory is short: it has to be made free first.
            do throws(StoreError) { try reserve(MemoryNeed(blocks: 1)) } catch { return false }
            unsafe blocks[value.state.blockCount] = state.reservation.takeBlock()
            taken = 1
        }
        value.state.blockCount += taken
        return true
    }

    /// Says that `count` bytes were put into the last `nextSpace`.
    public func advance(_ value: PendingValue, by count: Int) {
        value.state.count += count
        precondition(value.state.count <= value.state.blockCount * arena.blockSizeBytes, "a value stays in its space")
    }

    /// Gives back the blocks that hold no bytes yet. Call it when the sender has nothing more for now, so that
    /// a half-sent value takes no more memory than what was sent of it.
    public func trim(_ value: PendingValue) {
        let used = (value.state.count + arena.blockSizeBytes - 1) / arena.blockSizeBytes
        guard let blocks = unsafe value.state.blocks, value.state.blockCount > used else { return }
        _ = unsafe arena.release(blocks + used, count: value.state.blockCount - used)
        value.state.blockCount = used
    }

    /// Appends bytes that are at hand. False: memory is lacking.
    public func append(_ bytes: Bytes, to value: PendingValue) -> Bool {
        var rest = bytes
        while rest.count > 0 {
            guard let space = unsafe nextSpace(value, remaining: rest.count) else { return false }
            let count = space.count
            unsafe rest[0..<count].copy(to: space.baseAddress.unsafelyUnwrapped)
            advance(value, by: count)
            rest = rest[count..<rest.count]
        }
        return true
    }

    /// Ends a `PendingValue` and frees what it took.
    public func abandon(_ value: PendingValue) {
        if let blocks = unsafe value.state.blocks {
            _ = unsafe arena.release(blocks, count: value.state.blockCount)
        }
        value.deallocate()
    }

    /// The bytes of a pending value that lie in its first block.
    func firstBlock(of value: PendingValue) -> Bytes {
        guard value.state.count > 0, let blocks = unsafe value.state.blocks else { return .empty }
        return unsafe Bytes(arena.address(ofBlock: blocks[0]), count: min(value.state.count, arena.blockSizeBytes))
    }
}
