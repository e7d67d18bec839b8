// ControlDirectory+Items: cache items as files. A file that is opened for reading shows its bytes as they were then; what
// is written becomes the item's value at close or fsync, whole, and keeps the item's flags and exptime.
import Glibc
import MemStore

extension ControlDirectory {
    private static let itemMode = FileType.regular.rawValue | 0o600

    // MARK: names

    /// The key of a name that can be an item's: no file's key.
    private func key(ofName name: Bytes) -> [UInt8]? {
        guard let key = ControlName.key(ofName: name), !key.withBytes({ session.isFileKey($0) }) else { return nil }
        return key
    }

    private func number(of key: [UInt8]) -> Ino { Ino.controlItem(hash: key.withBytes { session.hash($0) }) }

    func lookupItem(_ name: Bytes) -> LookupResult {
        guard let key = key(ofName: name) else { return .missing(timeoutSeconds: 0) }
        let ino = number(of: key)
        guard let entry = itemEntry(ino, key), countLookup(of: ino, key) else { return .missing(timeoutSeconds: 0) }
        return .found(entry)
    }

    /// Counts a lookup of an item, and has the kernel forget another if it knows too many. False: see `ControlTable`.
    private func countLookup(of ino: Ino, _ key: [UInt8]) -> Bool {
        guard table.countLookup(of: ino, key: key) else { return false }
        if let name = table.takeSuperfluous().flatMap({ $0.withBytes { ControlName.name(ofKey: $0) } }) {
            state.notices.add(.name(name, in: .controlItems))
        }
        return true
    }

    func itemAttributes(_ ino: Ino) throws(FSError) -> Entry {
        guard let key = table.key(of: ino), let entry = itemEntry(ino, key) else { throw FSError(ESTALE) }
        return entry
    }

    private func itemEntry(_ ino: Ino, _ key: [UInt8]) -> Entry? {
        if let status = key.withBytes({ session.itemStatus($0) }) {
            let seconds = session.unixOfEpoch + Int64(status.lastAccessSecond)
            return entry(
                ino, Self.itemMode, size: status.valueLength, at: Timestamp(seconds: seconds, nanoseconds: 0))
        }
        // A new one that is still written.
        return table.writtenSize(of: ino).map { entry(ino, Self.itemMode, size: $0, at: .now()) }
    }

    /// unlink(2): deletes the item.
    func unlinkItem(_ name: Bytes, in parent: Ino) throws(FSError) {
        guard parent == .controlItems else { throw FSError(EPERM) }
        guard let key = key(ofName: name), delete(key) == .done else { throw FSError(ENOENT) }
    }

    private func delete(_ key: [UInt8], ifStill cas: UInt64? = nil) -> Outcome {
        var command = DeleteCommand()
        command.compareCas = cas
        return key.withBytes { session.delete($0, hash: session.hash($0), command).outcome }
    }

    /// Stores an item under another key, and removes it if it is still what was stored; else again.
    func renameItem(_ name: Bytes, to newName: Bytes, replaces: Bool) throws(FSError) {
        guard let old = key(ofName: name), var item = copy(of: old) else { throw FSError(ENOENT) }
        guard let new = key(ofName: newName) else { throw FSError(EINVAL) }
        if new == old { return }
        item.command.mode = replaces ? .set : .add
        while true {
            try store(item.value, under: new, item.command)
            guard delete(old, ifStill: item.cas) == .exists, let changed = copy(of: old) else { return }
            item = changed
        }
    }

    // MARK: open files

    /// open(2) of an item or a report.
    func open(_ ino: Ino, _ mode: OpenMode) throws(FSError) -> OpenFile {
        let bytes: [UInt8]
        if let index = ino.reportIndex, reports.indices.contains(index) {
            if mode.canWrite || mode.truncates { throw FSError(EPERM) }
            bytes = reports[index].text()
        } else if mode.truncates {
            bytes = []
        } else {
            guard let key = table.key(of: ino) else { throw FSError(ESTALE) }
            bytes = key.withBytes { session.wholeItem($0) } ?? []
        }
        return try makeHandle(
            ControlHandle(
                ino: ino, canWrite: mode.canWrite, bytes: bytes,
                isWritten: mode.canWrite && mode.truncates))
    }

