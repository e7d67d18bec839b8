// TestStore: a small store with a filesystem over it, and what its port would serve.
import Glibc
import MemStore

@testable import MemFS

/// A store whose tree is served under the prefix `f:`.
final class TestStore {
    let store: Store
    let session: StoreSession
    let fileSystem: FileSystem
    let root = Caller(uid: 0, gid: 0)

    init(_ options: FileSystemOptions = FileSystemOptions(), publishIntervalSeconds: Double = 0) throws {
        var configuration = StoreConfiguration()
        configuration.memoryLimitBytes = 64 << 20
        configuration.prefixes = [KeyPrefix(prefix: Array("f:".utf8), directory: Array("/".utf8))]
        configuration.publishIntervalSeconds = publishIntervalSeconds
        store = try Store(configuration: configuration)
        session = store.makeSession()
        fileSystem = FileSystem(session: session, options: options)
    }

    deinit { session.end() }

    /// What the port serves at `path`, which begins with a slash; nil for a miss.
    func published(_ path: String) -> String? { Self.published(path, session) }

    static func published(_ path: String, _ session: StoreSession) -> String? {
        Array("f:\(path)".utf8).withBytes { key in
            let view = session.beginGet(key, hash: session.hash(key))
            guard view.isHit else {
                session.endGet(view)
                return nil
            }
            let tail = view.tail.array
            let lease = view.headLength > 0 ? session.lease(view) : ContentLease()
            session.endGet(view)
            var bytes: [UInt8] = []
            while bytes.count < lease.length {
                let run = session.pinRun(lease, at: bytes.count, maxLength: lease.length - bytes.count)
                bytes += run.array
                session.unpin(run)
            }
            if !lease.isEmpty { session.release(lease) }
            return String(decoding: bytes + tail, as: UTF8.self)
        }
    }

    /// A `set` by the port.
    func set(_ path: String, _ value: String, exptime: Exptime = .never) -> Outcome {
        Array("f:\(path)".utf8).withBytes { key in
            Array(value.utf8).withBytes { value in
                var command = StoreCommand(mode: .set)
                command.exptime = exptime
                return session.store(key, hash: session.hash(key), value: value, command).outcome
            }
        }
    }

    // MARK: the mount's side, short

    func create(_ name: String, opener: UInt32 = 100, flags: Int32 = O_WRONLY | O_CREAT) throws(FSError) -> (
        Ino, HandleNumber
    ) {
        let (entry, file) = try Array(name.utf8).withBytes { name throws(FSError) in
            try fileSystem.create(
                name, in: .root, mode: 0o644, isExclusive: flags & O_EXCL != 0, caller: root,
                OpenMode(flags: flags, opener: opener))
        }
        return (entry.attributes.ino, file.handle)
    }

    func write(
        _ text: String, to ino: Ino, _ handle: HandleNumber, at offset: UInt64 = 0, _ kind: WriteKind = .atOffset
    )
        throws(FSError)
    {
        try Array(text.utf8).withBytes { bytes throws(FSError) in
            _ = try fileSystem.write(ino, at: offset, bytes, handle: handle, kind)
        }
    }

    func read(_ ino: Ino) throws(FSError) -> String {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 8)
        defer { unsafe buffer.deallocate() }
        let count = unsafe try fileSystem.read(ino, at: 0, into: buffer)
        return unsafe String(decoding: buffer[..<count], as: UTF8.self)
    }

    func lookup(_ name: String, in parent: Ino = .root) throws(FSError) -> LookupResult {
        try Array(name.utf8).withBytes { name throws(FSError) in try fileSystem.lookup(name, in: parent) }
    }

    func attributes(_ name: String) throws(FSError) -> Attributes? {
        if case .found(let entry) = try lookup(name) { return entry.attributes }
        return nil
    }
}

/// The failure of `body`, nil if it succeeds.
func failure<R>(_ body: () throws(FSError) -> R) -> Int32? {
    do throws(FSError) {
        _ = try body()
        return nil
    } catch {
        return error.code
    }
}
