// StoreError: why a call on the store failed. A door translates it once, at its edge.

/// A failure of a call on files. Every case names the errno that a filesystem answers.
public enum StoreError: Error, Equatable, Sendable {
    case noEntry  // ENOENT
    case exists  // EEXIST
    case notDirectory  // ENOTDIR
    case isDirectory  // EISDIR
    case notEmpty  // ENOTEMPTY
    case nameTooLong  // ENAMETOOLONG
    case invalid  // EINVAL
    case noSpace  // ENOSPC
    case fileTooLarge  // EFBIG
    case tooManyLinks  // EMLINK
    case tooManySymlinks  // ELOOP
    case permissionDenied  // EACCES
    case notPermitted  // EPERM
    case readOnly  // EROFS
    case noAttribute  // ENODATA
    case attributeTooLarge  // E2BIG
    case rangeTooSmall  // ERANGE
    case notSupported  // EOPNOTSUPP
    case noOffset  // ENXIO: lseek(2) SEEK_DATA / SEEK_HOLE beyond the end
    case busy  // EBUSY
    case crossDevice  // EXDEV
    case stale  // ESTALE

    /// Whether a change failed for want of room: what it was to change is not what its writer meant.
    public var isWantOfRoom: Bool { self == .noSpace || self == .fileTooLarge }
}
