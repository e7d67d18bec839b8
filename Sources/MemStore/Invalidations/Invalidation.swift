// Invalidation: what a kernel that caches the tree must forget, and why it is told.

/// One thing that a kernel may have cached and that is not so any more. Changes through the mount cause none: the kernel that
/// asked for them knows. Changes through the port, expiry, eviction, and whatever is announced (`StoreSession.announce`) do.
public struct Invalidation: Sendable, Equatable {
    /// What is not so any more.
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
    /// The token of the session that made the change (`StoreSession.setInvalidationToken`), 0 = nobody waits.
    public var token: UInt64
}
