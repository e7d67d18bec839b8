// Invariants of a shard, checked by walking everything. For tests: it takes time in proportion to what is stored.

extension Shard {
    /// Checks what must hold between two commands. Takes the lock.
    func checkInvariants() {
        lock()
        defer { unlock() }
        var records = 0
        var itemBytes = 0
        for kind in [LogKind.probation, .main] {
            var attached = 0
            let live = checkList(of: kind) { segment in
                var live = 0
                self.visitRecords(of: segment) { reference in
                    let record = self.record(at: reference)
                    live += record.sizeBytes
                    records += 1
                    itemBytes += self.itemBytes(record)
                    let found = self.state.index.find(self.hash(of: record)) { $0 == reference }
                    precondition(found != nil, "the index names every live record")
                    if let content = record.content {
                        attached += Int(self.allocatedBytes(content))
                        self.checkContent(content)
                    }
                }
                return live
            }
            precondition(live == log(kind).liveBytes, "a log counts its live bytes")
            precondition(attached == log(kind).attachedBytes, "a log counts what its records hold outside")
        }
        precondition(records == state.index.count, "the index names live records only")
        precondition(records == state.statistics.itemCount, "items are counted")
        precondition(itemBytes == state.statistics.itemBytes, "the bytes of items are counted")
        checkDeadLists()
        let live = checkList(of: .pieces) { self.livePieceBytes(of: $0) }
        precondition(live == log(.pieces).liveBytes, "the pieces' log counts its live bytes")
    }

    /// Walks a log from its oldest segment; `measure` counts the live bytes of one.
    private func checkList(of kind: LogKind, _ measure: (UInt32) -> Int) -> Int {
        var segment = log(kind).oldest
        var previous: UInt32 = 0
        var (count, live) = (0, 0)
        while segment != 0 {
            precondition(arena[segment].previous == previous, "segments are linked both ways")
            precondition(arena[segment].log == kind && arena[segment].shard == number, "a segment knows its log")
            let measured = measure(segment)
            precondition(measured == Int(arena[segment].liveBytes), "a segment counts its live bytes")
            let dead = Int(arena[segment].usedBytes) - measured
            precondition(
                (dead * 16) >> arena.geometry.segmentShift == Int(arena[segment].deadShare),
                "a segment is counted among those as dead as it is")
            live += measured
            count += 1
            previous = segment
            segment = arena[segment].next
        }
        precondition(previous == log(kind).youngest, "the youngest segment is the last")
        precondition(count == log(kind).segmentCount, "segments are counted")
        return live
    }

    private func checkDeadLists() {
        for share in 1...16 {
            var segment = state.deadHeads[share]
            var previous: UInt32 = 0
            while segment != 0 {
                precondition(
                    arena[segment].deadShare == share && arena[segment].shard == number,
                    "a segment is in the list of its share")
                precondition(arena[segment].deadPrevious == previous, "segments are linked both ways")
                previous = segment
                segment = arena[segment].deadNext
            }
        }
        for kind in [LogKind.probation, .main, .pieces] where log(kind).target != 0 {
            precondition(arena[log(kind).target].log == kind, "a target belongs to its log")
        }
    }

    private func livePieceBytes(of segment: UInt32) -> Int {
        var (offset, live) = (0, 0)
        while offset < Int(arena[segment].usedBytes) {
            let header = unsafe arena.address(ofSegment: segment) + offset
            let piece = unsafe header.load(as: UInt32.self)
            let size = Self.pieceHeaderSizeBytes + Int(unsafe header.load(fromByteOffset: 4, as: UInt32.self))
            if piece != 0 {
                precondition(
                    state.pieces[piece].place == reference(segment: segment, offset: offset),
                    "the table knows where a piece is")
                precondition(state.pieces[piece].holderCount > 0, "a live piece has a holder")
                live += size
            }
            offset += size
        }
        return live
    }

    /// Checks the tree of a content: counts, and that memory is counted on the way up.
    func checkContent(_ content: Content) {
        _ = check(ContentReference(rawValue: content.root), level: depth(content))
    }

    private func check(_ reference: ContentReference, level: Int) -> UInt64 {
        guard !reference.isHole else { return 0 }
        guard level > 0 else {
            if let piece = reference.piece {
                precondition(state.pieces[piece].holderCount > 0, "a leaf that is used is held")
                precondition(state.pieces[piece].length <= state.pieces[piece].capacity, "a piece fits its place")
            }
            return allocatedBytes(ofLeaf: reference)
        }
        guard let node = reference.piece else { preconditionFailure("a node is a piece") }
        var below: UInt64 = 0
        for index in 0..<entryCount(ofNode: node) { below += check(entry(index, ofNode: node), level: level - 1) }
        precondition(below == allocatedBytes(reference, level: level), "a node counts the memory below it")
        return below
    }
}

extension StoreSession {
    /// Checks the whole store but the tree.
    func checkInvariants() {
        arena.checkInvariants()
        for number in 0..<shared.shardCount { shard(number: number).checkInvariants() }
    }
}
