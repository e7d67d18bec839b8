// FileDescriptor: an open descriptor that is closed when its owner ends.
import Glibc

/// Owns one descriptor.
public struct FileDescriptor: ~Copyable, Sendable {
    /// The number, valid as long as this value lives.
    public let rawValue: Int32

    /// Takes over an open descriptor.
    public init(owning descriptor: Int32) { rawValue = descriptor }

    deinit { close(rawValue) }
}
