// FileSystem+Write: creating and writing files, and when what was written becomes visible on the port.
//
// A close by the process that opened a file publishes what that process wrote. The kernel sends a flush for every close
// of every copy of a descriptor, also by children that inherited it and before anything was written; those must show
// nothing, and the last release, which the store takes care of, shows all.
import Glibc
import MemStore

/// Where the bytes of a write go.
public enum WriteKind: Sendable {
    case atOffset
    /// To the true end: the descriptor has O_APPEND at that moment, which fcntl(2) can change.
    case append
    /// The kernel writes pages of a mapping, with any handle of the inode.
    case pages

    /// Of the descriptor's flags, which come with each write.
    public init(flags: Int32, isPageWrite: Bool) {
        self = isPageWrite ? .pages : flags & O_APPEND != 0 ? .append : .atOffset
    }
}

extension FileSystem {
    /// open(2) with O_CREAT of a name that the kernel did not find; counts a lookup and one open handle.
    ///
    /// - Parameter isExclusive: O_EXCL.
    /// - Throws: EEXIST with O_EXCL; ESTALE when the port made the name meanwhile, on which the kernel looks again;
    ///   ENOTDIR, ENAMETOOLONG, ENOSPC, ENFILE, EROFS.
    public func create(
        _ name: Bytes, in parent: Ino, mode: UInt32, isExclusive: Bool, caller: Caller, _ openMode: OpenMode
    ) throws(FSError) -> (Entry, OpenFile) {
        try checkWritable()
        if parent.isControl { return try control.create(name, in: parent, isExclusive: isExclusive, openMode) }
        try checkOutsideControl(name, in: parent)
        let made: Attributes
        do throws(StoreError) {
            let permissions = mode & ~FileType.mask
            made = try session.makeNode(
                name, in: parent, mode: FileType.regular.rawValue | permissions, device: 0, caller: caller)
        } catch {
            throw error == .exists && !isExclusive ? FSError(ESTALE) : FSError(error)
        }
        do throws(FSError) {
            var openMode = openMode
            openMode.creates = true
            return (entry(made), try makeHandle(made.ino, openMode))
        } catch {
            session.forget(made.ino, count: 1)
            throw error
        }
    }

    /// pwrite(2) and write(2). Writes all of `bytes` or fails.
    ///
    /// - Parameters:
    ///   - writer: the thread that writes, 0 = unknown; nil = the one that opened the handle.
    ///   - asker: whose write takes suid and sgid from the file (it lacks CAP_FSETID); nil where nothing is to be taken.
    /// - Returns: whether suid or sgid was cleared, of which the kernel does not know.
    /// - Throws: ENOSPC, EFBIG, EROFS, ESTALE.
    @discardableResult public func write(
        _ ino: Ino, at offset: UInt64, _ bytes: Bytes, handle: HandleNumber, _ kind: WriteKind,
        by writer: UInt32? = nil, clearingSetIDFor asker: Asker? = nil
    ) throws(FSError) -> Bool {
        try checkWritable()
        if ino.isControl {
            try control.write(bytes, at: kind == .append ? nil : offset, handle)
            return false
        }
        if kind == .pages {
            try writePages(ino, at: offset, bytes)
            return false
        }
        let appends = kind == .append
        let start = try noting(handle, appending: appends) { () throws(StoreError) in
            try session.writeFile(
                ino, at: appends ? nil : offset, bytes, isAppending: appends, clearsPrivileges: false)
        }
        let isDirect = state.handles.setWritten(handle, appending: appends, by: writer)
        // The kernel asks about it only before it writes to its pages.
        if isDirect { dropCapabilities(of: ino) }
        // The port had changed the size unseen: the kernel now has these bytes at the wrong place.
        if start != offset { state.notices.add(.content(ino)) }
        return clearPrivileges(of: ino, for: asker)
    }

