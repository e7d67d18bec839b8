// FileSystem+Directory: names. Making, removing, renaming, linking and listing them.
import Glibc
import MemStore

extension FileSystem {
    /// mknod(2): a regular file, FIFO, socket or device; counts a lookup.
    ///
    /// - Parameters:
    ///   - mode: with the type bits; the kernel has applied the umask.
    ///   - device: as the kernel sends it.
    /// - Throws: EEXIST, ENOTDIR, ENAMETOOLONG, ENOSPC, EROFS.
    public func makeNode(
        _ name: Bytes, in parent: Ino, mode: UInt32, device: UInt32, caller: Caller
    ) throws(FSError) -> Entry {
        try checkWritable()
        if parent.isControl { return try control.makeItem(name, in: parent, mode: mode) }
        try checkOutsideControl(name, in: parent)
        let made = try translating { () throws(StoreError) in
            try session.makeNode(name, in: parent, mode: mode, device: device, caller: caller)
        }
        // No handle of it is open, so nothing will ever close it: an empty file is whole as it is.
        if made.type == .regular { session.publish(made.ino) }
        return entry(made)
    }

    /// mkdir(2); counts a lookup.
    /// - Throws: EEXIST, ENOTDIR, ENAMETOOLONG, EMLINK, ENOSPC, EROFS.
    public func makeDirectory(_ name: Bytes, in parent: Ino, mode: UInt32, caller: Caller) throws(FSError) -> Entry {
        try checkWritable()
        try checkOutsideControl(name, in: parent)
        return entry(
            try translating { () throws(StoreError) in
                try session.makeDirectory(name, in: parent, mode: mode, caller: caller)
            })
    }

    /// symlink(2); counts a lookup.
    /// - Throws: EEXIST, ENOTDIR, ENAMETOOLONG, ENOSPC, EROFS.
    public func makeSymlink(_ name: Bytes, in parent: Ino, target: Bytes, caller: Caller) throws(FSError) -> Entry {
        try checkWritable()
        try checkOutsideControl(name, in: parent)
        return entry(
            try translating { () throws(StoreError) in
                try session.makeSymlink(name, in: parent, target: target, caller: caller)
            })
    }

    /// link(2); counts a lookup of `ino`.
    /// - Throws: EEXIST, EPERM (a directory), EMLINK, ENOTDIR, ENAMETOOLONG, ENOSPC, EROFS.
    public func link(_ ino: Ino, as name: Bytes, in parent: Ino) throws(FSError) -> Entry {
        try checkWritable()
        try checkOutsideControl(name, in: parent)
        if ino.isControl { throw FSError(EXDEV) }
        return entry(try translating { () throws(StoreError) in try session.link(ino, as: name, in: parent) })
    }

    /// unlink(2); the inode lives on while it is open or known to the kernel.
    /// - Throws: ENOENT, EISDIR, EROFS.
    public func unlink(_ name: Bytes, in parent: Ino) throws(FSError) {
        try checkWritable()
        if parent.isControl { return try control.unlinkItem(name, in: parent) }
        try translating { () throws(StoreError) in try session.unlink(name, in: parent) }
    }

    /// rmdir(2).
    /// - Throws: ENOENT, ENOTDIR, ENOTEMPTY, EROFS.
    public func removeDirectory(_ name: Bytes, in parent: Ino) throws(FSError) {
        try checkWritable()
        try checkOutsideControl(name, in: parent)
        try translating { () throws(StoreError) in try session.removeDirectory(name, in: parent) }
    }

    /// renameat2(2): one step for both doors.
    /// - Throws: ENOENT, EEXIST, EISDIR, ENOTDIR, ENOTEMPTY, EINVAL (into its own subtree), ENAMETOOLONG, ENOSPC,
    ///   EROFS.
    public func rename(
        _ name: Bytes, in parent: Ino, to newName: Bytes, in newParent: Ino, mode: RenameMode,
        caller: Caller = Caller(uid: 0, gid: 0)
    ) throws(FSError) {
        try checkWritable()
        if namesControl(name, in: parent) || namesControl(newName, in: newParent) { throw FSError(EPERM) }
        if parent.isControl || newParent.isControl {
            return try control.rename(name, in: parent, to: newName, in: newParent, mode: mode)
        }
        try translating { () throws(StoreError) in
            try session.rename(name, in: parent, to: newName, in: newParent, mode: mode, caller: caller)
        }
    }

    /// Shows each entry behind `cookie` to `body` until it returns false; `.` and `..` are among them.
    /// - Throws: ENOTDIR, ESTALE.
    public func readDirectory(
        _ ino: Ino, after cookie: UInt64, _ body: (DirectoryEntry) -> Bool
    ) throws(FSError) {
        if ino.isControl { return try control.readDirectory(ino, after: cookie) { name, _ in body(name) } }
        try translating { () throws(StoreError) in
            try session.readDirectory(ino, after: cookie, countsLookups: false) { entry, _ in body(entry) }
        }
    }

    /// The same with what a lookup would have found; each entry for which `body` returns true counts one lookup, but
    /// `.` and `..`. Where there are more than `listedWithAttributesMax` only the first answer has it.
    /// - Throws: ENOTDIR, ESTALE.
    public func readDirectoryWithAttributes(
        _ ino: Ino, after cookie: UInt64, _ body: (DirectoryEntry, Entry) -> Bool
    ) throws(FSError) {
        if ino.isControl { return try control.readDirectory(ino, after: cookie, body) }
        let count = try cookie == 0 ? 0 : entryCount(of: ino)
        let hasAttributes = count <= Self.listedWithAttributesMax
        try translating { () throws(StoreError) in
            try session.readDirectory(ino, after: cookie, countsLookups: hasAttributes) { name, attributes in
                var entry = entry(attributes)
                entry.isNameOnly = !hasAttributes
                return body(name, entry)
            }
        }
    }

    /// Entries of a directory up to which its listing makes the kernel know all of its inodes: whoever asks for their
    /// attributes next needs no lookups, and whoever wants the names alone fills little of the kernel's memory.
    static let listedWithAttributesMax = 4096

    private func entryCount(of directory: Ino) throws(FSError) -> Int {
        let size = try translating { () throws(StoreError) in try session.attributes(of: directory).size }
        return Int(size) / Limits.directorySizePerEntry - 2
    }
}
