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

    private let session: StoreSession
    /// Directories of the host that are not entered: the daemon's own mounts.
    private let excluded: Set<String>
    /// Told of each entry that is left out, with the reason.
    private let warn: (String) -> Void
    /// Told after each entry and each chunk; false ends it.
    private let goOn: (PreloadProgress) -> Bool
    private var buffer = [UInt8](repeating: 0, count: chunkBytes)
    /// Files with several links that were copied, each with a lookup of ours.
    private var linked: [[UInt64]: Ino] = [:]
    private(set) var progress = PreloadProgress()

    init(
        session: StoreSession, excluded: Set<String>, warn: @escaping (String) -> Void,
        goOn: @escaping (PreloadProgress) -> Bool
    ) {
        self.session = session
        self.excluded = excluded
        self.warn = warn
        self.goOn = goOn
    }

    // MARK: counting

    /// Counts what a directory holds, so that progress can say how much is left.
    /// - Throws: stopped.
    func count(_ path: String) throws(PreloadEnd) {
        guard let directory = openTop(path) else { return }
        defer { close(directory) }
        try count(directory, path)
        progress.isCounted = true
    }

    private func count(_ directory: Int32, _ path: String) throws(PreloadEnd) {
        for name in HostDirectory.names(of: directory) ?? [] {
            guard let attributes = HostDirectory.attributes(of: name, in: directory) else { continue }
            switch FileType(rawValue: attributes.st_mode & FileType.mask) {
            case .directory:
                let inner = "\(path)/\(name.text)"
                let descriptor = HostDirectory.open(name, in: directory, directory: true)
                guard descriptor >= 0, !excluded.contains(inner) else { continue }
                defer { close(descriptor) }
                try count(descriptor, inner)
            case .regular:
                progress.filesExpected += 1
                progress.bytesExpected += Int(attributes.st_size)
            case .symlink: progress.filesExpected += 1
            default: break
            }
        }
        try checkIn()
    }

    // MARK: copying

    /// Copies the entries of a directory of the host.
    /// - Throws: PreloadEnd.
    func copy(_ request: PreloadRequest) throws(PreloadEnd) {
        guard let source = openTop(request.directory) else { return }
        defer { close(source) }
        var parent = Ino.root
        for name in request.target {
            var attributes = stat()
            attributes.st_mode = FileType.directory.rawValue | 0o755
            attributes.st_uid = geteuid()
            attributes.st_gid = getegid()
            guard let next = try directory(HostName(bytes: Array(name.utf8)), in: parent, attributes)?.ino else {
                return leaveOut(request.targetPath, "not a directory")
            }
            parent = next
        }
        try copyEntries(of: source, request.directory, to: parent)
        if parent != .root { session.forget(parent, count: 1) }
        for ino in linked.values { session.forget(ino, count: 1) }
        linked = [:]
    }

    private func copyEntries(of directory: Int32, _ path: String, to parent: Ino) throws(PreloadEnd) {
        guard let names = HostDirectory.names(of: directory) else { return leaveOut(path) }
        for name in names {
            let inner = "\(path)/\(name.text)"
            guard !excluded.contains(inner) else { continue }
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
            return leaveOut(path, "there is something else in the tree")
        }
        try copyEntries(of: descriptor, path, to: ino)
        if isNew { try complete(ino, name, in: parent, attributes, descriptor, isOpen: false) }
        session.forget(ino, count: 1)
    }

    /// The directory of a name in the tree, made unless it is there; counts a lookup. Nil: there is something else.
    private func directory(
        _ name: HostName, in parent: Ino, _ attributes: stat
    ) throws(PreloadEnd) -> (ino: Ino, isNew: Bool)? {
        while true {
            if let found = look(name, in: parent) {
                if found.type == .directory { return (found.ino, false) }
                session.forget(found.ino, count: 1)
                return nil
            }
            let made = try make { () throws(StoreError) in
                try name.bytes.withBytes { (bytes) throws(StoreError) in
                    try session.makeDirectory(
                        bytes, in: parent, mode: attributes.st_mode & 0o7777, caller: caller(attributes))
                }
            }
            guard let made else { continue }
            name.bytes.withBytes { session.announce(made.ino, as: $0, in: parent) }
            return (made.ino, true)
        }
    }

    private func copyFile(
        _ name: HostName, of directory: Int32, _ path: String, _ attributes: stat, to parent: Ino
    ) throws(PreloadEnd) {
        let key = [UInt64(attributes.st_dev), UInt64(attributes.st_ino)]
        if attributes.st_nlink > 1, let ino = linked[key] { return try link(ino, name, attributes, to: parent) }
        let descriptor = HostDirectory.open(name, in: directory, directory: false)
        guard descriptor >= 0 else { return leaveOut(path) }
        defer { close(descriptor) }
        let made = try make { () throws(StoreError) in
            try name.bytes.withBytes { (bytes) throws(StoreError) in
                let made = try session.makeNode(
                    bytes, in: parent, mode: attributes.st_mode & (FileType.mask | 0o777), device: 0,
                    caller: caller(attributes))
                try session.openFile(made.ino)
                return made
            }
        }
        guard let made else { return keep(attributes) }
        defer {
            if attributes.st_nlink > 1 { linked[key] = made.ino } else { session.forget(made.ino, count: 1) }
        }
        do throws(PreloadEnd) {
            try copyContent(descriptor, to: made.ino, path, size: Int64(attributes.st_size))
            try complete(made.ino, name, in: parent, attributes, descriptor, isOpen: true)
        } catch {
            // Half a file is none.
            name.bytes.withBytes { bytes in
                try? session.unlink(bytes, in: parent)
                session.announce(made.ino, as: bytes, in: parent)
            }
            session.releaseFile(made.ino)
            throw error
        }
        session.releaseFile(made.ino)
        name.bytes.withBytes { session.announce(made.ino, as: $0, in: parent) }
        progress.files += 1
    }

    /// Copies what is no hole.
    private func copyContent(_ descriptor: Int32, to ino: Ino, _ path: String, size: Int64) throws(PreloadEnd) {
        // Source: lseek(2), the value of SEEK_DATA; ENXIO: there are no more data.
        let seekData: Int32 = 3
        var offset: Int64 = 0
        while true {
            let next = lseek(descriptor, off_t(offset), seekData)
            if next < 0, errno == ENXIO { break }
            offset = max(offset, Int64(next))
            let count = unsafe pread(descriptor, &buffer, buffer.count, off_t(offset))
            if count < 0, errno == EINTR { continue }
            if count < 0 { leaveOut(path) }
            if count <= 0 { break }
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
        try complete(made.ino, name, in: parent, attributes, -1, isOpen: false)
        session.forget(made.ino, count: 1)
        progress.files += 1
    }

    // MARK: steps

    /// Gives a new inode what `cp -a` gives it last: extended attributes, owner, mode, times.
    private func complete(
        _ ino: Ino, _ name: HostName, in parent: Ino, _ attributes: stat, _ descriptor: Int32, isOpen: Bool
    ) throws(PreloadEnd) {
        for attribute in descriptor < 0 ? [] : HostDirectory.userAttributes(of: descriptor) {
            try storing { () throws(StoreError) in
                try attribute.name.withBytes { (name) throws(StoreError) in
                    try attribute.value.withBytes { (value) throws(StoreError) in
                        try session.setExtendedAttribute(
                            name, of: ino, to: value, mustExist: false, mustNotExist: false)
                    }
                }
            }
        }
        var changes = AttributeChanges()
        changes.uid = attributes.st_uid
        changes.gid = attributes.st_gid
        if FileType(rawValue: attributes.st_mode & FileType.mask) != .symlink {
            changes.mode = attributes.st_mode & 0o7777
        }
        changes.atime = .at(Timestamp(attributes.st_atim))
        changes.mtime = .at(Timestamp(attributes.st_mtim))
        try storing { () throws(StoreError) in _ = try session.setAttributes(of: ino, changes, isOpen: isOpen) }
        name.bytes.withBytes { session.announce(ino, as: $0, in: parent) }
    }

    /// Makes an inode; nil when the name is taken.
    private func make(_ body: () throws(StoreError) -> Attributes) throws(PreloadEnd) -> Attributes? {
        do throws(StoreError) { return try body() } catch {
            if error == .noSpace { throw .memoryFull }
            return nil
        }
    }

    /// Changes an inode. One that was removed meanwhile is nobody's concern.
    private func storing(_ body: () throws(StoreError) -> Void) throws(PreloadEnd) {
        do throws(StoreError) { try body() } catch {
            if error == .noSpace { throw .memoryFull }
        }
    }

    private func look(_ name: HostName, in parent: Ino) -> Attributes? {
        name.bytes.withBytes { try? session.lookup($0, in: parent) }
    }

    private func caller(_ attributes: stat) -> Caller { Caller(uid: attributes.st_uid, gid: attributes.st_gid) }

    private func keep(_ attributes: stat) {
        progress.kept += 1
        progress.bytesExpected -= Int(attributes.st_size)
    }

    private func openTop(_ path: String) -> Int32? {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor >= 0 { return descriptor }
        leaveOut(path)
        return nil
    }

    private func leaveOut(_ path: String, _ reason: String = FilePaths.errorText(errno)) {
        progress.leftOut += 1
        warn("preload: \(path) is left out: \(reason)")
    }

    private func checkIn() throws(PreloadEnd) {
        session.refreshClock()
        guard goOn(progress) else { throw .stopped }
        while !session.canAnnounce {
            usleep(1000)
            guard goOn(progress) else { throw .stopped }
        }
    }
}

extension Timestamp {
    init(_ time: timespec) { self.init(seconds: Int64(time.tv_sec), nanoseconds: UInt32(time.tv_nsec)) }
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
