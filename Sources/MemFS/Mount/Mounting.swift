// Mounting: the part of mounting that needs privileges, in a form that a small process can do for the server;
// unmounting; and the cleaning of what a crash left mounted.
import Glibc
import MemStore

/// Why something could not be mounted or unmounted.
public struct MountError: Error, Equatable, Sendable {
    /// What was tried, with the path.
    public var what: String
    /// An errno; 0 when there is none.
    public var code: Int32

    /// A failure of `what` with an errno.
    public init(what: String, code: Int32) {
        self.what = what
        self.code = code
    }
}

/// How a mount is made.
public struct MountOptions: Sendable {
    /// Shown as the mount's source.
    public var source = "memfisd"
    /// Refuse every change.
    public var isReadOnly = false
    /// Reads leave the access time alone.
    public var keepsAccessTimes = false
    /// Let suid and sgid bits of files count for programs that are run from the mount.
    public var allowsSetuid = false
    /// Let device nodes of the mount be opened.
    public var allowsDevices = false
    /// Let programs on the mount be run.
    public var allowsPrograms = true
    /// Let other users in; an ordinary user may say so only with `user_allow_other` in /etc/fuse.conf.
    public var allowsOthers = true
    /// The defaults: writable, nosuid, nodev, for all users.
    public init() {}
}

/// Mounting and unmounting.
public enum Mounting {
    /// The type of our mounts as mount tables show it.
    public static let type = "fuse.memfisd"

    /// Opens /dev/fuse and mounts it at `path`; needs root. Nothing answers on the mount until a server reads from the
    /// descriptor (`FuseSession.attached`), and when its last copy is closed the mount is dead: close yours after
    /// handing it over.
    ///
    /// - Returns: the descriptor, closed on exec.
    /// - Throws: MountError of open(2) or mount(2).
    /// Source: mount(8), fuse(4): mount type `fuse`, its options fd, rootmode, user_id, group_id.
    public static func openAndMount(at path: String, _ options: MountOptions = MountOptions()) throws(MountError)
        -> Int32
    {
        let device = unsafe open("/dev/fuse", O_RDWR | O_CLOEXEC)
        guard device >= 0 else { throw MountError(what: "open /dev/fuse", code: errno) }
        var words = "fd=\(device),rootmode=40000,user_id=\(geteuid()),group_id=\(getegid()),default_permissions"
        if options.allowsOthers { words += ",allow_other" }
        let code = unsafe mount(options.source.hostPath, path.hostPath, type, flags(of: options), words)
        guard code == 0 else {
            let error = MountError(what: "mount at \(path)", code: errno)
            close(device)
            throw error
        }
        raiseReadAhead(of: path)
        return device
    }

    /// Lets the kernel read as far ahead as one request can carry, where it lets us say so; its default is an eighth
    /// of that. Source: sysfs(5), /sys/class/bdi/<major:minor>/read_ahead_kb.
    private static func raiseReadAhead(of path: String) {
        guard let mounted = MountTable.topmost(at: absolute(path)) else { return }
        let setting = unsafe open("/sys/class/bdi/\(mounted.device)/read_ahead_kb", O_WRONLY | O_CLOEXEC)
        guard setting >= 0 else { return }
        _ = unsafe write(setting, "1024", 4)
        close(setting)
    }

    /// Source: mount(2), the values of MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC and MS_NOATIME.
    private static func flags(of options: MountOptions) -> UInt {
        (options.isReadOnly ? 1 : 0) | (options.allowsSetuid ? 0 : 2) | (options.allowsDevices ? 0 : 4)
            | (options.allowsPrograms ? 0 : 8) | (options.keepsAccessTimes ? 1024 : 0)
    }

    /// Mounts the tree of `path` at `other` too; needs root.
    /// - Throws: MountError of mount(2).
    public static func bind(_ path: String, at other: String) throws(MountError) {
        let bindFlag: UInt = 4096
        guard unsafe mount(path.hostPath, other.hostPath, nil, bindFlag, nil) == 0 else {
            throw MountError(what: "bind \(path) at \(other)", code: errno)
        }
    }

