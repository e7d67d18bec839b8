// StoreSession+Memory: how a session gets memory for a change, and the one loop in which changes are made.

/// What an attempt to change something came to, under the locks that the change needs.
enum Attempt<Result> {
    case done(Result)
    /// What it looked at has changed meanwhile.
    case again
    /// It needs so much reserved first, and files would grow by `growth` bytes. Nothing was changed, and no lock is held.
    case needs(MemoryNeed, growth: Int = 0, drawsOnCutReserve: Bool = false)
}

extension StoreSession {
    /// Makes attempts until one needs no more memory than is reserved, making memory free between them.
    ///
    /// An attempt takes its locks, looks what the change needs now, and either makes it or tells the need; in both cases it
    /// gives its locks back. The object may be another one by the next attempt.
    /// - Throws: noSpace; the last attempt has changed nothing.
    @inline(__always)
    func withMemory<Result>(_ attempt: () throws(StoreError) -> Attempt<Result>) throws(StoreError) -> Result {
        while true {
            switch try attempt() {
            case .done(let result): return result
            case .again: continue
            case .needs(let need, let growth, let drawsOnCutReserve):
                try makeFileRoom(for: growth)
                try reserve(need, drawsOnCutReserve: drawsOnCutReserve)
            }
        }
    }

    /// Makes sure that the session holds at least `need` in reserved memory, evicting cache items for it. No lock of
    /// the store may be held. What an operation does not use stays with the session until the next reservation, a small
    /// stash of it for longer.
    ///
    /// `drawsOnCutReserve`: for a cut, which may take what the arena keeps for cuts when there is nothing else; it gives back
    /// what it did not use by `endCut`.
    /// - Throws: noSpace.
    func reserve(_ need: MemoryNeed, drawsOnCutReserve: Bool = false) throws(StoreError) {
        state.reservation.giveBack(keeping: need.covering(state.stash))
        do throws(StoreError) {
            while !state.reservation.fill(to: need) { try makeRoom(keeping: need) }
        } catch {
            guard drawsOnCutReserve, need.blocks == 0 else { throw error }
            guard state.reservation.fillFromCutReserve(to: need) else {
                endCut()
                throw .noSpace
            }
        }
    }

    /// Gives back what was drawn on the reserve for cuts and not used. No lock is held.
    func endCut() { state.reservation.endCut() }

    /// Whether the session holds `need`.
    @inline(__always) func holds(_ need: MemoryNeed) -> Bool { state.reservation.holds(need) }

    /// Frees some memory when the arena has none: first what this session holds beyond `need`.
    /// - Throws: noSpace.
    private func makeRoom(keeping need: MemoryNeed) throws(StoreError) {
        if state.reservation.exceeds(need) { return state.reservation.giveBack(keeping: need) }
        if freeSome() || evictFiles() { return }
        state.reservation.giveBack(keeping: MemoryNeed())
        throw .noSpace
    }
}
