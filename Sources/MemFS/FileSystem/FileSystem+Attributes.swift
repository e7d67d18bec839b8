// FileSystem+Attributes: modes, owners, times, sizes and extended attributes.
import Glibc
import MemStore

extension FileSystem {
    /// chmod(2), chown(2), truncate(2), utimensat(2).
    ///
    /// - Parameters:
    ///   - handle: the open file of an ftruncate(2), nil for a change by path, which publishes at once.
    ///   - asker: whose call takes suid and sgid from the file; nil where nothing is to be taken.
    /// - Throws: EPERM when somebody else than the owner does a chown(2) that changes neither owner nor group and so
    ///   would only clear suid and sgid; EFBIG, ENOSPC, EISDIR, EROFS, ESTALE.
    public func setAttributes(
        of ino: Ino, _ changes: AttributeChanges, handle: HandleNumber?, clearingSetIDFor asker: Asker? = nil
    ) throws(FSError) -> Entry {
        try checkWritable()
        if ino.isControl { return try control.setAttributes(of: ino, changes, handle: handle) }
        var changes = changes
        let lost = bitsLost(by: ino, to: asker)
        if lost != 0 {
            let now = try translating { () throws(StoreError) in try session.attributes(of: ino) }
            // The kernel asks so before a write, which may come through any descriptor and will clear them itself, and
            // for a chown(2) that sets nothing, which only the owner may. Where the process has no descriptor that can
            // write it was chown(2).
            if changes.isEmpty, let asker, asker.uid != 0, asker.uid != now.uid {
                guard state.handles.hasWriter(ino, ofProcess: asker.thread) else { throw FSError(EPERM) }
                return entry(now)
            }
            changes.clearedMode = lost
        }
        if handle == nil, let size = changes.size {
            // truncate(2) to the size that a file has leaves its content. On tmpfs it moves the times of a file that takes
            // memory, and not of any other; ftruncate(2) moves them always.
            let now = try translating { () throws(StoreError) in try session.attributes(of: ino) }
            if now.size == size {
                changes.size = nil
                if now.blocks > 0, changes.mtime == nil { changes.mtime = .now }
            }
            if changes.isEmpty { return entry(now) }
        }
        // What was written before a file is cut to nothing is gone: the next close has nothing to show yet.
        let isRenewed = changes.size == 0
        let appends = isRenewed && state.handles.setCutToNothing(ino, by: handle)
        let changed = try noting(handle) { () throws(StoreError) in
            try session.setAttributes(of: ino, changes, isOpen: handle != nil)
        }
        if let handle, changes.size != nil, !isRenewed { state.handles.setWritten(handle) }
        if appends { session.publishCutSoon(ino) }
        return entry(changed)
    }

    // MARK: extended attributes

    /// getxattr(2): copies the value into `buffer` and returns its length; an empty buffer asks for the length alone.
    /// - Throws: ENODATA, ERANGE, EOPNOTSUPP for namespaces that there are not.
    @unsafe public func getExtendedAttribute(
        _ name: Bytes, of ino: Ino, into buffer: UnsafeMutableRawBufferPointer
    ) throws(FSError) -> Int {
        if ino.isControl { return unsafe try control.getExtendedAttribute(name, of: ino, into: buffer) }
        if MinimalACL.isName(name) { throw FSError(ENODATA) }
        try checkNamespace(name)
        return try translating { () throws(StoreError) in
            unsafe try session.getExtendedAttribute(name, of: ino, into: buffer)
        }
    }

    /// listxattr(2): copies NUL-terminated names; an empty buffer asks for the length alone. The `trusted` ones are
    /// shown to root only.
    /// - Throws: ERANGE.
    @unsafe public func listExtendedAttributes(
        of ino: Ino, into buffer: UnsafeMutableRawBufferPointer, caller: Caller
    ) throws(FSError) -> Int {
        if ino.isControl { return unsafe try control.listExtendedAttributes(of: ino, into: buffer) }
        if caller.uid != 0 { return unsafe try listUntrusted(of: ino, into: buffer) }
        return try translating { () throws(StoreError) in
            unsafe try session.listExtendedAttributes(of: ino, into: buffer)
        }
    }

