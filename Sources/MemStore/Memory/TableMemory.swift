// TableMemory: where the tree's tables get their blocks from. They count as memory of files, and they never move, so they
// are kept together.

/// The blocks of the tree's tables.
struct TableMemory {
    let arena: Arena
    /// The shard whose part of what files take they are counted in.
    private let shard: Shard

    init(countedIn shard: Shard) {
        arena = shard.arena
        self.shard = shard
    }

    /// Takes a block for which `reservation` holds one.
    func takeBlock(_ reservation: inout Reservation) -> UInt32 {
        shard.countFiles(bytes: arena.blockSizeBytes)
        let block = reservation.takeBlock()
        // What was reserved could have been for anything; here it is known.
        guard let better = arena.takeTableBlock() else { return block }
        arena.giveBack(block: block)
        return better
    }

    /// Gives a block back to the arena.
    func giveBack(_ block: UInt32) {
        shard.countFiles(bytes: -arena.blockSizeBytes)
        arena.giveBack(block: block)
    }
}
