// Limit: every fixed bound of the protocol server, with its unit and its source.

/// The bounds that no option changes. Those with an option are in `ServerConfiguration`, those of the event loop in `NetLimits`.
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
    /// Values of at most this many bytes wait in the kept input until they are complete; larger ones go to their place.
    static let valueInLineMax = 16384
    /// Keys of one connection's gets that are looked up in one turn, when they are so many.
    static let turnKeysMax = 16384
    /// Seconds between two lines of the log about clients that speak another protocol.
    static let foreignLogSeconds: UInt32 = 60
    /// Bytes of a request that the log shows.
    static let loggedRequestMax = 512
    /// How long the lines of `watch evictions` may wait, in milliseconds.
    static let evictionPollMilliseconds: Int64 = 100
}
