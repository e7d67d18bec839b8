// The worker's bounds on what its connections hold together. A connection alone is bounded where its bytes come from; here
// many of them are, each worker having an equal share. Who is closed is who costs most or has waited longest.
import CShims
import MemStore

extension Worker {
    /// Notes that connections may hold `count` bytes more than at the last look.
    mutating func noteHeld(_ count: Int) { heldSinceLook += count }

    /// What this worker's connections may hold: its part of the bounds, among the workers that serve. One that rests may have
    /// connections that it could not hand over.
    private var heldShare: HeldBytes {
        let configuration = shared.configuration
        let serving = Int(shared.counts[.activeWorkers])
        return configuration.heldShare(
            memoryLimitBytes: shared.store.configuration.memoryLimitBytes,
            workers: face.number < serving ? serving : configuration.workerCount)
    }

    /// Looks at what all connections hold, when it can have grown by a part of the bound, or a second has passed.
    mutating func enforceBounds() {
        if heldSinceLook == 0 { return }
        let heldShare = heldShare
        let least = min(heldShare.input, heldShare.output, heldShare.halfSent)
        if heldSinceLook < least / 16, boundsCheckedSecond == session.nowSecond { return }
        heldSinceLook = 0
        boundsCheckedSecond = session.nowSecond
        var held = HeldBytes()
        for connection in face.connections { held.add(connection.value) }
        while held.input > heldShare.input, let victim = largestInput() {
            held.input -= victim.value.kept.capacityBytes
            face.counters.value.inputClosed &+= 1
            refuseForBound(victim)
        }
        while held.output > heldShare.output, let victim = longestBlocked() {
            held.output -= victim.value.pendingOutput?.value.unsent.count ?? 0
            face.counters.value.outputClosed &+= 1
            close(victim, .outputHeld)
        }
        while held.halfSent > heldShare.halfSent,
            let victim = stalestValue(evenArriving: held.halfSent > 2 * heldShare.halfSent)
        {
            held.halfSent -= victim.value.arriving?.value.receivedCount ?? 0
            face.counters.value.halfSentClosed &+= 1
            close(victim, .halfSent)
        }
        // Silence makes a value stale without an event.
        if held.halfSent > 0 { heldSinceLook = 1 }
    }

    /// Gives up a client's unfinished request, and says so where no answer is under way that the line would fall into.
    private mutating func refuseForBound(_ connection: Cell<Connection>) {
        guard connection.value.isBetweenAnswers else { return close(connection, .inputHeld) }
        connection.value.kept.free()
        connection.value.closeReason = .inputHeld
        connection.value.isRefused = true
        let line = Refusal.inputHeld.line.bytes
        _ = unsafe cs_send(connection.value.descriptor, line.pointer, line.count)
        finish(connection)
    }

    private func largestInput() -> Cell<Connection>? {
        let most = face.connections.max { $0.value.kept.capacityBytes < $1.value.kept.capacityBytes }
        return most.flatMap { $0.value.kept.isEmpty ? nil : $0 }
    }

    /// The connection whose client has left its answer untaken for longest.
    func longestBlocked() -> Cell<Connection>? {
        let blocked = face.connections.filter { $0.value.isBlocked && $0.value.pendingOutput != nil }
        return blocked.min { $0.value.blockedSince < $1.value.blockedSince }
    }

    /// The half-sent value whose client has been silent longest, a second at least: one that is arriving is left alone, however
    /// large it is. `evenArriving`: new ones come faster than old ones become silent for so long, so a value goes that others
    /// have overtaken; one that is alone stays.
    private func stalestValue(evenArriving: Bool) -> Cell<Connection>? {
        var waiting = face.connections.filter { $0.value.arriving != nil }
        if !evenArriving || waiting.count == 1 {
            waiting.removeAll { $0.value.lastCommandSecond >= session.nowSecond }
        }
        return waiting.min { $0.value.lastInputMilliseconds < $1.value.lastInputMilliseconds }
    }
}
