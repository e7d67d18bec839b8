// CommandExecutor: from bytes of input to calls on the store and bytes of output. It knows no socket: a worker feeds it
// and sends what it wrote, a test does the same in memory.
import MemNet
import MemStore

/// Executes the commands of one worker's connections, one connection at a time.
struct CommandExecutor: ~Copyable {
    let session: StoreSession
    let shared: ServerState
    let worker: WorkerHandle
    /// The protocol's number in the pool.
    let door: Int
    let counters: Cell<CommandCounters>
    /// The worker's output.
    let outputCell: Cell<OutputBuffer>
    /// Where the values lie that the output refers to.
    let contents: StoreContents
    var batch = Batch<GetEntry>()
    /// The first key of the input that is being executed, as far as it is known.
    var keyHint = KeyHint()
    /// What is known of the inputs of the last batch.
    var hints = KeyHints()
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
    init(
        session: StoreSession, shared: ServerState, worker: WorkerHandle, door: Int, output: Cell<OutputBuffer>
    ) {
        self.session = session
        self.shared = shared
        self.worker = worker
        self.door = door
        outputCell = output
        contents = StoreContents(session)
        counters = shared.counters[worker.number].commands
        ticket = worker.firstTicket(door: door)
        lengthNeverTooLarge = shared.store.configuration.itemSizeMaxBytes - Limits.cacheKeyLengthMax - 64
        unixOfEpoch = shared.store.clock.unixOfEpoch
        // Half of what a number holds: it is multiplied.
        getKeysMax = shared.configuration.getKeysMax ?? Int.max / 4
        isTraced = shared.logger.logLevel <= .trace
        plainLineLengthMax = isTraced ? -1 : shared.configuration.lineLengthMax
    }

    /// Where responses are written.
    @inline(__always) var output: OutputBuffer {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(outputCell.pointer) }
        @inline(__always) nonmutating unsafeMutableAddress { unsafe outputCell.pointer }
    }

    /// Begins a connection's turn.
    @inline(__always) mutating func beginTurn() {
        commandsLeft = shared.configuration.commandsPerTurn ?? .max
        turnKeysLeft = Limit.turnKeysMax
        session.setInvalidationToken(ticket)
        watched = shared.watchHub.streams
        countsPrefixes = shared.countsPrefixes
    }

    /// Executes as much of `input` as there is, or until something has to happen first.
    ///
    /// - Parameters:
    ///   - connection: its state decides what the bytes are.
    ///   - input: everything that was received and not consumed.
    ///   - batchIndex: its index in the batch of the last `prepare`; -1 = it was not in it.
    @inline(__always) mutating func run(_ connection: Client, _ input: Bytes, batchIndex: Int = -1) -> TurnResult {
        if input.count < connection.value.neededCount { return TurnResult(consumed: 0, status: .needsInput) }
        connection.value.neededCount = 0
        if connection.value.isFresh, !input.isEmpty {
            if input[0] == BinaryProtocol.requestMagic { return refuseBinary(connection, input) }
            connection.value.isFresh = false
        }
        keyHint = hints[batchIndex]
        var at = 0
        while true {
            let progress: TurnStatus?
            switch connection.value.input {
            case .command: progress = runLines(connection, input, &at)
            case .keys: progress = runKeys(connection, input, &at)
            case .value: progress = runValue(connection, input, &at)
            case .swallow: progress = runSwallow(connection, input, &at)
            case .dump: progress = runDump(connection)
            case .watching:
                at = input.count
                progress = runWatching(connection)
            }
            guard let progress else { continue }
            if case .parked = progress { nextTicket(connection) }
            return TurnResult(consumed: at, status: progress)
        }
    }

    /// The changes made so far wait under the ticket of this connection; later ones come under the next.
    private mutating func nextTicket(_ connection: Client) {
        connection.net.ticket = ticket
        ticket &+= 1
        session.setInvalidationToken(ticket)
    }

    /// Ends whatever a connection has under way in the store. The connection is going.
    func abandon(_ connection: Client) {
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
