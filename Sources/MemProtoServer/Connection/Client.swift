// Client: a connection as the commands see it. The event loop's part of it knows bytes and times; what follows is what
// memcached's protocol remembers between two pieces of input.
import MemNet
import MemStore

/// A connection of this protocol.
///
/// SAFETY: the cell has a `ClientState` behind the event loop's part (`MemcachedProtocol.open`).
@safe struct Client {
    let cell: ConnectionCell

    /// The event loop's part.
    @inline(__always) var net: Connection {
        @inline(__always) unsafeAddress { unsafe cell.netAddress }
        @inline(__always) nonmutating unsafeMutableAddress { unsafe UnsafeMutablePointer(mutating: cell.netAddress) }
    }

    /// The protocol's part.
    @inline(__always) var value: ClientState {
        @inline(__always) unsafeAddress { unsafe UnsafePointer(cell.state(as: ClientState.self)) }
        @inline(__always) nonmutating unsafeMutableAddress { unsafe cell.state(as: ClientState.self) }
    }

    init(_ cell: ConnectionCell) { self.cell = cell }

    /// A connection of its own, for one that is not in a pool.
    init(descriptor: Int32) {
        cell = ConnectionCell(Connection(descriptor: descriptor), stateBytes: MemoryLayout<ClientState>.size)
        beginState()
    }

    /// Makes the protocol's part.
    func beginState() { unsafe cell.state(as: ClientState.self).initialize(to: ClientState()) }

    /// Ends it.
    func endState() { unsafe cell.state(as: ClientState.self).deinitialize(count: 1) }
}

/// What the protocol remembers of a client.
struct ClientState {
    /// What the next bytes of input are.
    enum Input: UInt8 {
        /// A command's line.
        case command
        /// More keys of a get whose response filled the output.
        case keys
        /// A value that goes straight to its place.
        case value
        /// A value that nobody wants.
        case swallow
        /// A walk through the items is under way; no input is looked at.
        case dump
        /// Log lines are sent; input means nothing.
        case watching
    }

    var input = Input.command
    /// The form of the get that `Input.keys` goes on with.
    var keysForm = GetForm.get
    /// No byte has come yet: the first one tells a binary client.
    var isFresh = true
    var isAuthenticated = false
    /// What to say when `Input.swallow` ends.
    var swallowRefusal = Refusal.none
    /// Why a touch of the gat that is being answered was refused.
    var touchRefusal = Refusal.none
    /// The new expiry of the gat that `Input.keys` goes on with.
    var keysExptime = Exptime.never
    // Lengths of lines and values have less than 32 bits, and there are many idle connections.
    private var keysLineCount32: UInt32 = 0
    private var swallowCount32: UInt32 = 0
    private var neededCount32: UInt32 = 0
    private var scannedCount32: UInt32 = 0
    /// The storage command whose value is arriving.
    var arriving: Cell<ArrivingValue>?
    /// The walk of `Input.dump`.
    var dump: Cell<Dump>?
    /// The log lines of `Input.watching`.
    var watcher: Watcher?
}

extension ClientState {
    /// Bytes of input up to the end of the line that `Input.keys` goes on with.
    var keysLineCount: Int {
        @inline(__always) get { Int(keysLineCount32) }
        @inline(__always) set { keysLineCount32 = UInt32(newValue) }
    }

    /// Bytes that are still to be swallowed.
    var swallowCount: Int {
        get { Int(swallowCount32) }
        set { swallowCount32 = UInt32(newValue) }
    }

    /// Kept input is not looked at before it has so many bytes.
    var neededCount: Int {
        @inline(__always) get { Int(neededCount32) }
        @inline(__always) set { neededCount32 = UInt32(newValue) }
    }

    /// Bytes of the kept input that have no line end.
    var scannedCount: Int {
        @inline(__always) get { Int(scannedCount32) }
        @inline(__always) set { scannedCount32 = UInt32(newValue) }
    }
}

/// A storage command that was read, and whose value is arriving piece by piece.
struct ArrivingValue {
    /// The command.
    enum Command {
        /// The request's own `key` is not there any more.
        case classic(StorageRequest)
        case meta(StoreCommand, MetaRequest)
    }

    let command: Command
    /// The key of the item or file.
    let key: [UInt8]
    /// The words of an ms, some of which its response repeats; empty for a classic command.
    let line: [UInt8]
    var value: PendingValue
    /// Bytes of the value that are still to come.
    var remaining: Int
}
