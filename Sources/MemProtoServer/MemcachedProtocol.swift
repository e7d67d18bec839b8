// MemcachedProtocol: memcached's text protocol, as a pool of workers serves it.
import MemNet
import MemStore

/// The protocol of a `Server`.
final class MemcachedProtocol: ServedProtocol, @unchecked Sendable {  // constants
    let shared: ServerState

    init(_ shared: ServerState) {
        self.shared = shared
        super.init(counts: shared.connectionCounts)
    }

    override var stateBytes: Int { MemoryLayout<ClientState>.size }

    override var rejection: Bytes { ("ERROR Too many open connections\r\n" as StaticString).bytes }

    override func poolStarts(_ workers: [WorkerHandle]) {
        shared.store.invalidations.onCompleted = { ticket in
            let number = WorkerHandle.number(ofTicket: ticket)
            if workers.indices.contains(number) { workers[number].complete(ticket: ticket) }
        }
    }

    override func makeDoor(_ worker: WorkerHandle, output: Cell<OutputBuffer>) -> ConnectionDoor {
        MemcachedDoor(shared, worker, number: number, output: output)
    }

    override func open(_ connection: ConnectionCell) { Client(connection).beginState() }

    override func end(_ connection: ConnectionCell) { Client(connection).endState() }

    override func arrivingBytes(_ connection: ConnectionCell) -> Int {
        Client(connection).value.arriving?.value.value.count ?? 0
    }

    override func text(of reason: CloseReason) -> String {
        switch reason {
        case .shutdown: "the command shutdown"
        case .binary: "it speaks the binary protocol"
        case .browser: "it speaks HTTP"
        case .lineTooLong: "a line is too long"
        case .unauthenticated: "not authenticated"
        default: super.text(of: reason)
        }
    }
}

extension CloseReason {
    /// The command `shutdown`.
    static let shutdown = CloseReason(code: firstOfProtocols)
    /// It was unreadable: another protocol, a line without an end, garbage before authentication.
    static let binary = CloseReason(code: firstOfProtocols + 1)
    static let browser = CloseReason(code: firstOfProtocols + 2)
    static let lineTooLong = CloseReason(code: firstOfProtocols + 3)
    static let unauthenticated = CloseReason(code: firstOfProtocols + 4)
}
