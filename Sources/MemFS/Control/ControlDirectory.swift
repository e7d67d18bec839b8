// ControlDirectory: `.memfisd` at the root of the mount, which is no part of the tree: reports as text, and the cache items
// as files (see +Items). The root does not list it. Only the serving user and root may enter it.
import Glibc
import MemStore

/// A text that the control directory shows as a file.
public struct ControlReport: Sendable {
    /// The file's name.
    public var name: String
    /// Makes the text, at each open and stat.
    public var text: @Sendable () -> [UInt8]

    /// A file `name` with what `text` makes.
    public init(name: String, text: @escaping @Sendable () -> [UInt8]) {
        self.name = name
        self.text = text
    }
}

extension Ino {
    private static let firstFixed: UInt64 = 1 << 62
    /// `.memfisd`
    static let control = Ino(firstFixed + 1)
    /// `.memfisd/items`
    static let controlItems = Ino(firstFixed + 2)
    private static let firstReport = firstFixed + 3
    private static let itemBits: UInt64 = 3 << 62

    /// Whether the number is of the control directory and what is below it, none of which is in the tree.
    var isControl: Bool { rawValue >= Self.firstFixed }
    var isControlItem: Bool { rawValue >= Self.itemBits }

    static func controlReport(_ index: Int) -> Ino { Ino(firstReport + UInt64(index)) }
    static func controlItem(hash: UInt64) -> Ino { Ino(itemBits | hash >> 2) }
    var reportIndex: Int? { rawValue >= Self.firstReport && !isControlItem ? Int(rawValue - Self.firstReport) : nil }
}

/// The control directory of one mount, for one thread. Nothing of it may be kept by the kernel.
struct ControlDirectory {
    static let name: StaticString = ".memfisd"
    static let itemsName: StaticString = "items"
    /// Cookies of items begin here.
    private static let firstItemCookie: UInt64 = 1 << 50

    let session: StoreSession
    let state: FileSystemState
    var table: ControlTable { state.control }
    var reports: [ControlReport] { state.options.reports }

    // MARK: what there is

    /// Finds a name; an item found counts a lookup.
    func lookup(_ name: Bytes, in parent: Ino) throws(FSError) -> LookupResult {
        guard name.count <= Limits.nameLengthMax else { throw FSError(ENAMETOOLONG) }
        switch parent {
        case .control:
            if name.equals(Self.itemsName.bytes) { return .found(directory(.controlItems)) }
            let index = reports.firstIndex { Array($0.name.utf8).withBytes { name.equals($0) } }
            return try index.map { index throws(FSError) in .found(try attributes(of: .controlReport(index))) }
                ?? .missing(timeoutSeconds: 0)
        case .controlItems:
            return lookupItem(name)
        default: throw FSError(ENOTDIR)
        }
    }

    /// What stat(2) shows.
    func attributes(of ino: Ino) throws(FSError) -> Entry {
        if ino == .control || ino == .controlItems { return directory(ino) }
        if let index = ino.reportIndex, reports.indices.contains(index) {
            return entry(ino, FileType.regular.rawValue | 0o400, size: reports[index].text().count, at: .now())
        }
        return try itemAttributes(ino)
    }

    private func directory(_ ino: Ino) -> Entry {
        // A modification time that differs at each look makes the kernel read the listing anew.
        var entry = entry(ino, FileType.directory.rawValue | 0o700, size: 4096, at: .now())
        entry.attributes.ctime = Timestamp(seconds: session.unixOfEpoch, nanoseconds: 0)
        return entry
    }

    func entry(_ ino: Ino, _ mode: UInt32, size: Int, at time: Timestamp) -> Entry {
        var attributes = Attributes(ino: ino, mode: mode)
        attributes.linkCount = mode & FileType.mask == FileType.directory.rawValue ? 2 : 1
        attributes.uid = session.servingUid
        attributes.gid = session.servingGid
        attributes.size = UInt64(size)
        attributes.blocks = UInt64(size + 511) / 512
        attributes.atime = time
        attributes.mtime = time
        attributes.ctime = time
        return Entry(attributes: attributes, timeoutSeconds: 0)
    }

    /// Shows each entry behind `cookie` to `body` until it returns false.
    func readDirectory(_ ino: Ino, after cookie: UInt64, _ body: (DirectoryEntry, Entry) -> Bool) throws(FSError) {
        guard ino == .control || ino == .controlItems else { throw FSError(ENOTDIR) }
        var fixed: [(StaticString, Ino)] = [(".", ino), ("..", ino == .control ? .root : .control)]
        if ino == .control { fixed.append((Self.itemsName, .controlItems)) }
        for (index, name) in fixed.enumerated() where UInt64(index) >= cookie {
            guard show(name.0.bytes, name.1, FileType.directory.rawValue, UInt64(index + 1), body) else { return }
        }
        guard ino == .control else { return showItems(after: cookie, body) }
        for (index, report) in reports.enumerated() where UInt64(fixed.count + index) >= cookie {
            let isShown = Array(report.name.utf8).withBytes { name in
                let number = UInt64(fixed.count + index + 1)
                return show(name, .controlReport(index), FileType.regular.rawValue, number, body)
            }
            guard isShown else { return }
        }
    }

    private func showItems(after cookie: UInt64, _ body: (DirectoryEntry, Entry) -> Bool) {
        session.listItems(behind: cookie < Self.firstItemCookie ? 0 : cookie - Self.firstItemCookie) { item in
            // A key whose name would be too long is reachable by the protocol alone.
            guard let name = ControlName.name(ofKey: item.key) else { return true }
            let ino = Ino.controlItem(hash: item.hash)
            return name.withBytes {
                show($0, ino, FileType.regular.rawValue, Self.firstItemCookie + item.cookie, body)
            }
        }
    }

    /// Shows one entry, which counts no lookup.
    private func show(
        _ name: Bytes, _ ino: Ino, _ type: UInt32, _ cookie: UInt64, _ body: (DirectoryEntry, Entry) -> Bool
    ) -> Bool {
        var entry = entry(ino, type, size: 0, at: .now())
        entry.isNameOnly = true
        return body(DirectoryEntry(name: name, ino: ino, mode: type, cookie: cookie), entry)
    }

    // MARK: what there is not

    /// renameat2(2), where one of the two places at least is in the control directory. Items may be renamed; what
    /// crosses the border of the tree is copied by programs that are told so.
    func rename(
        _ name: Bytes, in parent: Ino, to newName: Bytes, in newParent: Ino, mode: RenameMode
    ) throws(FSError) {
        guard parent.isControl == newParent.isControl else { throw FSError(EXDEV) }
        guard parent == .controlItems, newParent == .controlItems, mode == .replace || mode == .noReplace else {
            throw FSError(EPERM)
        }
        try renameItem(name, to: newName, replaces: mode == .replace)
    }
}

extension FileSystem {
    /// The control directory.
    var control: ControlDirectory { ControlDirectory(session: session, state: state) }

    /// Whether a name of a directory is that of the control directory.
    func namesControl(_ name: Bytes, in parent: Ino) -> Bool {
        parent == .root && name.equals(ControlDirectory.name.bytes)
    }

    /// - Throws: EPERM for what would make or remove the control directory or something in it that can be no item.
    func checkOutsideControl(_ name: Bytes, in parent: Ino) throws(FSError) {
        if parent.isControl || namesControl(name, in: parent) { throw FSError(EPERM) }
    }
}
