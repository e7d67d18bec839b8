// FileOperations+Copy: copy_file_range. What fills whole blocks on both sides is shared until one side is written, all else
// is copied.

extension StoreSession {
    /// copy_file_range(2); returns the bytes copied.
    /// - Throws: invalid (one file, overlapping ranges), fileTooLarge, noSpace, isDirectory, stale.
    public func copyRange(
        from source: Ino, at sourceOffset: UInt64, to target: Ino, at targetOffset: UInt64, length: UInt64
    ) throws(StoreError) -> UInt64 {
        // A failure behind the first step is a shorter copy, not a failure: who copies asks again for the rest.
        try spoilingOnFailure(target) { () throws(StoreError) in
            try copyLive(from: source, at: sourceOffset, to: target, at: targetOffset, length: length)
        }
    }

    private func copyLive(
        from source: Ino, at sourceOffset: UInt64, to target: Ino, at targetOffset: UInt64, length: UInt64
    ) throws(StoreError) -> UInt64 {
        let size = try attributes(of: source).size
        let count = sourceOffset < size ? min(length, size - sourceOffset) : 0
        guard targetOffset <= Limits.fileSizeMax - count else { throw .fileTooLarge }
        let distance = sourceOffset > targetOffset ? sourceOffset - targetOffset : targetOffset - sourceOffset
        if source == target, distance < count { throw .invalid }
        return try unsafe withScratch(of: Limits.copyStepBytes) { (buffer) throws(StoreError) in
            var copied: UInt64 = 0
            while copied < count {
                do throws(StoreError) {
                    let step = unsafe try copyStep(
                        from: source, at: sourceOffset + copied, to: target, at: targetOffset + copied,
                        lengthMax: count - copied, buffer)
                    guard step > 0 else { break }
                    copied += step
                } catch {
                    if copied == 0 { throw error }
                    break
                }
            }
            return copied
        }
    }

    /// Shares one block, or copies up to where one can be shared. Returns the bytes done; 0 at the end of the source.
    @unsafe private func copyStep(
        from source: Ino, at sourceOffset: UInt64, to target: Ino, at targetOffset: UInt64, lengthMax: UInt64,
        _ buffer: UnsafeMutableRawBufferPointer
    ) throws(StoreError) -> UInt64 {
        let blockSize = UInt64(arena.blockSizeBytes)
        let within = targetOffset % blockSize
        var step = min(lengthMax, UInt64(buffer.count))
        if sourceOffset % blockSize == within {
            if within == 0, lengthMax >= blockSize,
                try shareBlock(of: source, at: sourceOffset, with: target, at: targetOffset)
            {
                return blockSize
            }
            step = min(step, blockSize - within)
        }
        let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(step)])
        let read = try unsafe readFile(source, at: sourceOffset, into: part)
        guard read > 0 else { return 0 }
        let bytes = unsafe Bytes(UnsafeRawBufferPointer(rebasing: part[..<read]))
        _ = try writeLive(target, at: targetOffset, bytes, isAppending: false, clearsPrivileges: false)
        return UInt64(read)
    }

    /// Makes a block of one file's live content a block of another's. False: the source has none there.
    private func shareBlock(
        of source: Ino, at sourceOffset: UInt64, with target: Ino, at targetOffset: UInt64
    ) throws(StoreError) -> Bool {
        guard let block = try holdBlock(of: source, at: sourceOffset) else { return false }
        do throws(StoreError) {
            let (inode, shard) = try lockFile(
                target,
                reserving: { inode, _ in
                    need(forWriteAt: targetOffset, count: 0, into: inode.fields.live)
                })
            defer { shard.unlock() }
            tree.markDirty(inode, growsAtEnd: false)
            tree.changeLive(of: inode) { live in
                shard.setLeaf(&live, at: targetOffset, to: block, &state.reservation)
                shard.noteOwner(of: live, ino: inode.ino)
            }
            return true
        } catch {
            // The source may have let go of it meanwhile.
            shard(number: 0).release(ContentReference(block: block), level: 0)
            throw error
        }
    }

    /// Counts one more holder of the block that a file has at `offset`. Blocks may be shared across
    /// shards: only a sole owner writes to one, and it does so under its own shard's lock.
    private func holdBlock(of ino: Ino, at offset: UInt64) throws(StoreError) -> UInt32? {
        let (inode, shard) = try lockFile(ino)
        defer { shard.unlock() }
        inode.fields.state.insert(.used)
        let live = inode.fields.live
        guard offset + UInt64(arena.blockSizeBytes) <= live.size else { return nil }
        guard let block = shard.leaf(live, block: offset >> UInt64(arena.geometry.blockShift)).block else { return nil }
        arena.retain(block: block)
        return block
    }
}
