// ConnectionDoor: the way of one protocol into one worker. The event loop knows sockets, bytes and times; a door knows what
// the bytes mean. The worker calls its doors directly, in its own thread, a few times for each batch of input and never for a
// single request:
//
//     round begins ──► beginRound
//     several inputs read ──► prepare(batch)               hints: fetch the memory that they will need
//     each input ──► run(input) ─┬─► needsInput, outputFull, yield, close
//                        ▲       ├─► parked ──► (messages of other threads) ──┐
//                        └───────┼────────────────────────────────────────────┘
//                                └─► receivesInPlace ──► nextPlaces, arrived    bytes straight to their place
//     round ends ──► endRound
//
// It is a class, so that a worker can have doors of several protocols; the subclass's own state belongs into a `Cell` that it
// holds by a constant, so that no access to it is checked or counted.
import Glibc
import MemStore

/// What a door has to say at the end of a round.
public struct RoundEnd: Sendable {
    /// In how many milliseconds the door wants another round at the latest, though nothing happens; -1 = it does not.
    public var nextMilliseconds: Int64
    /// Contents that nobody but readers hold take more memory than they may: the slowest readers should go.
    public var readersHoldTooMuch: Bool

    @inlinable public init(nextMilliseconds: Int64 = -1, readersHoldTooMuch: Bool = false) {
        self.nextMilliseconds = nextMilliseconds
        self.readersHoldTooMuch = readersHoldTooMuch
    }
}

/// One protocol on one worker. All calls come from the worker's thread, but for `init`.
open class ConnectionDoor {
    /// Its protocol's number in the pool.
    public let number: Int
    /// What the event loop counts of its connections. Owned by the subclass's protocol, which lives longer.
    public let counters: Cell<NetCounters>
    /// Where the contents lie that its output refers to.
    public let contents: ContentSource

    public init(number: Int, counters: Cell<NetCounters>, contents: ContentSource = ContentSource()) {
        self.number = number
        self.counters = counters
        self.contents = contents
    }

    // MARK: rounds of the loop

    /// A round of the worker begins. Returns the second of the protocol's clock, by which its connections are idle.
    open func beginRound() -> UInt32 { 0 }

    /// All input of the round is executed.
    open func endRound() -> RoundEnd { RoundEnd() }

    /// The worker's thread ends; no connection is left.
    open func end() {}

    // MARK: executing

    /// Looks at inputs of several connections that are about to be executed, those of other doors among them: a place to begin
    /// fetching memory. Nothing may depend on it.
    open func prepare(_ batch: borrowing ReadBatch) {}

    /// Executes as much of `input` as there is, or until something has to happen first. Responses go to the worker's output.
    ///
    /// - Parameters:
    ///   - input: everything that was received and not consumed; borrowed.
    ///   - batchIndex: the input's index in the batch of the last `prepare`; -1 = it was not in it.
    ///   - beginsTurn: it is the first call of the connection's turn.
    open func run(_ connection: ConnectionCell, _ input: Bytes, batchIndex: Int, beginsTurn: Bool) -> TurnResult {
        preconditionFailure("a door executes")
    }

    // MARK: values that arrive in place

    /// Where the next bytes of a connection with `receivesInPlace` go: fills `places`, which has room for
    /// `NetLimits.placeRunMax` runs, and returns how many there are, and whether they end with the value, so that bytes behind
    /// it may be read along. No runs: the input goes to `run` (again).
    @unsafe open func nextPlaces(
        _ connection: ConnectionCell, _ places: UnsafeMutableBufferPointer<iovec>
    ) -> (count: Int, isWhole: Bool) { (0, false) }

    /// Bytes were put into the last places: `count` of them, `isFull` if into all. Fewer or none: the client has sent no more
    /// for now, and memory that is ready for the rest can be given back.
    open func arrived(_ connection: ConnectionCell, count: Int, isFull: Bool) {}

    // MARK: a connection's life

    /// A connection was made; its state is (`ServedProtocol.open`).
    open func opened(_ connection: ConnectionCell) {}

    /// A connection is about to be closed: ends what it has under way, but for its state (`ServedProtocol.end`).
    open func closing(_ connection: ConnectionCell) {}

    /// Whether the protocol has nothing under way for a connection: it can go on in another worker. Its state owns nothing
    /// then, so that it may be moved, or forgotten, as plain bytes.
    open func isBetweenRequests(_ connection: ConnectionCell) -> Bool { true }

    /// What a client is told whose unfinished request is given up, since all of them take too much memory; empty = nothing.
    open func refusalOfHeldInput(_ connection: ConnectionCell) -> Bytes { .empty }

    /// Seconds of silence after which a connection is closed; 0 = never. Asked once a second.
    open func idleSecondsMax(_ connection: ConnectionCell) -> UInt32 { 0 }

    /// Whether `idleSecondsMax` is ever more than 0.
    open var hasIdleTimes: Bool { false }

    /// Contents that nobody but readers holds take more memory than they may: the slowest readers should go.
    open var readersHoldTooMuch: Bool { false }

    /// How long a connection is parked at most, in milliseconds.
    open var parkedMillisecondsMax: Int64 { 0 }
}
