// The errnos that the pages of POSIX and of Linux name for each call, as far as a call on a filesystem can meet them without a
// fault of the disk. EIO, ENOMEM, EINTR, EDQUOT, EMFILE, ENFILE are not among them, and ENOSPC and EMLINK have tests
// of their own, since a full tmpfs is full of other things.

enum ExpectedErrors {
    /// What can go wrong on the way to a file, whatever the call.
    private static let way = "EACCES EFAULT ELOOP ENAMETOOLONG ENOENT ENOTDIR"

    /// Source: the pages of the calls in section 2 of the Linux manual and in POSIX.1-2017.
    private static let table: [(calls: String, errnos: String)] = [
        ("open", way + " EEXIST EINVAL EISDIR ENXIO EPERM EROFS ETXTBSY"),
        ("creat", way + " EISDIR ENXIO EROFS ETXTBSY"),
        ("mkdir symlink mkfifo", way + " EEXIST EROFS"),
        ("mknod", way + " EEXIST EINVAL EPERM EROFS"),
        ("rmdir", way + " EINVAL ENOTEMPTY EPERM EROFS"),
        ("unlink", way + " EISDIR EPERM EROFS"),
        ("link", way + " EEXIST EPERM EROFS EXDEV"),
        ("linkflags", "EINVAL"),
        ("rename", way + " EBUSY EEXIST EINVAL EISDIR ENOTEMPTY EPERM EROFS EXDEV"),
        ("chmod chown lchown", way + " EPERM EROFS"),
        ("lchmod", "EACCES ELOOP ENAMETOOLONG ENOENT ENOTDIR EOPNOTSUPP EPERM EROFS"),
        ("truncate", way + " EFBIG EINVAL EISDIR EROFS ETXTBSY"),
        ("utimens", way + " EINVAL EPERM EROFS"),
        ("readlink", way + " EINVAL"),
        ("access", way + " EINVAL EROFS"),
        ("stat lstat statfs chdir", way),
        ("setxattr", way + " E2BIG EEXIST EINVAL ENODATA EOPNOTSUPP EPERM ERANGE EROFS"),
        ("getxattr", way + " ENODATA ERANGE"),
        ("listxattr", way),
        ("listxattrroom", "ERANGE"),
        ("removexattr", way + " ENODATA EOPNOTSUPP EPERM EROFS"),
        ("fchmod fchown futimens", "EBADF EPERM EROFS"),
        ("fstat fstatfs fsync flock", "EBADF"),
        ("ftruncate", "EBADF EFBIG EINVAL"),
        ("fallocate", "EBADF EFBIG EINVAL ENODEV ENOSPC EOPNOTSUPP ESPIPE"),
        ("posixfallocate", "EBADF EFBIG EINVAL ENODEV ENOSPC ESPIPE"),
        ("read", "EBADF EFAULT EISDIR"), ("pread", "EINVAL ESPIPE"),
        ("write", "EBADF EFAULT EFBIG"), ("pwrite", "EFBIG EINVAL"),
        ("seek", "EBADF EINVAL ENXIO ESPIPE"), ("copy", "EBADF EINVAL EISDIR"), ("readdir", "EFAULT"),
        ("spawn", "EACCES ETXTBSY"),
    ]

    /// `CALL ERRNO` for each.
    static let pairs: [String] = table.flatMap { calls, errnos in
        calls.split(separator: " ").flatMap { call in errnos.split(separator: " ").map { "\(call) \($0)" } }
    }

    /// What was provoked, call by call.
    static func text(of kinds: [String: Int]) -> String {
        let errors = kinds.filter { $0.key.contains(" E") }.sorted { $0.key < $1.key }
        return "\(errors.count) kinds, " + errors.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }
}
