// ContentLoan: bytes of a content that a door sends from where they lie. Whole blocks are held meanwhile, which makes a
// writer take a copy; what lies in pieces, which move, is copied out.
import Glibc

/// The pieces of one read and the blocks that are held for it.
///
/// SAFETY: owns its two arrays until `deallocate`; used by one thread.
@safe public struct ContentLoan {
    private let runs: UnsafeMutablePointer<iovec>
    private let blocks: UnsafeMutablePointer<UInt32>
    private let counts: UnsafeMutablePointer<(runs: Int, blocks: Int)>
    private let capacity: Int

    /// An empty loan that has room for `capacity` leaves.
    init(capacity: Int) {
        self.capacity = capacity
        unsafe runs = .allocate(capacity: capacity)
        unsafe blocks = .allocate(capacity: capacity)
        unsafe counts = .allocate(capacity: 1)
        unsafe counts.initialize(to: (0, 0))
    }

    func deallocate() {
        unsafe runs.deallocate()
        unsafe blocks.deallocate()
        unsafe counts.deallocate()
    }

    /// What is lent, in its order.
    @unsafe public var pieces: UnsafeMutableBufferPointer<iovec> {
        unsafe UnsafeMutableBufferPointer(start: runs, count: counts.pointee.runs)
    }

    /// The blocks that are held.
    var heldCount: Int { unsafe counts.pointee.blocks }
    func held(_ index: Int) -> UInt32 {
        precondition(index < heldCount, "no such block is held")
        return unsafe blocks[index]
    }

    /// Adds bytes; those that follow the last ones in memory make its piece longer.
    @unsafe func add(_ start: UnsafeMutableRawPointer, count: Int) {
        let last = unsafe counts.pointee.runs - 1
        if last >= 0, unsafe runs[last].iov_base + runs[last].iov_len == start {
            unsafe runs[last].iov_len += count
            return
        }
        precondition(last + 1 < capacity, "a loan has room for each leaf")
        unsafe runs[last + 1] = iovec(iov_base: start, iov_len: count)
        unsafe counts.pointee.runs += 1
    }

    /// Notes a block of which the caller has counted the loan as a holder.
    func hold(block: UInt32) {
        let count = unsafe counts.pointee.blocks
        precondition(count < capacity, "a loan has room for each leaf")
        unsafe blocks[count] = block
        unsafe counts.pointee.blocks += 1
    }
}

extension Shard {
    /// Lends bytes from `offset` on, as many as `buffer` has room for (fewer only at the end); the buffer takes what is
    /// not in blocks. The shard's lock is held.
    @unsafe func lend(
        _ content: Content, at offset: UInt64, through buffer: UnsafeMutableRawBufferPointer, _ loan: ContentLoan
    ) {
        guard let base = buffer.baseAddress else { return }
        _ = forEachPart(content, at: offset, countMax: buffer.count) { leaf, part in
            if let block = leaf.block {
                arena.retain(block: block)
                loan.hold(block: block)
                return unsafe loan.add(arena.address(ofBlock: block) + part.within, count: part.count)
            }
            let room = unsafe UnsafeMutableRawBufferPointer(start: base + part.done, count: part.count)
            _ = unsafe read(content, at: offset + UInt64(part.done), into: room)
            unsafe loan.add(base + part.done, count: part.count)
        }
    }
}
