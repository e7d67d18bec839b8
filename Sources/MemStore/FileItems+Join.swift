// FileItems+Join: append and prepend on a file: they make the new content beside the old one, without a lock for
// long, and take its place if nobody was faster.

extension StoreSession {
    /// Joins the value to the published content. The shard is locked at the begin and open at the end.
    func join(
        _ inode: InodeReference, _ shard: Shard, _ value: inout FileValue, _ plan: StorePlan, _ command: StoreCommand,
        _ result: inout StoreResult
    ) -> StoreStep {
        let number = inode.ino
        let base = inode.fields.published
        let cas = inode.fields.cas
        let generation = inode.fields.generation
        shard.retain(base)
        shard.unlock()
        var joined = Content.empty
        var isMade = false
        var ownsBase = true
        if base.size <= Limits.fileSizeMax - UInt64(value.count) {
            do throws(StoreError) {
                try makeFileRoom(for: value.growth(in: shard))
                try value.hold(in: shard, self)
                ownsBase = false
                joined = try joining(base, &value, isAppending: plan == .append, in: shard)
                isMade = true
            } catch {}
        } else {
            drop(base, in: shard)
            return .refused(.tooLarge)
        }
        if ownsBase { drop(base, in: shard) }
        guard isMade else { return .refused(.noMemory) }
        // The inode may have gone meanwhile, with the memory that it was in.
        func unchanged() -> InodeReference? {
            guard let inode = tree.existingInode(number), inode.fields.generation == generation,
                inode.fields.linkCount > 0, inode.fields.state.contains(.published), inode.fields.cas == cas,
                inode.fields.published == base
            else { return nil }
            return inode
        }
        shard.lock()
        while let inode = unchanged(), hasPrivileges(inode) {
            shard.unlock()
            clearPrivileges(of: Ino(UInt64(number)))
            shard.lock()
        }
        let inode = unchanged()
        if let inode {
            finish(inode, shard, joined, plan, command, &result)
        } else {
            shard.release(joined)
        }
        shard.unlock()
        return inode == nil ? .again : .done
    }

    /// The base and the value as one content with one holder; the base's holder is used up, on failure too.
    private func joining(
        _ base: Content, _ value: inout FileValue, isAppending: Bool, in shard: Shard
    ) throws(StoreError) -> Content {
        var joined = isAppending ? base : .empty
        do throws(StoreError) {
            if isAppending {
                try value.write(to: &joined, at: base.size, in: shard, self)
            } else {
                try value.write(to: &joined, at: 0, in: shard, self)
                try copy(base, in: shard, to: &joined, at: UInt64(value.count), in: shard)
            }
        } catch {
            drop(joined, in: shard)
            if !isAppending { drop(base, in: shard) }
            throw error
        }
        if !isAppending { drop(base, in: shard) }
        return joined
    }

    private func drop(_ content: Content, in shard: Shard) {
        shard.lock()
        shard.release(content)
        shard.unlock()
    }
}
