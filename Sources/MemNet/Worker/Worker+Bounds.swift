// The worker's bounds on what its connections hold together. A connection alone is bounded where its bytes come from; here
// many of them are, each worker having an equal share. The one to be closed costs most or has waited longest.
import CShims
import MemStore

extension Worker {
    /// Notes that connections may hold `count` bytes more than at the last look.
    mutating func noteHeld(_ count: Int) { heldSinceLook += count }

    /// What this worker's connections may hold: its part of the bounds, among the workers that serve. One that rests may have
    /// connections that it could not hand over.
    private var share: ConnectionMemory {
        let serving = pool.servingCount
        return pool.configuration.memoryShare(
            workers: handle.number < serving ? serving : pool.configuration.workerCount)
    }

    /// Looks at what all connections hold, when it can have grown by a part of the bound, or a second has passed.
    mutating func enforceBounds() {
        let share = share
        let least = min(share.input, share.output, share.halfSent)
        if heldSinceLook < least / 16, boundsCheckedSecond == doors.someSecond { return }
        heldSinceLook = 0
        boundsCheckedSecond = doors.someSecond
        var held = ConnectionMemory()
        for connection in handle.connections { held.add(connection.net, arriving: arrivingBytes(connection)) }
        while held.input > share.input, let victim = largestInput() {
            held.input -= victim.net.kept.capacityBytes
            doors.counters(victim).value.inputClosed &+= 1
            refuseHeldInput(victim)
        }
        for victim in held.output > share.output ? longestBlocked() : [] where held.output > share.output {
            held.output -= victim.net.pendingOutput?.value.unsent.count ?? 0
            doors.counters(victim).value.outputClosed &+= 1
            close(victim, .outputHeld)
        }
        while held.halfSent > share.halfSent,
            let victim = stalestValue(evenArriving: held.halfSent > 2 * share.halfSent)
        {
            held.halfSent -= arrivingBytes(victim)
            doors.counters(victim).value.halfSentClosed &+= 1
            close(victim, .halfSent)
        }
        // Silence makes a value stale without an event.
        if held.halfSent > 0 { heldSinceLook = 1 }
    }

    private func arrivingBytes(_ connection: ConnectionCell) -> Int {
        doors.served(connection).arrivingBytes(connection)
    }

    /// Gives up a client's unfinished request, and says so where no response is under way that the line would fall into.
    private mutating func refuseHeldInput(_ connection: ConnectionCell) {
        var line = Bytes.empty
        if connection.net.phase == .idle, !connection.net.hasQueuedResponse {
            line = doors.door(connection).refusalOfHeldInput(connection)
        }
        if line.isEmpty { return close(connection, .inputHeld) }
        connection.net.kept.free()
        connection.net.closeReason = .inputHeld
        connection.net.drainsAtEnd = true
        _ = unsafe cs_send(connection.net.descriptor, line.pointer, line.count)
        finish(connection)
    }

    private func largestInput() -> ConnectionCell? {
        let most = handle.connections.max { $0.net.kept.capacityBytes < $1.net.kept.capacityBytes }
        return most.flatMap { $0.net.kept.isEmpty ? nil : $0 }
    }

    /// The connections whose clients leave output untaken, the longest ones first.
    private func longestBlocked() -> [ConnectionCell] {
        let blocked = handle.connections.compactMap { cell in cell.net.phase.blockedSince.map { (cell, $0) } }
        return blocked.sorted { $0.1 < $1.1 }.map { $0.0 }
    }

    /// The half-sent value whose client has been silent longest, a second at least: one that is arriving is left alone, however
    /// large it is. `evenArriving`: values are begun faster than others fall silent for so long, so the most overdue one goes
    /// although it is arriving; a lone one stays.
    private func stalestValue(evenArriving: Bool) -> ConnectionCell? {
        var waiting = handle.connections.filter { arrivingBytes($0) > 0 }
        if !evenArriving || waiting.count == 1 {
            waiting.removeAll { $0.net.lastInputSecond >= doors.nowSecond($0) }
        }
        return waiting.min { $0.net.lastInputMilliseconds < $1.net.lastInputMilliseconds }
    }

    /// Closes the connections that have waited longest for their clients to read, while contents that nobody but readers
    /// holds take more memory than they may. A few at a time: which worker has the guilty ones, only the memory tells.
    mutating func closeSlowestReaders() {
        for slowest in longestBlocked().prefix(Self.readersClosedMax) where doors.readersHoldTooMuch {
            doors.counters(slowest).value.slowReadersClosed &+= 1
            close(slowest, .slowReader)
        }
    }

    /// Slow readers closed in one round.
    private static var readersClosedMax: Int { 16 }
}
