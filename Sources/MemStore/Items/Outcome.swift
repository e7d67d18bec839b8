// Outcome: what the item commands of the store take and answer. Answers are
// values, never thrown: a miss is no failure.

/// How a storage command treats what is already there. `cas` is `set` with `compareCas`.
public enum StoreMode: UInt8, Sendable {
    case set, add, replace, append, prepend
}

/// The parameters of a storage command, beside key and value.
public struct StoreCommand: Sendable {
    public var mode: StoreMode
    /// The client's flags; ignored by append and prepend on an existing item.
    public var flags: UInt32
    /// Expiry; ignored by append and prepend on an existing item.
    public var exptime: Exptime
    /// Store only if the item's cas is this one (`cas`, meta `C`).
    public var compareCas: UInt64?
    /// The item's new cas instead of the store's next one (meta `E`).
    public var newCas: UInt64?
    /// Meta `I`: a `compareCas` *below* the item's cas stores all the same, keeps the
    /// item's exptime and win mark and marks it stale.
    public var storesStale = false
    /// Meta `N` of append and prepend: create the item on a miss, with this expiry.
    public var vivifyExptime: Exptime?
    /// The key was sent in base64 (meta `b`), and is remembered so.
    public var isBinaryKey = false
    /// The answer to an append or prepend tells the size of the whole (meta `s`), which needs the right to read a file.
    public var tellsSize = false

    public init(
        mode: StoreMode, flags: UInt32 = 0, exptime: Exptime = .never, compareCas: UInt64? = nil
    ) {
        self.mode = mode
        self.flags = flags
        self.exptime = exptime
        self.compareCas = compareCas
    }
}

/// How a command on an item ended.
public enum Outcome: UInt8, Sendable {
    /// Stored, deleted, touched: the command did what it says.
    case done
    /// `add` on an existing, `replace`, `append`, `prepend` on a missing item; a result that would be too large.
    case notStored
    /// The cas token differs.
    case exists
    /// No such item.
    case notFound
    /// The item would pass the largest item size.
    case tooLarge
    /// Memory is lacking and nothing can be evicted.
    case noMemory
    /// incr or decr on a value that is no number.
    case nonNumeric
    /// File keys: the serving user may not do this, or files are read only.
    case permissionDenied
    /// File keys: a component of the path is no directory.
    case notDirectory
    /// File keys: the key names a directory.
    case isDirectory
    /// File keys: the key can name no file (an empty, `.`, `..` or too long component …), a special file, or
    /// a path that leaves the tree. A read of it is a miss.
    case invalidPath
}

/// The answer to a storage command.
public struct StoreResult: Sendable {
    public var outcome: Outcome
    /// The item's cas after the command; 0 if nothing was stored.
    public var cas: UInt64 = 0
    /// Value bytes after the command, or as sent if nothing was stored.
    public var size: Int = 0
    /// Invalidations that somebody has still to carry out (see `InvalidationStream`); 0 = answer at once.
    public var pendingInvalidations: Int = 0
    /// What was there before, for statistics: nothing, a live item, or one that had expired.
    public var previous: Presence = .missing
    public init(outcome: Outcome) { self.outcome = outcome }
}

/// Whether a key was there, for a reader and for statistics.
public enum Presence: UInt8, Sendable {
    case missing, present
    /// There was an item, but its time had come.
    case expired
    /// There was an item, but flush_all had taken it.
    case flushed
}

/// Why a key of a file was a miss.
public enum FileMiss: UInt8, Sendable {
    /// There is nothing of this name, or something on the way is no directory.
    case absent
    /// The serving user may not read it, or may not search a directory on the way.
    case denied
    /// It was created and not published yet.
    case unpublished
    /// A directory without an index file, a FIFO, a socket, a device.
    case notRegular
    /// The path can name no file, or leads out of the tree or through too many symlinks.
    case nowhere
    /// Its time had come.
    case expired
}

/// What a read does beside reading (the meta command `mg`, `gat`, `touch`). All are applied under one lock.
public struct GetOptions: Sendable {
    /// New expiry of a hit (`gat`, `touch`, meta `T`).
    public var touch: Exptime?
    /// Meta `N`: create an empty item with this expiry on a miss.
    public var vivify: Exptime?
    /// Meta `R`: win the right to recache when fewer than this many seconds are left.
    public var recacheBelowSeconds: Int64?
    /// `recacheBelowSeconds` is judged by the expiry before `touch`: meta `R` stands before `T`.
    public var recachesBeforeTouch = false
    /// Meta `E`: the cas of an item that `vivify` creates.
    public var newCas: UInt64?
    /// Whether this access counts as a use of the item (false for meta `u` and `me`).
    public var countsAccess = true
    /// Whether stale and win marks are looked at and changed (`mg` only; get and gat never do).
    public var handlesMarks = false
    /// The key was sent in base64; remembered by an item that `vivify` creates.
    public var isBinaryKey = false
    public init() {}
}

/// `incr`, `decr` and meta `ma`.
public struct ArithmeticCommand: Sendable {
    public var isIncrement = true
    public var delta: UInt64 = 1
    /// Create the item on a miss with `initial` as its value and this expiry (meta `N`, `J`).
    public var vivifyExptime: Exptime?
    public var initial: UInt64 = 0
    /// New expiry of an existing item (meta `T`).
    public var touch: Exptime?
    public var compareCas: UInt64?
    public var newCas: UInt64?
    public var isBinaryKey = false
    public init() {}
}

/// The answer to `ArithmeticCommand`.
public struct ArithmeticResult: Sendable {
    public var outcome: Outcome
    /// The new number, with `.done`.
    public var number: UInt64 = 0
    public var cas: UInt64 = 0
    /// The item's expiry before and after the command.
    public var exptimeBefore = Exptime.never
    public var exptime = Exptime.never
    /// The item did not exist and was created.
    public var isCreated = false
    public var isBinaryKey = false
    public var pendingInvalidations: Int = 0
    public var previous: Presence = .missing
    public init(outcome: Outcome) { self.outcome = outcome }
}

/// `delete` and meta `md`.
public struct DeleteCommand: Sendable {
    public var compareCas: UInt64?
    /// Meta `I`: keep the item but mark it stale, clear its win mark, give it a new cas.
    public var marksStale = false
    /// Meta `x`: keep the key, drop the value, reset flags and exptime.
    public var clearsValue = false
    /// With `marksStale` or `clearsValue`: the new cas (meta `E`), expiry (`T`), flags (`F`).
    public var newCas: UInt64?
    public var exptime: Exptime?
    public var flags: UInt32?
    public init() {}
}
