// NetLimits: every fixed bound of the event loop, with its unit and its source. They are computed, so that other modules
// see the number itself.

/// The bounds that no option changes. Those with an option are in `PoolConfiguration`.
public enum NetLimits {
    /// Bytes that a worker reads at once.
    @inlinable public static var readBufferBytes: Int { 32768 }
    /// Bytes read at once where the line of a large value is expected.
    @inlinable public static var shortReadBytes: Int { 1024 }
    /// Connections that are read before the first is executed.
    @inlinable public static var readBatchMax: Int { 8 }
    /// Kept input up to this size is joined with new input in the worker's buffer.
    @inlinable public static var keptInputJoinMax: Int { 20480 }
    /// Bytes of output that are gathered before they are sent in the middle of a turn.
    @inlinable public static var outputHighWater: Int { 32768 }
    /// Longest response in bytes that waits for those of other connections.
    @inlinable public static var deferredMax: Int { 4096 }
    /// Bytes of a worker's output buffer: the high water, one value of a log, and a line.
    @inlinable public static var outputBufferBytes: Int { 65536 }
    /// Contents sent by reference that one batch of output may hold.
    @inlinable public static var outputReferenceMax: Int { 32 }
    /// Bytes that a connection may be sent in one turn before the others get theirs.
    @inlinable public static var turnOutputMax: Int { 1 << 20 }
    /// How long a client that was refused is listened to, so that it can read why: in milliseconds and bytes.
    @inlinable public static var drainMilliseconds: Int64 { 5000 }
    @inlinable public static var drainBytesMax: Int { 64 << 20 }
    /// Entries of a `Batch`.
    @inlinable public static var batchMax: Int { 32 }
    /// Events taken from the kernel at once.
    @inlinable public static var eventMax: Int { 256 }
    /// iovecs for one readv(2) of a large value; with the trailing one 64, the most that still lie on the stack.
    @inlinable public static var placeRunMax: Int { 63 }
    /// Protocols that one pool of workers serves.
    @inlinable public static var protocolMax: Int { 8 }
}
