// FileItems+Join: append and prepend on a file: they make the new content beside the old one, without a lock for
// long, and take its place if nobody was faster.

/// What a file is to become: the new published content, and the new live one where programs on the mount have appended
/// what is not published yet. The maker has one holder of each.
private struct JoinedContents {
    var published: Content
    var live: Content?
    /// Bytes of the file's live content that are in `live`.
    var joinedSize: UInt64
    /// The version of the file that was joined.
    let base: Content
    let cas: UInt64
    let generation: UInt32
    let renewalCount: UInt32
}

extension StoreSession {
    /// Joins the value to the published content, and to the live one if that has only grown by appended writes, so that no
    /// line of a log is lost. The shard is locked at the begin and open at the end.
    func join(
        _ inode: InodeReference, _ shard: Shard, _ value: inout FileValue, _ plan: StorePlan, _ command: StoreCommand,
        _ result: inout StoreResult
    ) -> StoreStep {
        let base = inode.fields.published
        let cas = inode.fields.cas
        let generation = inode.fields.generation
        let renewalCount = shard.state.renewalCount
        let grown = inode.fields.hasGrown ? inode.fields.live : nil
        shard.retain(base)
        if let grown { shard.retain(grown) }
        shard.unlock()
        guard max(base.size, grown?.size ?? 0) <= Limits.fileSizeMax - UInt64(value.count) else {
            drop(base, in: shard)
            if let grown { drop(grown, in: shard) }
            return .refused(.tooLarge)
        }
        do throws(StoreError) {
            let (published, live) = try joining(base, grown, &value, isAppending: plan == .append, in: shard)
            let joined = JoinedContents(
                published: published, live: live, joinedSize: grown?.size ?? 0, base: base, cas: cas,
                generation: generation, renewalCount: renewalCount)
            return try replace(inode, shard, joined, plan, command, &result)
        } catch {
            return .refused(.noMemory)
        }
    }

    /// Gives a file what was joined, unless somebody else has changed it; what was appended to the live content
    /// meanwhile is added to the new one first. Uses the contents up. No lock is held.
    private func replace(
        _ inode: InodeReference, _ shard: Shard, _ made: JoinedContents, _ plan: StorePlan, _ command: StoreCommand,
        _ result: inout StoreResult
    ) throws(StoreError) -> StoreStep {
        var joined = made
        do throws(StoreError) {
            return try withMemory { () throws(StoreError) in
                shard.lock()
                guard isUnchanged(inode, shard, joined) else {
                    shard.release(joined.published)
                    if let live = joined.live { shard.release(live) }
                    shard.unlock()
                    return .done(.again)
                }
                if hasPrivileges(inode) {
                    shard.unlock()
                    clearPrivileges(of: Ino(UInt64(inode.ino)))
                    return .again
                }
                defer { shard.unlock() }
                let added = joined.live == nil ? 0 : Int(inode.fields.liveSize - joined.joinedSize)
                let need = need(forWriteAt: joined.joinedSize, count: min(added, Limits.copyStepBytes), into: .empty)
                if added == 0 || holds(need), added <= Limits.copyStepBytes {
                    if added > 0 { addAppended(to: &joined, from: inode.fields.live, in: shard) }
                    finish(inode, shard, joined.published, live: joined.live, plan, command, &result)
                    return .done(.done)
                }
                if holds(need) { addAppended(to: &joined, from: inode.fields.live, in: shard) }
                return .needs(need)
            }
        } catch {
            drop(joined.published, in: shard)
            if let live = joined.live { drop(live, in: shard) }
            throw error
        }
    }

    /// Whether a file is still as it was joined, but for what was appended to its live content. Its shard is locked.
    private func isUnchanged(_ inode: InodeReference, _ shard: Shard, _ joined: JoinedContents) -> Bool {
        // The slot's memory is sure to be an inode's only as long as somebody has the slot.
        guard tree.existingInode(inode.ino) != nil else { return false }
        let isDirty = inode.fields.hasGrown
        return inode.fields.generation == joined.generation && inode.fields.linkCount > 0
            && inode.fields.state.contains(.published) && inode.fields.cas == joined.cas
            && inode.fields.published == joined.base && isDirty == (joined.live != nil)
            && (!isDirty || inode.fields.liveSize >= joined.joinedSize)
            && shard.state.renewalCount == joined.renewalCount
    }

    /// Adds one step of what was appended to the live content `current` since. The shard is locked, and what the write
    /// needs is reserved.
    private func addAppended(to joined: inout JoinedContents, from current: Content, in shard: Shard) {
        guard var live = joined.live else { return }
        let length = Int(min(UInt64(Limits.copyStepBytes), current.size - joined.joinedSize))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 64)
        defer { unsafe buffer.deallocate() }
        let count = unsafe shard.read(current, at: joined.joinedSize, into: buffer)
        precondition(count == length, "a content is shorter than its size")
        shard.write(&live, at: live.size, unsafe Bytes(UnsafeRawBufferPointer(buffer)), &state.reservation)
        joined.live = live
        joined.joinedSize += UInt64(length)
    }

    /// The value joined to both contents. Uses up the holders of `base` and `grown`, on failure too. No lock is held.
    private func joining(
        _ base: Content, _ grown: Content?, _ value: inout FileValue, isAppending: Bool, in shard: Shard
    ) throws(StoreError) -> (published: Content, live: Content?) {
        var isLiveJoined = false
        do throws(StoreError) {
            do throws(StoreError) {
                try makeFileRoom(for: value.growth(in: shard) * (grown == nil ? 1 : 2))
                try value.hold(in: shard, self)
            } catch {
                drop(base, in: shard)
                throw error
            }
            let published = try joining(base, value, isAppending: isAppending, in: shard)
            guard let grown else { return (published, nil) }
            isLiveJoined = true
            do throws(StoreError) {
                return (published, try joining(grown, value, isAppending: isAppending, in: shard))
            } catch {
                drop(published, in: shard)
                throw error
            }
        } catch {
            if let grown, !isLiveJoined { drop(grown, in: shard) }
            throw error
        }
    }

    /// The base and the value as one content with one holder; the base's holder is used up, on failure too.
    private func joining(
        _ base: Content, _ value: FileValue, isAppending: Bool, in shard: Shard
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
