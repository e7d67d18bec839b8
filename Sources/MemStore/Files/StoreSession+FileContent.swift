// FileOperations+Content: read and write of the live content, fallocate and lseek.

extension StoreSession {
    /// Reads live content at `offset`; returns the bytes copied, fewer only at the end of the file.
    /// - Throws: isDirectory, invalid, stale.
    @unsafe public func readFile(_ ino: Ino, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer)
        throws(StoreError) -> Int
    {
        let (inode, shard) = try lockFile(ino)
        defer { shard.unlock() }
        inode.fields.state.insert(.used)
        guard offset < inode.fields.liveSize, buffer.count > 0 else { return 0 }
        return unsafe shard.read(inode.fields.live, at: offset, into: buffer)
    }

    /// Reads live content at `offset`, as many bytes as `buffer` has room for, without copying those that lie in blocks:
    /// nobody changes them until the loan is given back. `buffer`, to be kept as long, takes the rest.
    /// - Throws: isDirectory, invalid, stale.
    @unsafe public func lendFile(
        _ ino: Ino, at offset: UInt64, through buffer: UnsafeMutableRawBufferPointer
    ) throws(StoreError) -> ContentLoan {
        let (inode, shard) = try lockFile(ino)
        defer { shard.unlock() }
        inode.fields.state.insert(.used)
        let loan = ContentLoan(capacity: buffer.count >> arena.geometry.blockShift + 2)
        unsafe shard.lend(inode.fields.live, at: offset, through: buffer, loan)
        return loan
    }

    /// Ends a loan.
    public func giveBack(_ loan: ContentLoan) {
        for index in 0..<loan.heldCount where arena.release(block: loan.held(index)) {
            // Which shard it was of is not known any more, and does not matter for the sum.
            shard(number: 0).countFiles(bytes: -arena.blockSizeBytes)
        }
        loan.deallocate()
    }

    /// Writes live content at `offset` (at the end, if nil) and returns the offset written to. The first write
    /// makes the live content a version of its own; the published one stays as it was.
    /// `isAppending`: the handle has O_APPEND (see `StoreConfiguration.publishIntervalSeconds`).
    /// - Throws: isDirectory, invalid, fileTooLarge, noSpace, stale.
    public func writeFile(
        _ ino: Ino, at offset: UInt64?, _ bytes: Bytes, isAppending: Bool, clearsPrivileges: Bool
    ) throws(StoreError) -> UInt64 {
        try spoilingOnFailure(ino, isAppending: isAppending) { () throws(StoreError) in
            try writeLive(ino, at: offset, bytes, isAppending: isAppending, clearsPrivileges: clearsPrivileges)
        }
    }

    /// The same as a step of a change, whose failure the change as a whole answers for.
    func writeLive(
        _ ino: Ino, at offset: UInt64?, _ bytes: Bytes, isAppending: Bool, clearsPrivileges: Bool
    ) throws(StoreError) -> UInt64 {
        let length = UInt64(bytes.count)
        if let offset, offset > Limits.fileSizeMax - length { throw .fileTooLarge }
        defer { endCut() }
        let (inode, shard) = try lockFile(
            ino,
            reserving: { inode, shard in
                let start = min(offset ?? inode.fields.liveSize, Limits.fileSizeMax)
                return shard.need(forWriteAt: start, count: bytes.count, beside: inode)
                    ?? need(forWriteAt: start, count: bytes.count, into: inode.fields.live)
            },
            drawsOnReserve: { $0.fields.state.contains(.setsAside) },
            growth: { inode, shard in
                let live = inode.fields.live
                let start = offset ?? live.size
                guard start <= Limits.fileSizeMax - length else { return 0 }
                let aside = shard.setAsideBytes(of: inode, from: start, to: start + length)
                return max(0, shard.growth(ofWriteAt: start, count: bytes.count, into: live) - aside)
            })
        let start = offset ?? inode.fields.liveSize
        guard start <= Limits.fileSizeMax - length else {
            shard.unlock()
            throw .fileTooLarge
        }
        if length > 0 {
            tree.markDirty(inode, growsAtEnd: isAppending && start == inode.fields.liveSize)
            tree.changeLive(of: inode) { live in
                let isLent = shard.lendSetAside(of: inode, from: start, to: start + length, &state.reservation)
                shard.write(&live, at: start, bytes, &state.reservation)
                if isLent { shard.takeBack(to: inode, &state.reservation) }
                shard.noteOwner(of: live, ino: inode.ino)
            }
        }
        let mustClear = clearsPrivileges && hasPrivileges(inode)
        shard.unlock()
        if mustClear { clearPrivileges(of: ino) }
        return start
    }

