// FuseWorker: one thread of a mount. Takes a request, has it carried out on a session of its own, takes the next.
import CFuse3
import Glibc
import MemStore

/// The state of one thread; callbacks find it through the thread.
///
/// SAFETY: `scratch` and the library's buffer are allocated by and for the one thread that runs the worker.
@safe final class FuseWorker {
    /// Longest READ, READDIR or extended attribute in bytes. Source: Linux, fs.fuse.max_pages_limit (256 pages of 4
    /// KiB).
    static let transferMax = 1 << 20

    let fileSystem: FileSystem
    /// Whether the kernel leaves the clearing of suid and sgid to us; see `FuseDevice`.
    let device: FuseDevice
    private let library: OpaquePointer
    private let scratchBase: UnsafeMutableRawPointer
    private var request = unsafe fuse_buf()
    var reader: DeviceReader

    /// - Parameters:
    ///   - spin: shared with the other threads of the mount.
    ///   - library: the library's session, which outlives the worker.
    init(fileSystem: FileSystem, device: FuseDevice, spin: DeviceSpin, library: OpaquePointer) {
        reader = unsafe DeviceReader(shared: fuse_session_fd(library), spin: spin)
        self.fileSystem = fileSystem
        self.device = device
        unsafe self.library = library
        unsafe scratchBase = .allocate(byteCount: Self.transferMax, alignment: 4096)
    }

    deinit {
        unsafe scratchBase.deallocate()
        unsafe free(request.mem)
    }

    /// `count` bytes of memory for one reply; at most `transferMax`.
    @unsafe func scratch(_ count: Int) -> UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: scratchBase, count: min(count, Self.transferMax))
    }

    /// The request that is being carried out, as it came.
    var rawRequest: RawRequest { unsafe RawRequest(request.mem.unsafelyUnwrapped) }

    /// Makes the kernel ask again for an inode's attributes. Unlike a notice about pages or names this waits for
    /// nothing in the kernel, so a callback may send it before its reply.
    func dropAttributes(of ino: Ino) {
        unsafe fuse_lowlevel_notify_inval_inode(library, ino.rawValue, -1, 0)
    }

    /// Carries requests out until the session ends.
    func run() {
        unsafe pthread_setspecific(Self.key, Unmanaged.passUnretained(self).toOpaque())
        while unsafe fuse_session_exited(library) == 0 {
            let count = unsafe fuse_session_receive_buf(library, &request)
            // 0: the session was ended, or the mount is gone.
            if count == 0 { break }
            if count < 0 {
                if count == -EINTR || count == -EAGAIN { continue }
                unsafe fuse_session_exit(library)
                break
            }
            fileSystem.session.refreshClock()
            unsafe fuse_session_process_buf(library, &request)
        }
        pthread_setspecific(Self.key, nil)
    }

    /// The worker of this thread.
    static var current: FuseWorker {
        guard let worker = currentIfAny else { preconditionFailure("a callback runs outside of a worker's thread") }
        return worker
    }

    /// The same, or nil on a thread that has none.
    static var currentIfAny: FuseWorker? {
        guard let pointer = unsafe pthread_getspecific(key) else { return nil }
        return unsafe Unmanaged<FuseWorker>.fromOpaque(pointer).takeUnretainedValue()
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        let code = unsafe pthread_key_create(&key, nil)
        precondition(code == 0, "pthread_key_create failed")
        return key
    }()
}
