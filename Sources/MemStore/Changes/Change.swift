// Change: the ordered stream of notices about the tree. Its first reader is the
// filesystem, which makes the kernel forget what it has cached; a durable copy
// or a mirror would be others.

/// One change of the tree that came in through the port, by an expiry or by an eviction. Changes made through
/// the mount are in the stream only as far as a reader asked for them: the kernel knows them already.
public struct Change: Sendable, Equatable {
    /// What changed.
    public enum Kind: Sendable, Equatable {
        /// Content and attributes of `ino`.
        case content
        /// Attributes alone of `ino`.
        case attributes
        /// The directory `parent` got, lost or replaced the entry `name`; `ino` is the inode that had or has it.
        case entry
    }
    /// Position in the stream, from 1.
    public var sequence: UInt64
    public var kind: Kind
    public var ino: Ino
    public var parent: Ino
    public var name: [UInt8]
    /// The token of the session that made the change (`StoreSession.changeToken`), 0 = nobody waits.
    public var token: UInt64
}