    /// lseek(2) SEEK_DATA (`data` true) and SEEK_HOLE.
    /// - Throws: noOffset, isDirectory, invalid, stale.
    public func seek(_ ino: Ino, from offset: UInt64, data: Bool) throws(StoreError) -> UInt64 {
        let (inode, shard) = try lockFile(ino)
        defer { shard.unlock() }
        let live = inode.fields.live
        guard offset < live.size else { throw .noOffset }
        if let found = shard.seek(live, from: offset, hole: !data), found < live.size { return found }
        // There is a hole behind the end of every file.
        guard !data else { throw .noOffset }
        return live.size
    }

    /// fallocate(2).
    /// - Throws: fileTooLarge, noSpace, invalid (length 0), isDirectory, stale.
    public func allocate(_ ino: Ino, at offset: UInt64, length: UInt64, mode: AllocateMode) throws(StoreError) {
        guard length > 0 else { throw .invalid }
        try spoilingOnFailure(ino) { () throws(StoreError) in
            try allocateLive(ino, at: offset, length: length, mode: mode)
        }
    }

    private func allocateLive(_ ino: Ino, at offset: UInt64, length: UInt64, mode: AllocateMode) throws(StoreError) {
        guard offset <= Limits.fileSizeMax, length <= Limits.fileSizeMax - offset else { throw .fileTooLarge }
        let end = offset + length
        switch mode {
        case .allocate:
            try fillHoles(of: ino, from: offset, to: end)
            try grow(ino, to: end)
            try touchContent(of: ino)
        case .keepSize:
            let size = try attributes(of: ino).size
            if offset < size { try fillHoles(of: ino, from: offset, to: min(end, size)) }
            if end > size { try setAside(for: ino, from: max(offset, size), to: end) }
            try touchContent(of: ino)
        case .punchHole:
            try makeHole(in: ino, from: offset, to: end)
        case .zeroRange:
            try makeHole(in: ino, from: offset, to: end)
            try grow(ino, to: end)
        case .zeroRangeKeepSize:
            try makeHole(in: ino, from: offset, to: end)
        }
    }

    /// Sets the times of a change, which memory that was set aside without one counts as too.
    private func touchContent(of ino: Ino) throws(StoreError) {
        let (inode, shard) = try lockFile(ino)
        tree.touch(inode)
        shard.unlock()
    }

    private func makeHole(in ino: Ino, from start: UInt64, to end: UInt64) throws(StoreError) {
        let (inode, shard) = try lockFile(ino, reserving: { inode, _ in need(forCutOf: inode.fields.live) })
        defer { shard.unlock() }
        tree.markDirty(inode, growsAtEnd: false)
        tree.changeLive(of: inode) { live in
            let last = min(end, live.size)
            if start < last { shard.zero(&live, from: start, to: last, &state.reservation) }
        }
    }

    private func grow(_ ino: Ino, to size: UInt64) throws(StoreError) {
        let (inode, shard) = try lockFile(ino, reserving: { inode, _ in need(forCutOf: inode.fields.live) })
        defer { shard.unlock() }
        guard inode.fields.liveSize < size else { return }
        tree.markDirty(inode, growsAtEnd: false)
        tree.changeLive(of: inode) { shard.truncate(&$0, to: size, &state.reservation) }
    }

    /// Writes zeros where the range has holes, so that later writes there need no more memory.
    private func fillHoles(of ino: Ino, from start: UInt64, to end: UInt64) throws(StoreError) {
        let arena = arena
        guard end - start <= UInt64(arena.limitBytes) else { throw .noSpace }
        let size = try attributes(of: ino).size
        try unsafe withScratch(of: Limits.copyStepBytes) { (zeros) throws(StoreError) in
            unsafe zeros.initializeMemory(as: UInt8.self, repeating: 0)
            var position = start
            while position < end {
                var step = min(end - position, UInt64(Limits.copyStepBytes))
                if position < size {
                    let hole = try seek(ino, from: position, data: false)
                    if hole > position {
                        position = hole
                        continue
                    }
                    if let next = try? seek(ino, from: position, data: true) { step = min(step, next - position) }
                }
                let bytes = unsafe Bytes(UnsafeRawBufferPointer(rebasing: zeros[..<Int(step)]))
                _ = try writeLive(ino, at: position, bytes, isAppending: false, clearsPrivileges: false)
                position += step
            }
        }
    }

    /// Lends memory of `count` bytes to `body`.
    @unsafe func withScratch<R>(
        of count: Int, _ body: (UnsafeMutableRawBufferPointer) throws(StoreError) -> R
    ) throws(StoreError) -> R {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
        defer { unsafe buffer.deallocate() }
        return try unsafe body(buffer)
    }
}
