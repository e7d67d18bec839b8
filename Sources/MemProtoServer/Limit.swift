// Limit: every fixed bound of the protocol server, with its unit and its source.

/// The bounds that no option changes. Those with an option are in `ServerConfiguration`.
enum Limit {
    /// Spaces before `get` in a line that may grow. Source: memcached 1.6.45.
    static let leadingSpacesMax = 100
    /// Shortest line with its line end that is looked at. Source: memcached 1.6.45.
    static let lineLengthMin = 4
    /// Shortest line with its line end of a client that has to authenticate; it is closed for less. Source: memcached 1.6.45.
    static let guardedLineLengthMin = 6
    /// Words of a delete, command and key included and `noreply` aside. Source: libmemcached's memccapable wants an error for six.
    static let deleteFieldCountMax = 5
    /// Words of a meta command, command and key included. Source: memcached 1.6.45.
    static let metaFieldCountMax = 20
    /// Longest opaque token in bytes, its letter included. Source: memcached 1.6.45.
    static let opaqueLengthMax = 32
    /// Bytes that a worker reads at once.
    static let readBufferBytes = 32768
    /// Bytes read at once where a large value's line is expected.
    static let lineReadBytes = 1024
    /// Connections that are read before the first is executed.
    static let groupMax = 8
    /// Kept input up to this size is joined with new input in the worker's buffer.
    static let keptInputJoinMax = 20480
    /// Values of at most this many bytes wait in the kept input until they are complete; larger ones go to their place.
    static let valueInLineMax = 16384
    /// Bytes of output that are gathered before they are sent in the middle of a batch.
    static let outputHighWater = 32768
    /// Longest answer in bytes that waits for those of other connections.
    static let putOffMax = 4096
    /// Bytes of a worker's output buffer: the high water, one value of a log, and a line.
    static let outputBufferBytes = 65536
    /// Values sent by reference that one batch of output may hold.
    static let outputReferenceMax = 32
    /// Bytes that a connection may be sent in one turn before the others get theirs.
    static let turnOutputMax = 1 << 20
    /// Keys of one connection's gets that are looked up in one turn, when they are so many.
    static let turnKeysMax = 16384
    /// How long a client that was refused is listened to, so that it can read why: in milliseconds and bytes.
    static let drainMilliseconds: Int64 = 5000
    static let drainBytesMax = 64 << 20
    /// Seconds between two lines of the log about clients that speak another protocol.
    static let foreignLogSeconds: UInt32 = 60
    /// Bytes of a request that the log shows.
    static let loggedRequestMax = 512
    /// Keys that are looked up together, and sets that are stored together.
    static let batchMax = 32
    /// How long the lines of `watch evictions` may wait, in milliseconds.
    static let evictionPollMilliseconds: Int64 = 100
    /// Events taken from the kernel at once.
    static let eventMax = 256
    /// Runs of memory that one read of a large value fills. With one more they still lie on the stack.
    static let valueRunMax = 63
}
