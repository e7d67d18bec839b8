// Connection: what the server keeps of one client between two events. Idle it is this struct alone.
import MemStore

/// One client. Its worker alone uses it; `stats conns` reads it under the worker's lock.
struct Connection {
    /// What the next bytes of input are.
    enum State: UInt8 {
        /// A command's line.
        case command
        /// More keys of a get whose answer filled the output.
        case keys
        /// A value that goes straight to its place.
        case value
        /// A value that nobody wants.
        case swallow
        /// A walk through the items is under way; no input is looked at.
        case dump
        /// Log lines are sent; input means nothing.
        case watching
        /// Not looked at: the output is sent, then the connection is closed.
        case closing
        /// Refused and told so: input is thrown away until the client ends its side, or it takes too long.
        case draining
    }

    /// Why a connection was closed, for the log.
    enum CloseReason: UInt8 {
        /// The client closed it, or asked for it.
        case normal
        case idle, shutdown, stop
        /// It was unreadable: another protocol, a line without an end, garbage before authentication.
        case binary, browser, lineTooLong, unauthenticated
        /// It made the server hold too much.
        case inputHeld, outputHeld, halfSent, slowReader
    }

    var descriptor: Int32
    /// Index in the worker's list.
    var slot: Int32 = 0
    var state = State.command
    var closeReason = CloseReason.normal
    /// The form of the get that `State.keys` goes on with.
    var keysForm = GetForm.get
    /// No byte has come yet: the first one tells a binary client.
    var isFresh = true
    var isAuthenticated = false
    /// It is in the worker's queue of connections whose turn comes again.
    var isQueued = false
    /// Its socket may hold input, or its end, that epoll has told of and that is not read yet.
    var hasUnread = false
    /// The other side sends nothing more, or the socket is broken: it is read until that shows.
    var isEnding = false
    /// All that was read is executed, or needs more bytes first.
    var awaitsInput = true
    /// Its last command was a large value: the next read is short, so that the next value's bytes need not be moved.
    var expectsValue = false
    /// An answer of it is in the worker's `AnswerQueue`.
    var hasQueuedAnswer = false
    /// Its output was not taken: the worker waits until the socket is writable.
    var isBlocked = false
    /// Since when, in milliseconds of the monotonic clock.
    var blockedSince: Int64 = 0
    /// Its answer is held back until the filesystem knows of its changes.
    var isParked = false
    /// What to say when `State.swallow` ends.
    var refusal = Refusal.none
    /// The worker's second when it last sent a command.
    var lastCommandSecond: UInt32 = 0
    /// When bytes came from it last, in milliseconds of the monotonic clock.
    var lastInputMilliseconds: Int64 = 0
    /// The new expiry of the gat that `State.keys` goes on with.
    var keysExptime = Exptime.never
    /// Its client's address for the log, kept from the start where single connections are logged: the socket of a client that has
    /// gone knows it no more.
    var loggedPeer: String?
    /// Bytes of input up to the end of the line that `State.keys` goes on with.
    var keysLineCount = 0
    /// When it is closed, its client is to be able to read why: what it still sends is read meanwhile.
    var isRefused = false
    /// Until when, in milliseconds of the monotonic clock, and how many bytes were thrown away.
    var drainUntil: Int64 = 0
    var drainedCount = 0
    /// Bytes that are still to be swallowed.
    var swallowCount = 0
    /// Kept input is not looked at before it has so many bytes.
    var neededCount = 0
    /// Bytes of the kept input that have no line end.
    var scannedCount = 0
    var kept = KeptInput()
    /// Answers that the socket did not take yet.
    var pendingOutput: Cell<OutputBuffer>?
    /// The storage command whose value is arriving.
    var arriving: Cell<ArrivingValue>?
    /// The walk of `State.dump`.
    var dump: Cell<Dump>?
    /// The log lines of `State.watching`.
    var watcher: Watcher?
    /// Changes that the filesystem's reader has still to carry out, and the ticket they came under.
    var pendingChanges = 0
    var ticket: UInt64 = 0
    /// When a parked connection stops waiting, in milliseconds of the monotonic clock.
    var parkedUntil: Int64 = 0

    init(descriptor: Int32) { self.descriptor = descriptor }

    /// Nothing is under way: another worker can go on with it.
    var isBetweenCommands: Bool {
        descriptor >= 0 && state == .command && kept.isEmpty && !isAnswering && !isBlocked && !isEnding
    }

    /// It waits for the rest of a command, and all its answers are sent.
    var isBetweenAnswers: Bool { state == .command && !isAnswering && !isBlocked && !hasQueuedAnswer }

    /// An answer is under way. A request that has not wholly arrived has none.
    var isAnswering: Bool {
        pendingOutput != nil || isParked || isQueued || state == .keys || state == .dump || state == .closing
    }
}

/// A storage command whose value is arriving piece by piece.
struct ArrivingValue {
    /// The command's line, which is read again when the value is complete.
    var line: [UInt8]
    var value: PendingValue
    /// Bytes of the value that are still to come.
    var remaining: Int

    /// Bytes of the value that have come.
    var receivedCount: Int { value.count }
}
