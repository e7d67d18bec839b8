// FileSystem+Read: opening files, reading them, following symlinks, finding data and holes.
import Glibc
import MemStore

/// How a program opens a file.
public struct OpenMode: Equatable, Sendable {
    /// O_RDONLY or O_RDWR
    public var canRead: Bool
    /// O_WRONLY or O_RDWR
    public var canWrite: Bool
    /// O_RDONLY or O_RDWR, without O_NOATIME.
    public var readsWithTime: Bool
    /// O_TRUNC
    public var truncates: Bool
    /// O_APPEND
    public var appends: Bool
    /// The open makes the file.
    public var creates = false
    /// Whose truncation takes suid and sgid from the file (it lacks CAP_FSETID); nil where nothing is to be taken.
    public var clearingSetIDFor: Asker?
    /// Writes may go past the kernel's pages, if nobody else has the file open; only where the clearing of suid and
    /// sgid is left to us, which such writes do not do.
    public var mayBeDirect = false
    /// The thread that opens; 0 = unknown.
    public var opener: UInt32

    /// The mode of the flags of open(2), by thread `opener`.
    public init(flags: Int32, opener: UInt32) {
        canRead = flags & O_ACCMODE != O_WRONLY
        canWrite = flags & O_ACCMODE != O_RDONLY
        // Source: open(2), the value of O_NOATIME on x86-64 and ARM.
        let noAccessTime: Int32 = 0o1000000
        readsWithTime = canRead && flags & noAccessTime == 0
        truncates = flags & O_TRUNC != 0
        appends = flags & O_APPEND != 0
        self.opener = opener
    }
}

extension FileSystem {
    /// open(2) of a file that exists. To open it for reading counts as an access, since most reads are served by the
    /// kernel's pages and bring no request.
    /// - Throws: ENFILE, ENOSPC, EROFS, ESTALE.
    public func open(_ ino: Ino, _ mode: OpenMode) throws(FSError) -> OpenFile {
        if mode.canWrite || mode.truncates { try checkWritable() }
        if ino.isControl { return try control.open(ino, mode) }
        var file = try makeHandle(ino, mode)
        if mode.readsWithTime, !state.options.keepsAccessTimes, !state.options.isReadOnly {
            // The kernel asks for the time again after each READ, so nobody has to tell it.
            session.countAccess(to: ino)
        }
        guard mode.truncates else { return file }
        do throws(FSError) {
            try truncateAtOpen(ino, file.handle)
        } catch {
            release(ino, handle: file.handle)
            throw error
        }
        if clearPrivileges(of: ino, for: mode.clearingSetIDFor) { file.hasNewAttributes = true }
        return file
    }

    /// Counts one open handle in the store and remembers it here.
    /// - Throws: ENFILE, ESTALE.
    func makeHandle(_ ino: Ino, _ mode: OpenMode) throws(FSError) -> OpenFile {
        let file = try translating { () throws(StoreError) in
            try state.handles.open(ino, mode) { () throws(StoreError) in
                try session.openFile(ino)
            }
        }
        guard let file else { throw FSError(ENFILE) }
        return file
    }

    private func truncateAtOpen(_ ino: Ino, _ handle: HandleNumber) throws(FSError) {
        var changes = AttributeChanges()
        changes.size = 0
        let appends = state.handles.setCutToNothing(ino, by: handle)
        _ = try translating { () throws(StoreError) in try session.setAttributes(of: ino, changes, isOpen: true) }
        if appends { session.publishCutSoon(ino) }
    }

    /// pread(2) of live content: returns the bytes copied into `buffer`, fewer only at the end of the file.
    /// - Parameter handle: as given at open; only files of the control directory ask for it.
    /// - Throws: EISDIR, ESTALE.
    @unsafe public func read(
        _ ino: Ino, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer, handle: HandleNumber = .readOnly
    ) throws(FSError) -> Int {
        if ino.isControl { return unsafe control.read(handle, at: offset, into: buffer) }
        return try translating { () throws(StoreError) in unsafe try session.readFile(ino, at: offset, into: buffer) }
    }

    /// Whether a read of `count` bytes is better answered by `lend`: to hold blocks for fewer would cost more than to
    /// copy them.
    static func lends(_ ino: Ino, count: Int) -> Bool { !ino.isControl && count >= 16 << 10 }

    /// The same as `read` without a copy of what lies in whole blocks: the loan has pieces of the store's memory, to be
    /// given back. `buffer` takes what has to be copied.
    /// - Throws: as `read`.
    @unsafe func lend(
        _ ino: Ino, at offset: UInt64, through buffer: UnsafeMutableRawBufferPointer
    ) throws(FSError) -> ContentLoan {
        try translating { () throws(StoreError) in unsafe try session.lendFile(ino, at: offset, through: buffer) }
    }

    /// Ends a loan.
    func giveBack(_ loan: ContentLoan) { session.giveBack(loan) }

    /// readlink(2): copies the target into `buffer` and returns its whole length.
    /// - Throws: EINVAL (not a symlink), ESTALE.
    @unsafe public func readSymlink(_ ino: Ino, into buffer: UnsafeMutableRawBufferPointer) throws(FSError) -> Int {
        try translating { () throws(StoreError) in unsafe try session.readSymlink(ino, into: buffer) }
    }

    /// lseek(2) with SEEK_DATA (`data` true) or SEEK_HOLE.
    /// - Throws: ENXIO beyond the end, ESTALE.
    public func seek(_ ino: Ino, from offset: UInt64, data: Bool) throws(FSError) -> UInt64 {
        if ino.isControl {
            let size = try control.attributes(of: ino).attributes.size
            guard offset < size else { throw FSError(ENXIO) }
            return data ? offset : size
        }
        return try translating { () throws(StoreError) in try session.seek(ino, from: offset, data: data) }
    }
}
