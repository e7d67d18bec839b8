// SlotPool: small pieces of memory of a few sizes, named by 32-bit references,
// cut from arena blocks that go back when they are empty.
import Glibc

/// The first bytes of a block of a pool.
private struct ChunkHeader {
    /// Units of each slot in this chunk.
    var slotUnits: UInt16
    /// Slots in use.
    var usedCount: UInt16
    /// Unit of the first freed slot, 0 = none; each holds the next one's.
    var freeUnit: UInt16
    /// First unit that was never given out.
    var freshUnit: UInt16
    /// Neighbours among the chunks of this size that have room: chunk number + 1, 0 = none.
    var previous: UInt32
    var next: UInt32
}

/// Slots of 1 ... `slotUnitsMax` units. A reference is a chunk's number and a unit in it; 0 is none, since the first
/// unit of each chunk is its header. Freed slots keep their bytes but for those at `freeLinkOffset`.
///
/// `allocate` and `free` are guarded by the tree's pool lock; `address(of:)` may be called by whoever holds a right
/// to the slot.
/// SAFETY: references are made by `allocate` alone; the arena owns the blocks.
@safe struct SlotPool {
    /// Where a freed slot holds the link to the next one, in bytes.
    private static let freeLinkOffset = 2

    private let memory: TableMemory
    private let table: BlockTable
    private let unitShift: UInt32
    /// A reference less its unit, shifted, is its chunk.
    private let chunkShift: UInt32
    private let unitsPerChunk: Int
    /// [units] the first chunk + 1 with room for slots of that size; [0] the first free chunk number + 1;
    /// [slotUnitsMax + 1] chunk numbers given out so far; [slotUnitsMax + 2] chunks with a block.
    private let heads: UnsafeMutablePointer<UInt32>
    private let slotUnitsMax: Int

    /// A pool of units of `unitSizeBytes` (a power of two, at least 16).
    init(memory: TableMemory, unitSizeBytes: Int, slotUnitsMax: Int, chunkCountMax: Int) throws(StoreSetupError) {
        precondition(unitSizeBytes >= 16 && unitSizeBytes.nonzeroBitCount == 1, "units are powers of two")
        self.memory = memory
        unitShift = UInt32(unitSizeBytes.trailingZeroBitCount)
        unitsPerChunk = memory.arena.blockSizeBytes >> unitSizeBytes.trailingZeroBitCount
        chunkShift = UInt32(unitsPerChunk.trailingZeroBitCount)
        table = try BlockTable(capacity: min(chunkCountMax, 1 << (32 - unitsPerChunk.trailingZeroBitCount)))
        self.slotUnitsMax = slotUnitsMax
        unsafe heads = .allocate(capacity: slotUnitsMax + 3)
        unsafe heads.initialize(repeating: 0, count: slotUnitsMax + 3)
    }

    /// Frees the tables; the blocks are the arena's.
    func destroy() {
        table.destroy()
        unsafe heads.deallocate()
    }

    /// The address of a slot.
    @unsafe @inline(__always) func address(of reference: UInt32) -> UnsafeMutableRawPointer {
        let chunk = Int(reference >> chunkShift)
        let unit = Int(reference & ((1 << chunkShift) - 1))
        return unsafe memory.arena.address(ofBlock: table[chunk]) + (unit << Int(unitShift))
    }

    /// Whether a reference points into a chunk that exists (its slot may be free).
    func isMapped(_ reference: UInt32) -> Bool {
        reference & ((1 << chunkShift) - 1) != 0 && table.hasBlock(at: Int(reference >> chunkShift))
    }

    @unsafe private func header(_ chunk: Int) -> UnsafeMutablePointer<ChunkHeader> {
        unsafe memory.arena.address(ofBlock: table[chunk]).assumingMemoryBound(to: ChunkHeader.self)
    }

    /// Whether there is room for one more slot of any size, beside the memory for it.
    var hasRoom: Bool { unsafe heads[0] != 0 || Int(heads[slotUnitsMax + 1]) < table.capacity }

    /// Whether a slot of `units` can be had without another block.
    func hasSlot(units: Int) -> Bool { unsafe heads[units] != 0 }

