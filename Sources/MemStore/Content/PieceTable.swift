// Piece: a run of bytes of a content, shorter than a block, in the pieces' log of its shard; or a node of a content's
// tree of blocks. It is found through the piece table, so moving one touches no inode and no record.
//
// In the log: 8 bytes of header (number of the piece, capacity), then the bytes.
import CShims
import Glibc

/// What the table knows of a piece.
struct PieceState {
    /// Where it is; for a free number the next free one.
    var place: Reference
    /// Holders: inodes' fields, items' records, nodes, leases. 0 = free.
    var holderCount: UInt32
    /// Bytes in use, and bytes that it can grow to in place.
    var length: UInt32
    var capacity: UInt32
    /// Leases in the lower bits, the mark of a node in the highest.
    private var leasesAndMark: UInt32 = 0

    init(place: Reference, holderCount: UInt32, length: UInt32, capacity: UInt32) {
        self.place = place
        self.holderCount = holderCount
        self.length = length
        self.capacity = capacity
    }

    /// Of the holders, those that are leases of readers.
    var leaseCount: UInt32 {
        get { leasesAndMark & ~(1 << 31) }
        set { leasesAndMark = leasesAndMark & 1 << 31 | newValue }
    }
    /// Whether it is a node of a content's tree, not bytes.
    var isNode: Bool {
        get { leasesAndMark >> 31 == 1 }
        set { leasesAndMark = leaseCount | (newValue ? 1 << 31 : 0) }
    }
}

/// The pieces of a shard by number. GUARDED_BY the shard's lock.
@safe struct PieceTable {
    private let mapping: Mapping
    private let entries: UnsafeMutablePointer<PieceState>
    private var next: UInt32 = 1
    private var free: UInt32 = 0
    private(set) var count = 0

    init(countMax: Int) throws(StoreSetupError) {
        mapping = try Mapping(sizeBytes: countMax * MemoryLayout<PieceState>.stride, what: "a piece table")
        unsafe entries = mapping.base.assumingMemoryBound(to: PieceState.self)
    }

    func unmap() { mapping.unmap() }

    subscript(number: UInt32) -> PieceState {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(entries + Int(number)) }
        @inline(__always) nonmutating unsafeMutableAddress { unsafe entries + Int(number) }
    }

    /// Fetches what is known of a piece into the cache. Needs no lock: it is a hint.
    @inline(__always) func prefetch(_ number: UInt32) { unsafe cs_prefetch(entries + Int(number)) }

    /// Where a piece is, read without the lock: a hint for fetching its bytes.
    @inline(__always) func peekPlace(_ number: UInt32) -> Reference { unsafe cs_peek32(entries + Int(number)) }

    /// Bytes of table that numbers have used so far.
    var sizeBytes: Int { Int(next) * MemoryLayout<PieceState>.stride }

    /// Whether a number is that of a node that somebody holds.
    func isNode(_ number: UInt32) -> Bool {
        number > 0 && number < next && self[number].holderCount > 0 && self[number].isNode
    }

    /// A free number.
    mutating func take() -> UInt32 {
        count += 1
        if free != 0 {
            let number = free
            free = self[number].place
            return number
        }
        next += 1
        return next - 1
    }

    mutating func giveBack(_ number: UInt32) {
        self[number] = PieceState(place: free, holderCount: 0, length: 0, capacity: 0)
        free = number
        count -= 1
    }
}

extension Shard {
    static let pieceHeaderSizeBytes = 8

    /// Bytes that a piece of `capacity` takes in the log.
    @inline(__always) static func pieceSizeBytes(capacity: Int) -> Int { (pieceHeaderSizeBytes + capacity + 7) & ~7 }

    /// Bytes that a piece of `capacity` takes in the log and in the table.
    @inline(__always) static func pieceCostBytes(capacity: Int) -> Int {
        pieceSizeBytes(capacity: capacity) + MemoryLayout<PieceState>.stride
    }

    /// A new piece with one holder. Its bytes are undefined.
    func makePiece(length: Int, capacity: Int, _ reservation: inout Reservation) -> UInt32 {
        let rounded = (capacity + 7) & ~7
        let (segment, offset) = append(Self.pieceHeaderSizeBytes + rounded, to: .pieces, &reservation)
        let before = state.pieces.sizeBytes
        let number = state.pieces.take()
        // Charged by whole pages, when one is touched first.
        let pages = (state.pieces.sizeBytes + 4095) / 4096 - (before + 4095) / 4096
        if pages > 0 { arena.charge(bytes: pages * 4096) }
        state.pieces[number] = PieceState(
            place: reference(segment: segment, offset: offset), holderCount: 1, length: UInt32(length),
            capacity: UInt32(rounded))
        let header = unsafe arena.address(ofSegment: segment) + offset
        unsafe header.storeBytes(of: number, as: UInt32.self)
        unsafe header.storeBytes(of: UInt32(rounded), toByteOffset: 4, as: UInt32.self)
        countFiles(bytes: Self.pieceCostBytes(capacity: rounded))
        return number
    }

    /// The address of a piece's bytes, good until the next append or reclaim.
    @inline(__always) @unsafe func bytes(ofPiece number: UInt32) -> UnsafeMutableRawPointer {
        unsafe address(of: state.pieces[number].place) + Self.pieceHeaderSizeBytes
    }

    /// Frees a piece whatever its holders.
    func freePiece(_ number: UInt32) {
        let place = state.pieces[number].place
        let size = Self.pieceHeaderSizeBytes + Int(state.pieces[number].capacity)
        countFiles(bytes: -Self.pieceCostBytes(capacity: Int(state.pieces[number].capacity)))
        // A reclaim that walks the log sees by this that nobody lives here.
        unsafe address(of: place).storeBytes(of: 0 as UInt32, as: UInt32.self)
        state.pieces.giveBack(number)
        bury(size, in: segment(of: place))
    }
}
