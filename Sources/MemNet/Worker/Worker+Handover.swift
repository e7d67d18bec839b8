// Connections that change their worker, when another number of workers serves (`LoadSampler`). A connection is handed over between
// two of its requests, with nothing under way; the worker that has it is the only one to use it. It keeps its protocol.
import Glibc

/// What a worker has to give away.
struct Handover {
    /// Connections still to be given; `Int.max`: all, now and later, since the worker rests.
    var count = 0
    /// Who gets them, in turns.
    private var receivers = 0..<0
    private var next = 0

    init() {}

    /// What the worker `number` gives when `serving` workers serve instead of `before`. It has so many connections.
    init(worker number: Int, serving: Int, before: Int, connections: Int) {
        if number >= serving {
            count = Int.max
            receivers = 0..<serving
        } else if number < before, serving > before {
            count = connections * (serving - before) / serving
            receivers = before..<serving
        }
        // Not all begin with the same one.
        next = receivers.isEmpty ? 0 : number % receivers.count
    }

    /// Who gets the next one.
    mutating func receiver() -> Int {
        if count != Int.max { count -= 1 }
        defer { next = (next + 1) % receivers.count }
        return receivers.lowerBound + next
    }
}

extension Worker {
    /// Hands over what can be, at the end of a round: no event and no input of the connections is in hand.
    mutating func handOver() {
        // Those that are in the middle of a request have their turn later. Many are looked at as time goes by, not each round.
        if handle.connections.count > Self.lookedAtEachRound, nowMilliseconds == handedOverAt { return }
        handedOverAt = nowMilliseconds
        let handles = pool.handles
        for connection in handle.connections.reversed() where isBetweenRequests(connection) {
            if handover.count == 0 { return }
            Epoll.remove(connection.net.descriptor, from: epoll.rawValue)
            let moved = connection.moved(stateBytes: doors.stateBytes(connection))
            release(connection)
            handles[handover.receiver()].post(.handedOver(moved))
        }
    }

    private func isBetweenRequests(_ connection: ConnectionCell) -> Bool {
        connection.net.isBetweenRequests && doors.door(connection).isBetweenRequests(connection)
    }

    private static var lookedAtEachRound: Int { 128 }

    /// Takes a connection over from another worker. What has arrived meanwhile, its epoll tells at once.
    mutating func takeOver(_ moved: ConnectionCell) {
        let own = moved.moved(stateBytes: doors.stateBytes(moved))
        moved.free()
        if !adopt(own) { own.free() }
    }
}