    private func makeHandle(_ handle: ControlHandle) throws(FSError) -> OpenFile {
        guard let number = table.open(handle) else { throw FSError(ENFILE) }
        return OpenFile(handle: number, skipsFlush: !handle.canWrite, isDirect: true)
    }

    /// open(2) with O_CREAT of an item that the kernel did not find. It exists when it is closed.
    func create(
        _ name: Bytes, in parent: Ino, isExclusive: Bool, _ mode: OpenMode
    ) throws(FSError) -> (Entry, OpenFile) {
        guard parent == .controlItems else { throw FSError(EPERM) }
        guard let key = key(ofName: name) else { throw FSError(EINVAL) }
        if key.withBytes({ session.itemStatus($0) }) != nil { throw FSError(isExclusive ? EEXIST : ESTALE) }
        let ino = number(of: key)
        guard countLookup(of: ino, key) else { throw FSError(EEXIST) }
        do throws(FSError) {
            let file = try makeHandle(
                ControlHandle(ino: ino, canWrite: true, bytes: [], isWritten: true))
            return (entry(ino, Self.itemMode, size: 0, at: .now()), file)
        } catch {
            table.forget(ino, count: 1)
            throw error
        }
    }

    /// mknod(2) of a regular file: an empty item; counts a lookup.
    func makeItem(_ name: Bytes, in parent: Ino, mode: UInt32) throws(FSError) -> Entry {
        guard parent == .controlItems, mode & FileType.mask == FileType.regular.rawValue else { throw FSError(EPERM) }
        guard let key = key(ofName: name) else { throw FSError(EINVAL) }
        try store([], under: key, StoreCommand(mode: .add))
        guard case .found(let entry) = lookupItem(name) else { throw FSError(ENOSPC) }
        return entry
    }

    /// pread(2): returns the bytes copied.
    @unsafe func read(
        _ number: HandleNumber, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) -> Int {
        table.withHandle(number) { handle in
            guard offset < handle.bytes.count else { return 0 }
            let part = handle.bytes[Int(offset)...].prefix(buffer.count)
            unsafe buffer.copyBytes(from: part)
            return part.count
        } ?? 0
    }

    /// pwrite(2), or at the end without an offset. What has been written is kept outside of the memory limit until close,
    /// and so no more than an item may have.
    func write(_ bytes: Bytes, at offset: UInt64?, _ number: HandleNumber) throws(FSError) {
        let isWritten = table.withHandle(number) { handle in
            let start = offset.map { Int(clamping: $0) } ?? handle.bytes.count
            guard fits(start.addingReportingOverflow(bytes.count), handle.ino) else { return false }
            let end = start + bytes.count
            if end > handle.bytes.count { handle.bytes += Array(repeating: 0, count: end - handle.bytes.count) }
            unsafe handle.bytes.replaceSubrange(start..<end, with: bytes.buffer)
            handle.noteWrite()
            return true
        }
        guard isWritten ?? false else { throw FSError(EFBIG) }
    }

    private func fits(_ length: (partialValue: Int, overflow: Bool), _ ino: Ino) -> Bool {
        // Asked under the table's lock, so by the shortest key that there is.
        let shortest = [UInt8(ascii: "k")]
        return !length.overflow
            && !shortest.withBytes { session.isTooLarge(key: $0, flags: 0, length: length.partialValue) }
    }

    /// Makes what was written the item's value.
    /// - Throws: EFBIG, ENOSPC.
    func publish(_ number: HandleNumber) throws(FSError) {
        let written = table.withHandle(number) { handle in handle.isWritten ? handle : nil }
        guard let handle = written ?? nil, let key = table.key(of: handle.ino) else { return }
        try store(handle.bytes, under: key, command(for: key))
        // What was written meanwhile is still to be stored.
        _ = table.withHandle(number) { if $0.writeCount == handle.writeCount { $0.isWritten = false } }
    }

    /// The last close.
    func release(_ number: HandleNumber) {
        try? publish(number)
        _ = table.close(number)
    }

