// FileSystem+Attributes: modes, owners, times, sizes and extended attributes.
import Glibc
import MemStore

extension FileSystem {
    /// chmod(2), chown(2), truncate(2), utimensat(2).
    ///
    /// - Parameter handle: the open file of an ftruncate(2), nil for a change by path, which publishes at once.
    /// - Throws: EFBIG, ENOSPC, EISDIR, EROFS, ESTALE.
    public func setAttributes(
        of ino: Ino, _ changes: AttributeChanges, handle: HandleNumber?
    ) throws(FSError) -> Entry {
        try checkWritable()
        let changed = try translating { () throws(StoreError) in
            try session.setAttributes(of: ino, changes, isOpen: handle != nil)
        }
        if let handle, let size = changes.size {
            // What was written before a file was cut to nothing is gone: the next close has nothing to show yet.
            state.handles.setWritten(handle, size > 0)
        }
        return entry(changed)
    }

    // MARK: extended attributes

    /// getxattr(2): copies the value into `buffer` and returns its length; an empty buffer asks for the length alone.
    /// - Throws: ENODATA, ERANGE, EOPNOTSUPP for the `system` namespace but its access lists, which are absent.
    @unsafe public func getExtendedAttribute(
        _ name: Bytes, of ino: Ino, into buffer: UnsafeMutableRawBufferPointer
    ) throws(FSError) -> Int {
        if MinimalACL.isName(name) { throw FSError(ENODATA) }
        try checkNamespace(name)
        return try translating { () throws(StoreError) in
            unsafe try session.getExtendedAttribute(name, of: ino, into: buffer)
        }
    }

    /// listxattr(2): copies NUL-terminated names; an empty buffer asks for the length alone.
    /// - Throws: ERANGE.
    @unsafe public func listExtendedAttributes(
        of ino: Ino, into buffer: UnsafeMutableRawBufferPointer
    ) throws(FSError) -> Int {
        try translating { () throws(StoreError) in unsafe try session.listExtendedAttributes(of: ino, into: buffer) }
    }

    /// setxattr(2). An access list that says no more than a mode is made the mode, since coreutils sets modes so.
    ///
    /// - Returns: whether the mode changed, of which the kernel does not know.
    /// - Throws: EEXIST, ENODATA, ENOSPC, E2BIG, EROFS, EOPNOTSUPP for the `system` namespace.
    @discardableResult public func setExtendedAttribute(
        _ name: Bytes, of ino: Ino, to value: Bytes, mustExist: Bool, mustNotExist: Bool, caller: Caller
    ) throws(FSError) -> Bool {
        try checkWritable()
        if name.equals(MinimalACL.accessName.bytes) { return try setMode(of: ino, from: value, caller) }
        try checkNamespace(name)
        try translating { () throws(StoreError) in
            try session.setExtendedAttribute(
                name, of: ino, to: value, mustExist: mustExist, mustNotExist: mustNotExist)
        }
        return false
    }

    /// removexattr(2). To remove an access list succeeds though there is none, as on filesystems that have them.
    /// - Throws: ENODATA, EROFS, EOPNOTSUPP for the `system` namespace.
    public func removeExtendedAttribute(_ name: Bytes, of ino: Ino) throws(FSError) {
        try checkWritable()
        if MinimalACL.isName(name) { return }
        try checkNamespace(name)
        try translating { () throws(StoreError) in try session.removeExtendedAttribute(name, of: ino) }
    }

    private func setMode(of ino: Ino, from value: Bytes, _ caller: Caller) throws(FSError) -> Bool {
        guard let list = MinimalACL(value) else { throw FSError(EOPNOTSUPP) }
        let mode = try translating { () throws(StoreError) in try session.attributes(of: ino).mode }
        // chmod(2) takes the setgid bit from a file of a group that the caller is not in, and the kernel knows the
        // groups: programs call it next when they are refused here.
        if mode & 0o2000 != 0, caller.uid != 0 { throw FSError(EOPNOTSUPP) }
        var changes = AttributeChanges()
        changes.mode = mode & 0o7000 | list.permissions
        _ = try translating { () throws(StoreError) in
            try session.setAttributes(of: ino, changes, isOpen: false)
        }
        return changes.mode != mode & ~FileType.mask
    }

    /// - Throws: EOPNOTSUPP: what is in the `system` namespace is a filesystem's own, and this one has nothing there.
    private func checkNamespace(_ name: Bytes) throws(FSError) {
        let system: StaticString = "system."
        let length = system.utf8CodeUnitCount
        if name.count >= length, name[0..<length].equals(system.bytes) { throw FSError(EOPNOTSUPP) }
    }
}
