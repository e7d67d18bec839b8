// The file operations of a session: what a filesystem adapter calls. Signatures
// first; the tree does the work.

extension StoreSession {
    // MARK: names

    /// Looks `name` up in a directory and counts one lookup of the inode found (`forget` gives it back).
    /// - Throws: noEntry, notDirectory, nameTooLong, stale.
    public func lookup(_ name: Bytes, in parent: Ino) throws(StoreError) -> Attributes { fatalError() }

    /// Gives `count` lookups back; an unlinked inode without lookups, handles and links is freed.
    public func forget(_ ino: Ino, count: UInt64) { fatalError() }

    /// Makes a node of any type (regular files, FIFOs, sockets, devices) and counts a lookup of it.
    /// Group and setgid follow the parent directory; `mode` has the type bits.
    public func makeNode(
        _ name: Bytes, in parent: Ino, mode: UInt32, device: UInt32, caller: Caller
    ) throws(StoreError) -> Attributes { fatalError() }

    /// mkdir(2); counts a lookup.
    public func makeDirectory(_ name: Bytes, in parent: Ino, mode: UInt32, caller: Caller) throws(StoreError) -> Attributes {
        fatalError()
    }

    /// symlink(2); counts a lookup.
    public func makeSymlink(_ name: Bytes, in parent: Ino, target: Bytes, caller: Caller) throws(StoreError) -> Attributes {
        fatalError()
    }

    /// link(2); counts a lookup of `ino`.
    public func link(_ ino: Ino, as name: Bytes, in parent: Ino) throws(StoreError) -> Attributes { fatalError() }

    /// unlink(2). The inode lives on while it has lookups or handles.
    public func unlink(_ name: Bytes, in parent: Ino) throws(StoreError) { fatalError() }

    /// rmdir(2).
    public func removeDirectory(_ name: Bytes, in parent: Ino) throws(StoreError) { fatalError() }

    /// renameat2(2): one step for both doors.
    public func rename(
        _ name: Bytes, in parent: Ino, to newName: Bytes, in newParent: Ino, mode: RenameMode
    ) throws(StoreError) { fatalError() }

    /// readlink(2): copies the target into `buffer`, returns its whole length.
    @unsafe public func readSymlink(_ ino: Ino, into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) -> Int { fatalError() }

    // MARK: attributes

    /// stat(2) of the live content.
    public func attributes(of ino: Ino) throws(StoreError) -> Attributes { fatalError() }

    /// chmod, chown, truncate, utimensat. A truncate without an open handle (`isOpen` false) publishes at once.
    public func setAttributes(of ino: Ino, _ changes: AttributeChanges, isOpen: Bool) throws(StoreError) -> Attributes {
        fatalError()
    }

    /// Extended attributes, names with their namespace (`user.…`). `get` and `list` copy into `buffer` and return
    /// the whole length; an empty buffer asks for the length. Throws rangeTooSmall, noAttribute.
    @unsafe public func getExtendedAttribute(_ name: Bytes, of ino: Ino, into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) -> Int {
        fatalError()
    }
    /// NUL-terminated names one after another.
    @unsafe public func listExtendedAttributes(of ino: Ino, into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) -> Int {
        fatalError()
    }
    /// setxattr(2). `mustExist` is XATTR_REPLACE, `mustNotExist` is XATTR_CREATE.
    public func setExtendedAttribute(
        _ name: Bytes, of ino: Ino, to value: Bytes, mustExist: Bool, mustNotExist: Bool
    ) throws(StoreError) { fatalError() }
    /// removexattr(2).
    public func removeExtendedAttribute(_ name: Bytes, of ino: Ino) throws(StoreError) { fatalError() }

    // MARK: content

    /// Counts one open handle, so that the inode survives unlink.
    public func openFile(_ ino: Ino) throws(StoreError) { fatalError() }

    /// Ends one open handle; the last release publishes a dirty inode.
    public func releaseFile(_ ino: Ino) { fatalError() }

    /// Reads live content at `offset`; returns the bytes copied, fewer only at the end of the file.
    @unsafe public func readFile(_ ino: Ino, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) -> Int {
        fatalError()
    }

    /// Writes live content at `offset` (at the end, if nil) and returns the offset written to. The first write
    /// makes the live content a version of its own; the published one stays as it was.
    /// `isAppending`: the handle has O_APPEND (see `StoreConfiguration.publishIntervalSeconds`).
    public func writeFile(
        _ ino: Ino, at offset: UInt64?, _ bytes: Bytes, isAppending: Bool, clearsPrivileges: Bool
    ) throws(StoreError) -> UInt64 { fatalError() }

    /// Publishes live content if the inode is dirty: one pointer swap, a new cas.
    public func publish(_ ino: Ino) { fatalError() }

    /// fallocate(2).
    public func allocate(_ ino: Ino, at offset: UInt64, length: UInt64, mode: AllocateMode) throws(StoreError) { fatalError() }

    /// lseek(2) SEEK_DATA (`data` true) and SEEK_HOLE.
    public func seek(_ ino: Ino, from offset: UInt64, data: Bool) throws(StoreError) -> UInt64 { fatalError() }

    /// copy_file_range(2); returns the bytes copied.
    public func copyRange(
        from source: Ino, at sourceOffset: UInt64, to target: Ino, at targetOffset: UInt64, length: UInt64
    ) throws(StoreError) -> UInt64 { fatalError() }

    // MARK: directories

    /// Calls `body` for each entry behind `cookie` (0 = from the start, `.` and `..` included) until it returns false.
    /// Entries that exist throughout are shown exactly once, whatever is added or removed meanwhile.
    /// `countsLookups`: an entry for which `body` returns true counts one lookup (readdirplus), but `.` and `..`.
    public func readDirectory(
        _ ino: Ino, after cookie: UInt64, countsLookups: Bool, _ body: (DirectoryEntry, Attributes) -> Bool
    ) throws(StoreError) { fatalError() }

    /// statfs(2).
    public func filesystemStatistics() -> FilesystemStatistics { fatalError() }
}
