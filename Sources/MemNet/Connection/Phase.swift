// Phase: what happens to a connection next. It is in one phase at a time; each event moves it along one of these arrows.
//
//                      epoll: readable                    output not taken
//        ┌────────┐ ───────────────────► (its turn) ───────────────────────► ┌─────────┐
//        │  idle  │                       │  │  │  │                         │ blocked │──┐ epoll: writable,
//        └────────┘ ◄─────────────────────┘  │  │  └────────────────┐        └─────────┘  │ all is sent:
//             ▲        needs more input      │  │                   │                     │ its turn
//             │                     yields,  │  │ waits for another │ the protocol        ▼
//             │               input is left  ▼  ▼ thread            ▼ ends it          (its turn)
//             │                     ┌────────┐ ┌────────┐      ┌─────────┐
//             └── end of the round: │ queued │ │ parked │      │ closing │ the last output was not taken
//                      (its turn)   └────────┘ └────────┘      └─────────┘
//                                       all awaited, or time over: │ all is sent
//                                       output is sent, its turn   ▼
//                                               ┌──────────┐  client's end, or time over   ┌────────┐
//                                  refused: ──► │ draining │ ────────────────────────────► │ closed │
//                                               └──────────┘                               └────────┘
//
// The times are milliseconds of the monotonic clock (`Worker.nowMilliseconds`).

/// What a connection waits for.
public enum Phase: Equatable, Sendable {
    /// Its client's next bytes. A connection whose input lies in the worker's `ReadBatch` is idle, too.
    case idle
    /// Its turn, which comes at the end of the round: there is input to read or to go on with. It is in `Worker.queued`.
    case queued
    /// Room in its socket; nothing is read meanwhile.
    case blocked(since: Int64)
    /// Other threads (see `ConnectionDoor.parkedMillisecondsMax`); its output is held back. It is in `Worker.parked`.
    case parked(until: Int64)
    /// Room in its socket for its last output; then it is closed.
    case closing(since: Int64)
    /// The client's end: it was refused and told so, and what it still sends is thrown away. It is in `Worker.draining`.
    case draining(until: Int64)
    /// Nothing: its descriptor is closed, or another worker has it. Its memory is freed at the end of the round.
    case closed
}

extension Phase {
    /// Since when the client has left output untaken, if it has.
    public var blockedSince: Int64? {
        switch self {
        case .blocked(let since), .closing(let since): since
        case .idle, .queued, .parked, .draining, .closed: nil
        }
    }

    /// A response is under way. A request that has not wholly arrived has none.
    public var isResponding: Bool {
        switch self {
        case .queued, .blocked, .parked, .closing: true
        case .idle, .draining, .closed: false
        }
    }

    /// It can have a turn at once.
    @inlinable @inline(__always) var canRun: Bool {
        switch self {
        case .idle, .queued: true
        case .blocked, .parked, .closing, .draining, .closed: false
        }
    }

    var isQueued: Bool { if case .queued = self { true } else { false } }
    var isParked: Bool { if case .parked = self { true } else { false } }
    @inlinable @inline(__always) var isClosed: Bool { if case .closed = self { true } else { false } }
}
