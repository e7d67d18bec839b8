// FSError: the errno that a filesystem operation answers, and the one place where the store's failures become one.
import Glibc
import MemStore

/// A failure of a filesystem operation, as the errno that the calling program sees.
public struct FSError: Error, Equatable, Sendable {
    /// An errno, positive.
    public let code: Int32

    /// A failure with an errno of `errno(3)`.
    public init(_ code: Int32) { self.code = code }

    /// The errno of a failure of the store.
    public init(_ error: StoreError) {
        switch error {
        case .noEntry: code = ENOENT
        case .exists: code = EEXIST
        case .notDirectory: code = ENOTDIR
        case .isDirectory: code = EISDIR
        case .notEmpty: code = ENOTEMPTY
        case .nameTooLong: code = ENAMETOOLONG
        case .invalid: code = EINVAL
        case .noSpace: code = ENOSPC
        case .fileTooLarge: code = EFBIG
        case .tooManyLinks: code = EMLINK
        case .tooManySymlinks: code = ELOOP
        case .permissionDenied: code = EACCES
        case .notPermitted: code = EPERM
        case .readOnly: code = EROFS
        case .noAttribute: code = ENODATA
        case .attributeTooLarge: code = E2BIG
        case .rangeTooSmall: code = ERANGE
        case .notSupported: code = EOPNOTSUPP
        case .noOffset: code = ENXIO
        case .busy: code = EBUSY
        case .crossDevice: code = EXDEV
        case .stale: code = ESTALE
        }
    }
}

/// Runs a call on the store and turns its failure into an errno.
@inline(__always)
func translating<R>(_ body: () throws(StoreError) -> R) throws(FSError) -> R {
    do throws(StoreError) { return try body() } catch { throw FSError(error) }
}
