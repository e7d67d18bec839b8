// MemcachedDoor: the protocol on one worker: hands what the event loop asks to the worker's `CommandExecutor`.
import Glibc
import MemNet
import MemStore

/// The executor lies in a cell, so that no access to it is checked.
final class MemcachedDoor: ConnectionDoor {
    private let shared: ServerState
    private let session: StoreSession
    private let executor: Cell<CommandExecutor>

    init(_ shared: ServerState, _ worker: WorkerHandle, number: Int, output: Cell<OutputBuffer>) {
        self.shared = shared
        session = shared.store.makeSession()
        executor = Cell(
            alone: CommandExecutor(session: session, shared: shared, worker: worker, door: number, output: output))
        super.init(
            number: number, counters: shared.counters[worker.number].net, contents: executor.value.contents)
    }

    deinit { executor.destroy() }

    // MARK: rounds of the loop

    override func beginRound() -> UInt32 {
        session.refreshClock()
        return session.nowSecond
    }

    override func endRound() -> RoundEnd {
        var end = RoundEnd(readersHoldTooMuch: session.readersHoldTooMuch)
        if shared.watchHub.streams.contains(.evictions) {
            executor.value.logEvictions()
            // What other threads evict wakes nobody.
            end.nextMilliseconds = Limit.evictionPollMilliseconds
        }
        return end
    }

    override func end() { session.end() }

    // MARK: executing

    override func prepare(_ batch: borrowing ReadBatch) { executor.value.hints.prepare(batch, door: number, session) }

    override func run(
        _ connection: ConnectionCell, _ input: Bytes, batchIndex: Int, beginsTurn: Bool
    ) -> TurnResult {
        if beginsTurn { executor.value.beginTurn() }
        return executor.value.run(Client(connection), input, batchIndex: batchIndex)
    }

    // MARK: values that arrive in place

    @unsafe override func nextPlaces(
        _ connection: ConnectionCell, _ places: UnsafeMutableBufferPointer<iovec>
    ) -> (count: Int, isWhole: Bool) {
        let client = Client(connection)
        guard let arriving = client.value.arriving, arriving.value.remaining > 0 else { return (0, false) }
        let runs = unsafe session.nextSpaces(arriving.value.value, remaining: arriving.value.remaining, into: places)
        if runs == 0 {
            executor.value.refuseArriving(client, .noMemory)
            return (0, false)
        }
        return (runs, unsafe places[..<runs].reduce(0) { unsafe $0 + $1.iov_len } == arriving.value.remaining)
    }

    override func arrived(_ connection: ConnectionCell, count: Int, isFull: Bool) {
        guard let arriving = Client(connection).value.arriving else { preconditionFailure("no value is arriving") }
        session.advance(arriving.value.value, by: count)
        arriving.value.remaining -= count
        if !isFull { session.trim(arriving.value.value) }
    }

    // MARK: a connection's life

    override func opened(_ connection: ConnectionCell) { shared.watchHub.log(Client(connection), isNew: true) }

    override func closing(_ connection: ConnectionCell) {
        shared.watchHub.log(Client(connection), isNew: false)
        executor.value.abandon(Client(connection))
    }

    override func isBetweenRequests(_ connection: ConnectionCell) -> Bool {
        Client(connection).value.input == .command
    }

    override func refusalOfHeldInput(_ connection: ConnectionCell) -> Bytes {
        Client(connection).value.input == .command ? Refusal.inputHeld.line.bytes : .empty
    }

    override func idleSecondsMax(_ connection: ConnectionCell) -> UInt32 {
        // A watcher has nothing to say.
        Client(connection).value.input == .watching ? 0 : shared.configuration.idleTimeoutSeconds
    }

    override var hasIdleTimes: Bool { shared.configuration.idleTimeoutSeconds > 0 }

    override var readersHoldTooMuch: Bool { session.readersHoldTooMuch }

    override var parkedMillisecondsMax: Int64 { Int64(shared.configuration.coherenceTimeoutMilliseconds) }
}
