// Arena: the address space of the store, cut into segments and blocks, and the one counter that is the budget.

/// The store's memory.
///
/// SAFETY: maps its own address space and unmaps it in `destroy`; hands out disjoint blocks, each owned by
/// whoever took it until it gives it back.
@safe struct Arena {
    let state: UnsafeMutableRawPointer
    /// Bytes of a block: 16 KiB, less with a small limit (4 KiB at least). A power of two.
    var blockSizeBytes: Int { fatalError() }
    /// The address of a block; valid while it is taken. Its bytes are undefined when it is taken.
    @unsafe func address(ofBlock block: UInt32) -> UnsafeMutableRawPointer { fatalError() }
}

extension StoreSession {
    var arena: Arena { fatalError() }
    /// Takes one block out of the session's reservation (`reserve`), which must hold one. Never 0.
    func takeBlock() -> UInt32 { fatalError() }
    /// Gives a block back to the arena.
    func giveBack(block: UInt32) { fatalError() }
}