    /// Takes a slot of `units`. Its bytes are zero or what the last owner left. The reservation holds a
    /// block, in case that a new chunk is needed.
    func allocate(units: Int, _ reservation: inout Reservation) -> UInt32 {
        precondition(units > 0 && units <= slotUnitsMax, "no slots of that size")
        if unsafe heads[units] == 0 { addChunk(units: units, &reservation) }
        let chunk = Int(unsafe heads[units]) - 1
        let header = unsafe header(chunk)
        let unit: UInt16
        if unsafe header.pointee.freeUnit != 0 {
            unit = unsafe header.pointee.freeUnit
            let slot = unsafe UnsafeMutableRawPointer(header) + (Int(unit) << Int(unitShift))
            unsafe header.pointee.freeUnit = slot.load(fromByteOffset: Self.freeLinkOffset, as: UInt16.self)
        } else {
            unit = unsafe header.pointee.freshUnit
            unsafe header.pointee.freshUnit += UInt16(units)
        }
        unsafe header.pointee.usedCount += 1
        if unsafe isFull(header.pointee) { unlink(chunk) }
        return UInt32(chunk) << chunkShift | UInt32(unit)
    }

    /// Gives a slot back; the last one of a chunk gives the block back.
    func free(_ reference: UInt32) {
        let chunk = Int(reference >> chunkShift)
        let header = unsafe header(chunk)
        let wasFull = unsafe isFull(header.pointee)
        let slot = unsafe address(of: reference)
        unsafe slot.storeBytes(of: header.pointee.freeUnit, toByteOffset: Self.freeLinkOffset, as: UInt16.self)
        unsafe header.pointee.freeUnit = UInt16(reference & ((1 << chunkShift) - 1))
        unsafe header.pointee.usedCount -= 1
        if wasFull { link(chunk) }
        if unsafe header.pointee.usedCount == 0 { removeChunk(chunk) }
    }

    /// The first slot from `reference` on, in use or free, of a pool whose slots have one unit. Nil: none follows.
    func nextSlot(from reference: UInt32) -> UInt32? {
        var chunk = Int(reference >> chunkShift)
        var unit = max(1, reference & ((1 << chunkShift) - 1))
        while chunk < Int(unsafe heads[slotUnitsMax + 1]) {
            if table.hasBlock(at: chunk), unit < UInt32(unsafe header(chunk).pointee.freshUnit) {
                return UInt32(chunk) << chunkShift | unit
            }
            chunk += 1
            unit = 1
        }
        return nil
    }

    private func isFull(_ header: ChunkHeader) -> Bool {
        header.freeUnit == 0 && Int(header.freshUnit) + Int(header.slotUnits) > unitsPerChunk
    }

    private func addChunk(units: Int, _ reservation: inout Reservation) {
        let chunk: Int
        if unsafe heads[0] != 0 {
            chunk = Int(unsafe heads[0]) - 1
            unsafe heads[0] = table[chunk] & ~BlockTable.isFreeBit
        } else {
            chunk = Int(unsafe heads[slotUnitsMax + 1])
            unsafe heads[slotUnitsMax + 1] += 1
        }
        let block = memory.takeBlock(&reservation)
        let address = unsafe memory.arena.address(ofBlock: block)
        unsafe memset(address, 0, memory.arena.blockSizeBytes)
        unsafe address.bindMemory(to: ChunkHeader.self, capacity: 1).initialize(
            to: ChunkHeader(
                slotUnits: UInt16(units), usedCount: 0, freeUnit: 0, freshUnit: 1, previous: 0, next: 0))
        table[chunk] = block
        unsafe heads[slotUnitsMax + 2] += 1
        link(chunk)
    }

    private func removeChunk(_ chunk: Int) {
        unlink(chunk)
        memory.giveBack(table[chunk])
        table[chunk] = unsafe heads[0] | BlockTable.isFreeBit
        unsafe heads[0] = UInt32(chunk) + 1
        unsafe heads[slotUnitsMax + 2] -= 1
    }

    private func link(_ chunk: Int) {
        let header = unsafe header(chunk)
        let units = Int(unsafe header.pointee.slotUnits)
        unsafe header.pointee.previous = 0
        unsafe header.pointee.next = heads[units]
        if unsafe heads[units] != 0 { unsafe self.header(Int(heads[units]) - 1).pointee.previous = UInt32(chunk) + 1 }
        unsafe heads[units] = UInt32(chunk) + 1
    }

    private func unlink(_ chunk: Int) {
        let header = unsafe header(chunk)
        let previous = unsafe header.pointee.previous
        let next = unsafe header.pointee.next
        if previous != 0 {
            unsafe self.header(Int(previous) - 1).pointee.next = next
        } else {
            unsafe heads[Int(header.pointee.slotUnits)] = next
        }
        if next != 0 { unsafe self.header(Int(next) - 1).pointee.previous = previous }
    }
}