    @unsafe private func listUntrusted(
        of ino: Ino, into buffer: UnsafeMutableRawBufferPointer
    ) throws(FSError) -> Int {
        let none = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
        let length = try translating { () throws(StoreError) in
            unsafe try session.listExtendedAttributes(of: ino, into: none)
        }
        if length == 0 { return 0 }
        let all = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 1)
        defer { unsafe all.deallocate() }
        let count = try translating { () throws(StoreError) in
            unsafe try session.listExtendedAttributes(of: ino, into: all)
        }
        let trusted = Array("trusted.".utf8)
        var shown: [UInt8] = []
        for name in unsafe Array(all[..<count]).split(separator: 0) where !name.starts(with: trusted) {
            shown += name + [0]
        }
        return unsafe try shown.hand(to: buffer)
    }

    /// setxattr(2). An access list that says no more than a mode is made the mode, since coreutils sets modes so.
    ///
    /// - Returns: whether the mode changed, of which the kernel does not know.
    /// - Throws: EEXIST, ENODATA, ENOSPC, E2BIG, EROFS, EPERM for the access list of somebody else's file, EOPNOTSUPP for
    ///   other namespaces than `user`, `trusted`, `security`.
    @discardableResult public func setExtendedAttribute(
        _ name: Bytes, of ino: Ino, to value: Bytes, mustExist: Bool, mustNotExist: Bool, caller: Caller
    ) throws(FSError) -> Bool {
        try checkWritable()
        if ino.isControl {
            try control.setExtendedAttribute(name, of: ino, to: value)
            return false
        }
        if name.equals(MinimalACL.accessName.bytes) { return try setMode(of: ino, from: value, caller) }
        try checkNamespace(name)
        try translating { () throws(StoreError) in
            try session.setExtendedAttribute(
                name, of: ino, to: value, mustExist: mustExist, mustNotExist: mustNotExist)
        }
        return false
    }

    /// removexattr(2). To remove an access list succeeds though there is none, as on filesystems that have them.
    /// - Throws: ENODATA, EROFS, EOPNOTSUPP for other namespaces than `user`, `trusted`, `security`.
    public func removeExtendedAttribute(_ name: Bytes, of ino: Ino) throws(FSError) {
        try checkWritable()
        if ino.isControl { throw FSError(EOPNOTSUPP) }
        if MinimalACL.isName(name) { return }
        try checkNamespace(name)
        try translating { () throws(StoreError) in try session.removeExtendedAttribute(name, of: ino) }
    }

    private func setMode(of ino: Ino, from value: Bytes, _ caller: Caller) throws(FSError) -> Bool {
        guard let list = MinimalACL(value) else { throw FSError(EOPNOTSUPP) }
        let now = try attributes(of: ino).attributes
        // Source: setxattr(2), acl(5). Kernels before 6.2 leave it to the filesystem who may set an access list.
        guard caller.uid == 0 || caller.uid == now.uid else { throw FSError(EPERM) }
        let mode = try translating { () throws(StoreError) in try session.attributes(of: ino).mode }
        // chmod(2) takes the setgid bit from a file of a group that the caller is not in: programs call it next when
        // they are refused here.
        if mode & 0o2000 != 0, caller.uid != 0 { throw FSError(EOPNOTSUPP) }
        var changes = AttributeChanges()
        changes.mode = mode & 0o7000 | list.permissions
        _ = try translating { () throws(StoreError) in
            try session.setAttributes(of: ino, changes, isOpen: false)
        }
        return changes.mode != mode & ~FileType.mask
    }

    /// - Throws: EOPNOTSUPP for all but the namespaces that every filesystem has; `system` is a filesystem's own, and
    ///   this one has nothing there. EINVAL for a namespace without a name.
    private func checkNamespace(_ name: Bytes) throws(FSError) {
        for namespace: StaticString in ["user.", "trusted.", "security."] {
            let length = namespace.utf8CodeUnitCount
            guard name.count >= length, name[0..<length].equals(namespace.bytes) else { continue }
            if name.count == length { throw FSError(EINVAL) }
            return
        }
        throw FSError(EOPNOTSUPP)
    }
}

extension [UInt8] {
    /// Copies the bytes as getxattr(2) and listxattr(2) do: an empty buffer asks for the length alone.
    /// - Throws: ERANGE.
    @unsafe func hand(to buffer: UnsafeMutableRawBufferPointer) throws(FSError) -> Int {
        if unsafe buffer.isEmpty { return count }
        guard count <= buffer.count else { throw FSError(ERANGE) }
        unsafe buffer.copyBytes(from: self)
        return count
    }
}