    /// Whether the topmost mount at exactly `path` (absolute, no symlink in it) is a memfisd's. Asks no server.
    public static func isOurs(_ path: String) -> Bool { MountTable.topmost(at: path)?.type == type }

    /// Takes a mount away at once; programs that have files of it open keep them until they close them.
    /// Root does it by umount2(2), others by fusermount3(1).
    ///
    /// - Parameter aborting: the server answers no more: whoever waits for it gets an error now. Root alone can do that.
    /// - Throws: MountError: EINVAL when nothing is mounted there.
    public static func unmount(_ path: String, aborting: Bool = false) throws(MountError) {
        // Source: umount2(2), the values of MNT_FORCE, MNT_DETACH and UMOUNT_NOFOLLOW.
        let (force, detach, noFollow): (Int32, Int32, Int32) = (1, 2, 8)
        if geteuid() == 0 {
            if unsafe umount2(path.hostPath, detach | noFollow | (aborting ? force : 0)) == 0 { return }
            throw MountError(what: "unmount \(path)", code: errno)
        }
        let status = try run("fusermount3", ["-u", "-z", "-q", "--", path])
        if status != 0 { throw MountError(what: "fusermount3 -u \(path) ended with status \(status)", code: 0) }
    }

    /// Takes away what a server that died left at `path`, if there is such a thing; a mount in use stays.
    ///
    /// - Returns: whether there was one.
    /// - Throws: MountError: what is there is dead but not ours, or it cannot be unmounted.
    @discardableResult public static func clearDead(at path: String) throws(MountError) -> Bool {
        var isCleared = false
        // Mounts can lie on top of one another.
        while isDead(path) {
            let real = absolute(path)
            guard let mounted = MountTable.topmost(at: real), mounted.type == type else {
                throw MountError(what: "\(path) is a dead mount of something else", code: ENOTCONN)
            }
            try unmount(real)
            isCleared = true
        }
        return isCleared
    }

    /// Whether the server of what is mounted at `path` is gone. Asked by statvfs(3), which the kernel always asks the server;
    /// attributes it may still know by itself.
    private static func isDead(_ path: String) -> Bool {
        var figures = statvfs()
        return unsafe statvfs(path.hostPath, &figures) != 0 && (errno == ENOTCONN || errno == ECONNABORTED)
    }

    /// The path with its directory's symlinks resolved. The last component stays: it may be dead.
    private static func absolute(_ path: String) -> String {
        var trimmed = path[...]
        while trimmed.count > 1, trimmed.last == "/" { trimmed.removeLast() }
        let slash = trimmed.lastIndex(of: "/")
        let directory = slash.map { $0 == trimmed.startIndex ? "/" : String(trimmed[..<$0]) } ?? "."
        let name = slash.map { trimmed[trimmed.index(after: $0)...] } ?? trimmed
        guard let resolved = unsafe realpath(directory.hostPath, nil) else { return path }
        defer { unsafe free(resolved) }
        let real = unsafe String(hostText: resolved)
        return real == "/" ? "/" + name : real + "/" + name
    }

    /// Runs a program to its end and returns its exit status, or 128 and more when a signal ended it.
    private static func run(_ program: String, _ arguments: [String]) throws(MountError) -> Int32 {
        var pointers = unsafe ([program] + arguments).map { unsafe strdup($0.hostPath) } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        var process = pid_t()
        let code = unsafe posix_spawnp(&process, program, nil, nil, &pointers, environ)
        guard code == 0 else { throw MountError(what: "run \(program)", code: code) }
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0 {
            // ECHILD: somebody else waits for all children; the outcome is not known, and the caller will see.
            if errno != EINTR { return 0 }
        }
        return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
    }
}
