// Preloader: copies a directory of the host into the tree as `cp -a` would: modes, owners, times, symlinks, hard links and the
// attributes of the namespace user. What the tree has already stays. It reads with the rights of the daemon's user:
// what that user may not read, the port would not serve either.
import Glibc
import MemStore

/// Why a preload ends early.
enum PreloadEnd: Error { case memoryFull, stopped }

/// One copying; used by one thread.
final class Preloader {
    private static let chunkBytes = 1 << 20

    let session: StoreSession
    /// Directories of the host that are not entered: the daemon's own mounts.
    let excluded: Set<String>
    /// Told of each entry that is left out, with the reason.
    let warn: (String) -> Void
    /// Told after each entry and each chunk; false ends it.
    let goOn: (PreloadProgress) -> Bool
    private var buffer = [UInt8](repeating: 0, count: chunkBytes)
    /// Files with several links that were copied, each with a lookup of ours.
    private var linked: [[UInt64]: Ino] = [:]
    var progress = PreloadProgress()

    init(
        session: StoreSession, excluded: Set<String>, warn: @escaping (String) -> Void,
        goOn: @escaping (PreloadProgress) -> Bool
    ) {
        self.session = session
        self.excluded = excluded
        self.warn = warn
        self.goOn = goOn
    }

    /// Copies the entries of a directory of the host.
    /// - Throws: PreloadEnd.
    func copy(_ request: PreloadRequest) throws(PreloadEnd) {
        var parent = Ino.root
        defer {
            if parent != .root { session.forget(parent, count: 1) }
            for ino in linked.values { session.forget(ino, count: 1) }
            linked = [:]
        }
        for name in request.target {
            var attributes = stat()
            attributes.st_mode = FileType.directory.rawValue | 0o755
            attributes.st_uid = geteuid()
            attributes.st_gid = getegid()
            guard let next = try directory(HostName(bytes: Array(name.utf8)), in: parent, attributes)?.ino else {
                return leaveOut(request.targetPath, "not a directory")
            }
            if parent != .root { session.forget(parent, count: 1) }
            parent = next
        }
        try copyEntries(of: request.descriptor, request.directory, to: parent)
    }

    private func copyEntries(of directory: Int32, _ path: String, to parent: Ino) throws(PreloadEnd) {
        guard let names = HostDirectory.names(of: directory) else { return leaveOut(path) }
        for name in names {
            let inner = "\(path)/\(name.text)"
            guard !excluded.contains(inner) else { continue }
            if parent == .root, name.bytes == PreloadRequest.reservedName {
                leaveOut(inner, "the name is the mount's own")
                continue
            }
            guard let attributes = HostDirectory.attributes(of: name, in: directory) else {
                leaveOut(inner)
                continue
            }
            switch FileType(rawValue: attributes.st_mode & FileType.mask) {
            case .directory: try copyDirectory(name, of: directory, inner, attributes, to: parent)
            case .regular: try copyFile(name, of: directory, inner, attributes, to: parent)
            case .symlink: try copySymlink(name, of: directory, inner, attributes, to: parent)
            default: leaveOut(inner, "neither a file nor a directory nor a symlink")
            }
            try checkIn()
        }
    }

    private func copyDirectory(
        _ name: HostName, of directory: Int32, _ path: String, _ attributes: stat, to parent: Ino
    ) throws(PreloadEnd) {
        let descriptor = HostDirectory.open(name, in: directory, directory: true)
        guard descriptor >= 0 else { return leaveOut(path) }
        defer { close(descriptor) }
        guard let (ino, isNew) = try self.directory(name, in: parent, attributes) else {
            return leaveOut(path, "the tree has no place for it, or something else there")
        }
        defer { session.forget(ino, count: 1) }
        try copyEntries(of: descriptor, path, to: ino)
        guard isNew else { return }
        try complete(ino, attributes, descriptor, isOpen: false)
        name.bytes.withBytes { session.announce(ino, as: $0, in: parent) }
    }

    /// The directory of a name in the tree, made unless it is there; counts a lookup. Nil: there is something else, or
    /// the parent was removed meanwhile.
    private func directory(
        _ name: HostName, in parent: Ino, _ attributes: stat
    ) throws(PreloadEnd) -> (ino: Ino, isNew: Bool)? {
        while true {
            if let found = look(name, in: parent) {
                if found.type == .directory { return (found.ino, false) }
                session.forget(found.ino, count: 1)
                return nil
            }
            do throws(StoreError) {
                let made = try name.bytes.withBytes { (bytes) throws(StoreError) in
                    try session.makeDirectory(
                        bytes, in: parent, mode: attributes.st_mode & 0o7777, caller: caller(attributes))
                }
                name.bytes.withBytes { session.announce(made.ino, as: $0, in: parent) }
                return (made.ino, true)
            } catch {
                if error == .noSpace { throw .memoryFull }
                guard error == .exists else { return nil }
            }
            try checkIn()
        }
    }