    // MARK: changes

    /// Stores with an item's present flags and exptime.
    private func command(for key: [UInt8]) -> StoreCommand {
        let status = key.withBytes { session.itemStatus($0) }
        return StoreCommand(mode: .set, flags: status?.flags ?? 0, exptime: status?.exptime ?? .never)
    }

    /// An item's value, the command that stores it again as it is, and its version, if the store keeps any.
    private func copy(of key: [UInt8]) -> (value: [UInt8], command: StoreCommand, cas: UInt64?)? {
        guard let (status, value) = key.withBytes({ session.itemCopy($0) }) else { return nil }
        let command = StoreCommand(mode: .set, flags: status.flags, exptime: status.exptime)
        return (value, command, status.cas == 0 ? nil : status.cas)
    }

    /// Stores what `body` makes of an item, again if the port has changed it meanwhile.
    /// - Throws: ESTALE when there is none; as `store`.
    private func change(
        _ key: [UInt8], _ body: (inout [UInt8], inout StoreCommand) -> Void
    ) throws(FSError) {
        while var item = copy(of: key) {
            body(&item.value, &item.command)
            item.command.compareCas = item.cas
            switch outcome(ofStoring: item.value, under: key, item.command) {
            case .exists, .notFound: continue
            case let outcome: return try check(outcome)
            }
        }
        throw FSError(ESTALE)
    }

    /// Stores an item anew with other flags.
    func setFlags(of key: [UInt8], to flags: UInt32) throws(FSError) {
        try change(key) { _, command in command.flags = flags }
    }

    private func store(_ value: [UInt8], under key: [UInt8], _ command: StoreCommand) throws(FSError) {
        try check(outcome(ofStoring: value, under: key, command))
    }

    private func outcome(ofStoring value: [UInt8], under key: [UInt8], _ command: StoreCommand) -> Outcome {
        key.withBytes { key in
            if session.isTooLarge(key: key, flags: command.flags, length: value.count) { return Outcome.tooLarge }
            return value.withBytes { session.store(key, hash: session.hash(key), value: $0, command).outcome }
        }
    }

    /// - Throws: EEXIST, EFBIG, ENOSPC, EIO.
    private func check(_ outcome: Outcome) throws(FSError) {
        switch outcome {
        case .done: return
        case .notStored, .exists: throw FSError(EEXIST)
        case .tooLarge: throw FSError(EFBIG)
        case .noMemory: throw FSError(ENOSPC)
        default: throw FSError(EIO)
        }
    }

    /// chmod(2), chown(2), truncate(2), utimensat(2). Sizes can be set; modes and owners only to what they are; times
    /// are the item's, and setting them does nothing.
    func setAttributes(of ino: Ino, _ changes: AttributeChanges, handle: HandleNumber?) throws(FSError) -> Entry {
        let now = try attributes(of: ino).attributes
        let isAsWas =
            (changes.mode ?? now.mode & 0o7777) == now.mode & 0o7777 && (changes.uid ?? now.uid) == now.uid
            && (changes.gid ?? now.gid) == now.gid
        guard isAsWas else { throw FSError(EPERM) }
        if let size = changes.size { try setSize(of: ino, to: size, handle) }
        return try attributes(of: ino)
    }

    private func setSize(of ino: Ino, to size: UInt64, _ number: HandleNumber?) throws(FSError) {
        guard ino.isControlItem, let key = table.key(of: ino) else { throw FSError(EPERM) }
        guard fits((Int(clamping: size), false), ino) else { throw FSError(EFBIG) }
        func resize(_ bytes: inout [UInt8]) {
            if bytes.count > size { bytes.removeLast(bytes.count - Int(size)) }
            bytes += Array(repeating: 0, count: Int(size) - bytes.count)
        }
        if let number {
            let isThere = table.withHandle(number) { handle in
                resize(&handle.bytes)
                handle.noteWrite()
                return true
            }
            guard isThere ?? false else { throw FSError(ESTALE) }
        } else {
            try change(key) { value, _ in resize(&value) }
        }
    }
}
