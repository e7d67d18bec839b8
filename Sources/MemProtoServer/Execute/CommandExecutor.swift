// CommandExecutor: from bytes of input to calls on the store and bytes of output. It knows no socket: a worker feeds it
// and sends what it wrote, a test does the same in memory.
import MemStore

/// Why the executor stopped.
enum Progress {
    /// The rest of the input is the beginning of something: more bytes are needed.
    case needsInput
    /// Send the output, then go on with the rest of the input.
    case outputFull
    /// The connection had its turn; the others first.
    case yield
    /// The answer is held back until the changes made are carried out; then go on.
    case parked
    /// Send the output and close.
    case close
}

/// How far one run got.
struct Step {
    /// Bytes of the input that are used up.
    var consumed: Int
    var progress: Progress
}

/// Executes the commands of one worker's connections, one connection at a time.
struct CommandExecutor: ~Copyable {
    let session: StoreSession
    let shared: ServerState
    let face: WorkerFace
    let counters: Cell<WorkerCounters>
    var output = OutputBuffer(capacity: Limit.outputBufferBytes)
    var batch = Batch<GetEntry>()
    /// The first key of the input that is being executed, as far as it is known.
    var knownKey = KnownKey()
    /// The files whose keys the inputs of a group begin with.
    var lookups = FileLookups(capacity: Limit.groupMax)
    /// Where the output stood before the get that is being answered.
    var getOutputStart = 0
    var sets = Batch<SetEntry>()
    var keyScratch = KeyScratch()
    /// The ticket under which the next changes are made.
    var ticket: UInt64
    /// Commands that the connection may still run in this turn.
    var commandsLeft = Int.max
    /// Values up to this length are never too large, whatever their key.
    let lengthNeverTooLarge: Int
    /// The log streams that somebody watches, and whether prefixes are counted, as of this turn.
    var watched = WatchStreams()
    var countsPrefixes = false
    let unixOfEpoch: Int64
    let getKeysMax: Int
    /// Keys that this turn may still look up before the others get theirs.
    var turnKeysLeft = Limit.turnKeysMax
    /// Each request is logged (`-vvv`).
    let isTraced: Bool
    /// Lines up to this length in bytes need neither a look at their bound nor at the log.
    let plainLineLengthMax: Int

    /// - Parameter session: belongs to the calling worker's thread.
    init(session: StoreSession, shared: ServerState, face: WorkerFace) {
        self.session = session
        self.shared = shared
        self.face = face
        counters = face.counters
        // The worker's number in the high bits: tickets are unique in the process, and never 0.
        ticket = UInt64(face.number + 1) << 48
        lengthNeverTooLarge = shared.store.configuration.itemSizeMaxBytes - Limits.cacheKeyLengthMax - 64
        unixOfEpoch = shared.store.clock.unixOfEpoch
        // Half of what a number holds: it is multiplied.
        getKeysMax = shared.configuration.getKeysMax ?? Int.max / 4
        isTraced = shared.logger.logLevel <= .trace
        plainLineLengthMax = isTraced ? -1 : shared.configuration.lineLengthMax
    }

    /// Begins a connection's turn.
    mutating func beginTurn() {
        commandsLeft = shared.configuration.commandsPerTurn ?? .max
        turnKeysLeft = Limit.turnKeysMax
        session.setChangeToken(ticket)
        watched = shared.watchHub.streams
        countsPrefixes = shared.countsPrefixes
    }

    /// Executes as much of `input` as there is, or until something has to happen first.
    ///
    /// - Parameters:
    ///   - connection: its state decides what the bytes are.
    ///   - input: everything that was received and not consumed.
    mutating func run(_ connection: Cell<Connection>, _ input: Bytes) -> Step {
        if input.count < connection.value.neededCount { return Step(consumed: 0, progress: .needsInput) }
        connection.value.neededCount = 0
        if connection.value.isFresh, !input.isEmpty {
            if input[0] == BinaryProtocol.requestMagic { return refuseBinary(connection, input) }
            connection.value.isFresh = false
        }
        var at = 0
        while true {
            let progress: Progress?
            switch connection.value.state {
            case .command: progress = runLines(connection, input, &at)
            case .keys: progress = runKeys(connection, input, &at)
            case .value: progress = runValue(connection, input, &at)
            case .swallow: progress = runSwallow(connection, input, &at)
            case .dump: progress = runDump(connection)
            case .watching:
                at = input.count
                progress = runWatching(connection)
            case .closing:
                at = input.count
                progress = .close
            case .draining:
                at = input.count
                connection.value.drainedCount += input.count
                progress = connection.value.drainedCount > Limit.drainBytesMax ? .close : .needsInput
            }
            guard let progress else { continue }
            if case .parked = progress { nextTicket(connection) }
            return Step(consumed: at, progress: progress)
        }
    }

    /// The changes made so far wait under the ticket of this connection; later ones come under the next.
    private mutating func nextTicket(_ connection: Cell<Connection>) {
        connection.value.ticket = ticket
        ticket &+= 1
        session.setChangeToken(ticket)
    }

    /// Ends whatever a connection has under way in the store. The connection is going.
    func abandon(_ connection: Cell<Connection>) {
        if let arriving = connection.value.arriving {
            session.abandon(arriving.value.value)
            arriving.destroy()
            connection.value.arriving = nil
        }
        if let dump = connection.value.dump {
            dump.destroy()
            connection.value.dump = nil
        }
        if let watcher = connection.value.watcher {
            watcher.connection = nil
            shared.watchHub.remove(watcher)
            connection.value.watcher = nil
        }
    }

    // MARK: small things that all commands need

    /// Whether `key` may be a key: short enough, or the name of a file.
    @inline(__always) func isKey(_ key: Bytes) -> Bool {
        key.count <= Limits.cacheKeyLengthMax || session.isFileKey(key)
    }

    /// Whether the second word may be a key.
    @inline(__always) func hasKey(_ fields: Fields) -> Bool { fields.count >= 2 && isKey(fields[1]) }

    /// memcached's rules for a client's number of seconds.
    @inline(__always) func exptime(_ number: Int64) -> Exptime {
        number == 0 ? .never : Exptime.of(number: number, now: session.nowSecond, unixOfEpoch: unixOfEpoch)
    }

    /// Says why not, unless the client wants to hear nothing.
    mutating func refuse(_ refusal: Refusal, isQuiet: Bool = false) {
        if !isQuiet { output.write(refusal.line) }
    }

    /// Counts why an item was not there.
    @inline(__always) func countAbsence(_ presence: Presence) {
        switch presence {
        case .missing, .present: break
        case .expired: counters.value.getExpired &+= 1
        case .flushed: counters.value.getFlushed &+= 1
        }
    }

    /// The same for a read, whose view tells why a file was not served.
    func countAbsence(of key: Bytes, _ view: ItemView) {
        countAbsence(view.presence)
        guard let reason = view.fileMiss else { return }
        counters.value.count(reason)
        if isTraced { trace(miss: key, reason) }
    }

    /// The refusal for an outcome that has no word of its own in the protocol, or nil.
    static func refusal(for outcome: Outcome) -> Refusal? {
        switch outcome {
        case .done, .notStored, .exists, .notFound: nil
        case .tooLarge: .tooLarge
        case .noMemory: .noMemory
        case .nonNumeric: .nonNumeric
        case .permissionDenied: .permissionDenied
        case .notDirectory: .notDirectory
        case .isDirectory: .isDirectory
        case .invalidPath: .invalidPath
        }
    }
}