    /// A file gets its name when it is complete: who writes a file of that name meanwhile has the newer one.
    private func copyFile(
        _ name: HostName, of directory: Int32, _ path: String, _ attributes: stat, to parent: Ino
    ) throws(PreloadEnd) {
        let key = [UInt64(attributes.st_dev), UInt64(attributes.st_ino)]
        if attributes.st_nlink > 1, let ino = linked[key] { return try link(ino, name, attributes, to: parent) }
        if let present = look(name, in: parent) {
            session.forget(present.ino, count: 1)
            return keep(attributes)
        }
        let descriptor = HostDirectory.open(name, in: directory, directory: false)
        guard descriptor >= 0 else { return leaveOut(path) }
        defer { close(descriptor) }
        guard let ino = try makeUnfinished(in: parent, attributes) else {
            return leaveOut(path, "there is a \(Self.unfinishedName.text) in the tree")
        }
        var isNamed = false
        defer {
            if !isNamed { Self.unfinishedName.bytes.withBytes { try? session.unlink($0, in: parent) } }
            session.releaseFile(ino)
            Self.unfinishedName.bytes.withBytes { session.announce(ino, as: $0, in: parent) }
            name.bytes.withBytes { session.announce(ino, as: $0, in: parent) }
            if attributes.st_nlink > 1, isNamed { linked[key] = ino } else { session.forget(ino, count: 1) }
        }
        guard try copyContent(descriptor, to: ino, path, size: Int64(attributes.st_size)) else { return }
        try complete(ino, attributes, descriptor, isOpen: true)
        isNamed = try give(name, in: parent)
        if isNamed { progress.files += 1 } else { keep(attributes) }
    }

    /// The name of a file that is being copied.
    private static let unfinishedName = HostName(bytes: Array(".memfisd-preload".utf8))

    /// An open file without content under the name of unfinished ones; nil when that is taken.
    private func makeUnfinished(in parent: Ino, _ attributes: stat) throws(PreloadEnd) -> Ino? {
        try make { () throws(StoreError) in
            try Self.unfinishedName.bytes.withBytes { (bytes) throws(StoreError) in
                let made = try session.makeNode(
                    bytes, in: parent, mode: attributes.st_mode & (FileType.mask | 0o777), device: 0,
                    caller: caller(attributes))
                try session.openFile(made.ino)
                return made
            }
        }?.ino
    }

    /// Gives the unfinished file its name; false when somebody else has made a file of that name.
    private func give(_ name: HostName, in parent: Ino) throws(PreloadEnd) -> Bool {
        do throws(StoreError) {
            try Self.unfinishedName.bytes.withBytes { (unfinished) throws(StoreError) in
                try name.bytes.withBytes { (bytes) throws(StoreError) in
                    try session.rename(unfinished, in: parent, to: bytes, in: parent, mode: .noReplace)
                }
            }
            return true
        } catch {
            if error == .noSpace { throw .memoryFull }
            return false
        }
    }

    /// Copies what is no hole; false when it cannot be read.
    private func copyContent(
        _ descriptor: Int32, to ino: Ino, _ path: String, size: Int64
    ) throws(PreloadEnd) -> Bool {
        // Source: lseek(2), the value of SEEK_DATA; ENXIO: there are no more data.
        let seekData: Int32 = 3
        var offset: Int64 = 0
        while true {
            let next = lseek(descriptor, off_t(offset), seekData)
            if next < 0, errno == ENXIO { break }
            offset = max(offset, Int64(next))
            let count = unsafe pread(descriptor, &buffer, buffer.count, off_t(offset))
            if count < 0, errno == EINTR { continue }
            if count < 0 {
                leaveOut(path)
                return false
            }
            if count == 0 { break }
            try storing { () throws(StoreError) in
                try buffer[..<count].withChunk { (chunk) throws(StoreError) in
                    _ = try session.writeFile(
                        ino, at: UInt64(offset), chunk, isAppending: false, clearsPrivileges: false)
                }
            }
            offset += Int64(count)
            progress.bytes += count
            try checkIn()
        }
        if offset < size {
            var changes = AttributeChanges()
            changes.size = UInt64(size)
            try storing { () throws(StoreError) in _ = try session.setAttributes(of: ino, changes, isOpen: true) }
        }
        return true
    }

    private func link(_ ino: Ino, _ name: HostName, _ attributes: stat, to parent: Ino) throws(PreloadEnd) {
        let made = try make { () throws(StoreError) in
            try name.bytes.withBytes { (bytes) throws(StoreError) in try session.link(ino, as: bytes, in: parent) }
        }
        guard let made else { return keep(attributes) }
        name.bytes.withBytes { session.announce(made.ino, as: $0, in: parent) }
        session.forget(made.ino, count: 1)
        progress.files += 1
        progress.bytes += Int(attributes.st_size)
    }

    private func copySymlink(
        _ name: HostName, of directory: Int32, _ path: String, _ attributes: stat, to parent: Ino
    ) throws(PreloadEnd) {
        guard let target = HostDirectory.target(of: name, in: directory) else { return leaveOut(path) }
        let made = try make { () throws(StoreError) in
            try name.bytes.withBytes { (bytes) throws(StoreError) in
                try target.withBytes { (target) throws(StoreError) in
                    try session.makeSymlink(bytes, in: parent, target: target, caller: caller(attributes))
                }
            }
        }
        guard let made else { return keep(attributes) }
        try complete(made.ino, attributes, -1, isOpen: false)
        name.bytes.withBytes { session.announce(made.ino, as: $0, in: parent) }
        session.forget(made.ino, count: 1)
        progress.files += 1
    }
}

extension ArraySlice<UInt8> {
    /// Lends the bytes to `body`.
    fileprivate func withChunk<E: Error>(_ body: (Bytes) throws(E) -> Void) throws(E) {
        let result: Result<Void, E> = unsafe withUnsafeBytes { buffer in
            do throws(E) { return .success(try body(unsafe Bytes(buffer))) } catch { return .failure(error) }
        }
        try result.get()
    }
}
