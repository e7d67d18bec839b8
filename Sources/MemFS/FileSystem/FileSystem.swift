// FileSystem: the operations of the mount in plain Swift, one value for each thread. It knows no FUSE type, so it is
// tested without a mount; FuseBridge unpacks requests for it. See +Directory, +Attributes, +Read, +Write.
import Glibc
import MemStore

/// How a mount shows the tree.
public struct FileSystemOptions: Sendable {
    /// Longest time in seconds that the kernel may keep an entry or attributes. Changes by the port are told to it.
    public var timeoutSeconds: Double = 3600
    /// Refuse every change.
    public var isReadOnly = false
    /// Reads leave the access time alone.
    public var keepsAccessTimes = false
    /// Owner and group shown for every inode; nil = the stored ones.
    public var uid: UInt32?
    /// See `uid`.
    public var gid: UInt32?
    /// Permission bits never shown.
    public var umask: UInt32 = 0
    /// Texts that the control directory shows.
    public var reports: [ControlReport] = []
    /// The defaults: everything as stored, times kept.
    public init() {}
}

/// An inode as a reply shows it, with how long the kernel may keep it.
public struct Entry: Equatable, Sendable {
    /// What stat(2) shows.
    public var attributes: Attributes
    /// Seconds that both the name and the attributes may be kept.
    public var timeoutSeconds: Double
    /// Shown in a listing without an inode behind it: the kernel is to look the name up when it is used.
    public var isNameOnly = false
}

/// What a lookup found.
public enum LookupResult: Equatable, Sendable {
    case found(Entry)
    /// No such name; the kernel may remember that for `timeoutSeconds`.
    case missing(timeoutSeconds: Double)
}

/// An open file as a reply shows it.
public struct OpenFile: Equatable, Sendable {
    /// What the kernel sends with each request.
    public var handle: HandleNumber
    /// The handle cannot write: the kernel need not say when it is closed by a process.
    public var skipsFlush: Bool
    /// The kernel is to read and write past its pages; see `HandleTable.open`.
    public var isDirect = false
    /// The open cleared suid or sgid or set the access time, of which the kernel does not know.
    public var hasNewAttributes = false
}

/// What all threads of a mount share.
final class FileSystemState: Sendable {
    let options: FileSystemOptions
    let handles = HandleTable()
    let notices = NoticeQueue()
    let control = ControlTable()
    let counts = SharedCounts<MountCount>()
    init(options: FileSystemOptions) { self.options = options }

    deinit { counts.destroy() }
}

/// One thread's filesystem.
public struct FileSystem: Sendable {
    let session: StoreSession
    let state: FileSystemState

    /// A filesystem over `session`, alone with its handles; a mount's threads share theirs.
    public init(session: StoreSession, options: FileSystemOptions = FileSystemOptions()) {
        self.init(session: session, state: FileSystemState(options: options))
    }

    init(session: StoreSession, state: FileSystemState) {
        self.session = session
        self.state = state
    }

    // MARK: inodes

    /// Finds `name` in a directory; a hit counts one lookup.
    /// - Throws: ENOTDIR, ENAMETOOLONG, ESTALE.
    public func lookup(_ name: Bytes, in parent: Ino) throws(FSError) -> LookupResult {
        if parent.isControl { return try control.lookup(name, in: parent) }
        if namesControl(name, in: parent) { return .found(try control.attributes(of: .control)) }
        do throws(StoreError) {
            return .found(entry(try session.lookup(name, in: parent)))
        } catch {
            guard error == .noEntry else { throw FSError(error) }
            return .missing(timeoutSeconds: state.options.timeoutSeconds)
        }
    }

    /// Gives lookups back.
    public func forget(_ ino: Ino, count: UInt64) {
        if ino.isControl { return state.control.forget(ino, count: count) }
        session.forget(ino, count: count)
    }

    /// stat(2).
    /// - Throws: ESTALE.
    public func attributes(of ino: Ino) throws(FSError) -> Entry {
        if ino.isControl { return try control.attributes(of: ino) }
        return entry(try translating { () throws(StoreError) in try session.attributes(of: ino) })
    }

    /// statfs(2).
    public func statistics() -> FilesystemStatistics { session.filesystemStatistics() }

    // MARK: replies

    /// An inode as this mount shows it, with the time that the kernel may keep it: never beyond its exptime.
    func entry(_ attributes: Attributes) -> Entry {
        Entry(attributes: shown(attributes), timeoutSeconds: timeoutSeconds(until: attributes.exptime))
    }

    private func timeoutSeconds(until exptime: Exptime) -> Double {
        let longest = state.options.timeoutSeconds
        if exptime == .never { return longest }
        // The present second has begun already, so only the whole ones that follow it are sure.
        return min(longest, max(0, Double(exptime.secondsLeft(at: session.nowSecond) - 1)))
    }

    private func shown(_ attributes: Attributes) -> Attributes {
        var shown = attributes
        if let uid = state.options.uid { shown.uid = uid }
        if let gid = state.options.gid { shown.gid = gid }
        shown.mode &= ~(state.options.umask & 0o777)
        return shown
    }

    /// - Throws: EROFS on a mount that refuses changes.
    func checkWritable() throws(FSError) {
        if state.options.isReadOnly { throw FSError(EROFS) }
    }
}
