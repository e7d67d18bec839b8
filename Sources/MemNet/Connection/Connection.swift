// Connection: what the event loop keeps of one client between two events. It knows bytes and times; what they mean is the
// protocol's, whose own part lies behind it in the same allocation (`ConnectionCell`). An idle connection is these two
// parts and nothing else.
//
// `phase` says what the connection waits for. Beside it stand facts about the socket that hold in any phase: whether the
// kernel has told of input that is not read, whether the other side has ended, whether a response of it lies among those
// that are sent together at the end of the batch.
import MemStore

/// One client. Its worker alone uses it; others read it under the worker's lock.
public struct Connection {
    public let descriptor: Int32
    /// Index in the worker's list.
    var slot: Int32 = 0
    /// What it waits for. The protocol never sets it: it returns a `TurnStatus`.
    public internal(set) var phase = Phase.idle
    /// The number of its protocol in the pool: which door it came through, for life.
    public let door: UInt8
    /// Why it is closed, when the protocol ends it.
    public var closeReason = CloseReason.normal
    /// Its socket may hold input, or its end, that epoll has told of and that is not read yet.
    var hasUnread = false
    /// The other side sends nothing more, or the socket is broken: it is read until that shows.
    var isEnding = false
    /// All that was read is executed, or needs more bytes first.
    var awaitsInput = true
    /// A response of it is in the worker's `ResponseQueue`.
    var hasQueuedResponse = false
    /// The next read is short, so that a value's bytes behind its line need not be moved. Set by the protocol.
    public var readsShort = false
    /// Input goes where the protocol says (`ConnectionDoor.nextPlaces`). Set by the protocol, and unset when all has come.
    public var receivesInPlace = false
    /// When it is closed, its client is to be able to read why: what it still sends is read meanwhile. Set by the protocol.
    public var drainsAtEnd = false
    /// The second of its protocol's clock when it last sent something.
    public internal(set) var lastInputSecond: UInt32 = 0
    /// When bytes came from it last, in milliseconds of the monotonic clock.
    var lastInputMilliseconds: Int64 = 0
    var kept = KeptInput()
    /// Bytes that were thrown away in `Phase.draining`.
    var drainedCount: UInt32 = 0
    /// Output that the socket did not take yet, or that is held back.
    var pendingOutput: Cell<OutputBuffer>?
    /// What a parked connection waits for: so many messages with this ticket. Set by the protocol before it asks to be parked.
    public var awaitedCount = 0
    public var ticket: UInt64 = 0
    /// Its client's address for the log, kept from the start where single connections are logged: the socket of a client that
    /// has gone knows it no more.
    var loggedPeer: Cell<String>?

    public init(descriptor: Int32, door: Int = 0) {
        self.descriptor = descriptor
        self.door = UInt8(door)
    }

    /// The client's address as the log shows it.
    public var peerText: String { loggedPeer?.value ?? SocketAddress.peer(of: descriptor).logText }

    /// Nothing of the event loop's is under way: if the protocol has nothing either, another worker can go on with it.
    var isBetweenRequests: Bool { phase == .idle && kept.isEmpty && !isEnding }
}