    /// Runs a change through a handle, which is told when it fails. An append that fails has changed nothing.
    func noting<R>(
        _ handle: HandleNumber?, appending: Bool = false, _ change: () throws(StoreError) -> R
    ) throws(FSError) -> R {
        do throws(StoreError) {
            return try change()
        } catch {
            if let handle, !appending, error.isWantOfRoom { state.handles.setFailed(handle) }
            throw FSError(error)
        }
    }

    /// Pages of a mapping. Those that an invalidation of ours pushes out are older than what the port stored.
    private func writePages(_ ino: Ino, at offset: UInt64, _ bytes: Bytes) throws(FSError) {
        if state.notices.isInvalidating(ino) { return }
        do throws(FSError) {
            _ = try translating { () throws(StoreError) in
                try session.writeFile(ino, at: offset, bytes, isAppending: false, clearsPrivileges: false)
            }
        } catch {
            state.handles.setWrittenByPages(ino)
            // The kernel keeps pages that it could not write, and would show them as if they were stored.
            state.notices.add(.content(ino))
            throw error
        }
        state.handles.setWrittenByPages(ino)
    }

    /// close(2) of one descriptor by thread `closer` (0 = unknown).
    ///
    /// - Throws: EFBIG, ENOSPC, for a cache item whose value cannot be stored; ENOSPC where another change of the file has
    ///   failed, so that what was written through this handle is not published.
    public func flush(_ ino: Ino, handle: HandleNumber, closer: UInt32) throws(FSError) {
        if ino.isControl { return try control.publish(handle) }
        guard let opener = state.handles.openerOfWritten(handle) else { return }
        guard ProcessIdentity.isSameProcess(opener, closer) else { return }
        state.handles.setPublished(ino)
        if !session.publish(ino) { throw FSError(ENOSPC) }
    }

    /// fsync(2): what is written so far becomes visible on the port.
    ///
    /// - Throws: EFBIG, ENOSPC, for a cache item whose value cannot be stored; ENOSPC once after a change of the file has
    ///   failed.
    public func sync(_ ino: Ino, handle: HandleNumber) throws(FSError) {
        if ino.isControl { return try control.publish(handle) }
        state.handles.setPublished(ino)
        try translating { () throws(StoreError) in try session.syncFile(ino) }
    }

    /// The last close of an open file: what is left is published, unless others are in the middle of writing.
    public func release(_ ino: Ino, handle: HandleNumber) {
        if ino.isControl { return control.release(handle) }
        let publishes = state.handles.close(handle)
        session.releaseFile(ino, publishes: publishes)
    }

    /// fallocate(2).
    /// - Returns: whether suid or sgid was cleared, of which the kernel does not know.
    /// - Throws: ENOSPC, EFBIG, EROFS, ESTALE.
    @discardableResult public func allocate(
        _ ino: Ino, at offset: UInt64, length: UInt64, mode: AllocateMode, handle: HandleNumber,
        clearingSetIDFor asker: Asker? = nil
    ) throws(FSError) -> Bool {
        try checkWritable()
        if ino.isControl { throw FSError(EOPNOTSUPP) }
        try noting(handle) { () throws(StoreError) in
            try session.allocate(ino, at: offset, length: length, mode: mode)
        }
        state.handles.setWritten(handle)
        return clearPrivileges(of: ino, for: asker)
    }

    /// copy_file_range(2); returns the bytes copied.
    /// - Throws: ENOSPC, EFBIG, EINVAL (overlapping ranges of one file), EROFS, ESTALE.
    public func copyRange(
        from source: Ino, at sourceOffset: UInt64, to target: Ino, at targetOffset: UInt64, length: UInt64,
        handle: HandleNumber, clearingSetIDFor asker: Asker? = nil
    ) throws(FSError) -> UInt64 {
        try checkWritable()
        // The kernel then copies by reading and writing.
        if source.isControl || target.isControl { throw FSError(EOPNOTSUPP) }
        let count = try noting(handle) { () throws(StoreError) in
            try session.copyRange(
                from: source, at: sourceOffset, to: target, at: targetOffset, length: length)
        }
        if count > 0 { state.handles.setWritten(handle) }
        _ = clearPrivileges(of: target, for: asker)
        return count
    }
}
