// Log: segments one after another, written at the young end. Records of items are in two logs (probation, main),
// pieces of contents in a third. A log is also the queue of eviction.
import CShims
import Glibc

/// The ends of a log.
struct LogState {
    /// Oldest and youngest segment; the youngest is open. 0 = none.
    var oldest: UInt32 = 0
    var youngest: UInt32 = 0
    var segmentCount = 0
    /// Offset in the oldest segment from which eviction goes on.
    var cursor = 0
    /// The segment that compaction moves records or pieces of this log to; closed for all others. 0 = none.
    var target: UInt32 = 0
    /// Live bytes of its records, and of contents that these hold.
    var liveBytes = 0
    var attachedBytes = 0
    /// All of these.
    var heldBytes: Int { liveBytes + attachedBytes }
}

extension Shard {
    @inline(__always) func log(_ kind: LogKind) -> LogState { state.logs[Int(kind.rawValue)] }

    /// Whether the open segment of a log has room for `size` more bytes.
    @inline(__always) func hasRoom(_ size: Int, in kind: LogKind) -> Bool {
        let open = state.logs[Int(kind.rawValue)].youngest
        return open != 0 && Int(arena[open].usedBytes) + size <= arena.segmentSizeBytes
    }

    /// Makes room for `size` bytes at the young end and counts them as live. The reservation must hold a
    /// segment if the open one lacks room.
    @inline(__always)
    func append(_ size: Int, to kind: LogKind, _ reservation: inout Reservation) -> (segment: UInt32, offset: Int) {
        if !hasRoom(size, in: kind) { open(reservation.takeSegment(), in: kind) }
        let segment = state.logs[Int(kind.rawValue)].youngest
        return (segment, claim(size, in: segment))
    }

    /// Takes the next `size` bytes of a segment, which are there, and counts them as live. Returns where they begin.
    @inline(__always)
    func claim(_ size: Int, in segment: UInt32) -> Int {
        let offset = Int(arena[segment].usedBytes)
        arena[segment].usedBytes += UInt32(size)
        arena[segment].liveBytes += UInt32(size)
        state.logs[Int(arena[segment].log.rawValue)].liveBytes += size
        return offset
    }

    /// Makes an empty segment the young end of a log.
    func open(_ segment: UInt32, in kind: LogKind) {
        precondition(segment != 0, "a segment was reserved before the lock was taken")
        adopt(segment: segment, log: kind)
        let young = state.logs[Int(kind.rawValue)].youngest
        // Offset the base by 2^31: new cas values still fit in 32 bits, and so does that of a moved record up to 2^31 stores old.
        let counter = unsafe cs_load64(state.casCounter)
        arena[segment].casBase = counter > 1 << 31 ? counter - (1 << 31) : 0
        arena[segment].previous = young
        arena[segment].next = 0
        if young != 0 {
            arena[young].next = segment
        } else {
            state.logs[Int(kind.rawValue)].oldest = segment
        }
        state.logs[Int(kind.rawValue)].youngest = segment
        state.logs[Int(kind.rawValue)].segmentCount += 1
    }

    /// Counts `size` bytes of a segment as dead; a closed segment without live bytes is freed at once.
    func bury(_ size: Int, in segment: UInt32) {
        let kind = arena[segment].log
        arena[segment].liveBytes -= UInt32(size)
        state.logs[Int(kind.rawValue)].liveBytes -= size
        guard arena[segment].liveBytes == 0, segment != state.reclaimingSegment else {
            return noteDeadShare(of: segment)
        }
        // A compaction under way needs its target, and frees its source itself.
        let isNeeded = state.compaction.segment != 0 && segment == log(kind).target
        if segment == state.compaction.segment { return noteDeadShare(of: segment) }
        if segment == log(kind).youngest || isNeeded {
            // What is written to begins anew.
            arena[segment].usedBytes = 0
            noteDeadShare(of: segment)
            if segment == log(kind).oldest { state.logs[Int(kind.rawValue)].cursor = 0 }
        } else {
            unlink(segment)
            giveBack(segment: segment)
        }
    }

    /// Puts an adopted segment behind `older` in its log.
    func link(_ segment: UInt32, behind older: UInt32) {
        let next = arena[older].next
        precondition(next != 0, "what is compacted is not the open segment")
        arena[segment].previous = older
        arena[segment].next = next
        arena[older].next = segment
        arena[next].previous = segment
        state.logs[Int(arena[segment].log.rawValue)].segmentCount += 1
    }

    /// Takes a segment out of its log's lists.
    func unlink(_ segment: UInt32) {
        let kind = Int(arena[segment].log.rawValue)
        removeFromDeadList(segment)
        if state.logs[kind].target == segment { state.logs[kind].target = 0 }
        if state.compaction.segment == segment { state.compaction = Compaction() }
        let (next, previous) = (arena[segment].next, arena[segment].previous)
        if previous != 0 {
            arena[previous].next = next
        } else {
            state.logs[kind].oldest = next
            state.logs[kind].cursor = 0
        }
        if next != 0 { arena[next].previous = previous } else { state.logs[kind].youngest = previous }
        state.logs[kind].segmentCount -= 1
    }
}
