// FuseBridge: libfuse's callbacks. Each unpacks its request, calls FileSystem, and replies; nothing is decided here.
// See +Names, +Attributes, +Content.
import CFuse3
import Glibc
import MemStore

/// The callbacks of a session. They run on a worker's thread.
enum FuseBridge {
    /// The table of callbacks for the library. What is absent is answered ENOSYS, which the kernel remembers: `access`
    /// (the kernel judges), locks and flock (kept by the kernel), ioctl, poll, bmap.
    @unsafe static func operations() -> fuse_lowlevel_ops {
        var operations = fuse_lowlevel_ops()
        unsafe operations.`init` = { _, connection in unsafe FuseBridge.negotiate(&connection.unsafelyUnwrapped.pointee)
        }
        unsafe addNames(to: &operations)
        unsafe addDirectories(to: &operations)
        unsafe addAttributes(to: &operations)
        unsafe addFiles(to: &operations)
        unsafe addContent(to: &operations)
        return operations
    }

    /// Chooses what the kernel offers.
    @unsafe static func negotiate(_ connection: inout fuse_conn_info) {
        let wanted =
            FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_READDIRPLUS | FUSE_CAP_ASYNC_DIO
            | FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_EXPLICIT_INVAL_DATA
        // All else is off: pages are dropped when the port changes a file and never because a time differs, the kernel
        // applies the umask, buffers are memory (splicing into the store saves no copy), writes come at once. Which listings
        // come with attributes is for FileSystem to say: the kernel's own choice leaves out all but a directory's first part.
        connection.want = connection.capable & UInt32(wanted)
        connection.max_write = UInt32(FuseWorker.transferMax)
        connection.max_background = 64
        connection.congestion_threshold = 48
    }
}

// C callbacks cannot capture anything, a type neither, so what they share are free functions.

/// Carries one operation out and sends its result, or its errno.
@unsafe func serve<R>(
    _ raw: fuse_req_t?,
    _ operation: (FuseWorker, borrowing FuseRequest) throws(FSError) -> R,
    reply: (consuming FuseRequest, R) -> Void
) {
    let request = unsafe FuseRequest(raw)
    do throws(FSError) {
        let result = try operation(FuseWorker.current, request)
        reply(request, result)
    } catch {
        request.reply(error)
    }
}

/// The same for an operation that has nothing to say but that it succeeded.
@unsafe func serve(
    _ raw: fuse_req_t?, _ operation: (FuseWorker, borrowing FuseRequest) throws(FSError) -> Void
) {
    unsafe serve(raw, operation) { (request, _: Void) in request.replyDone() }
}

/// The same for an operation that shows an inode under a name.
@unsafe func serveEntry(
    _ raw: fuse_req_t?, _ operation: (FuseWorker, borrowing FuseRequest) throws(FSError) -> Entry
) {
    unsafe serve(raw, operation) { request, entry in
        if !request.reply(fuse_entry_param(entry)) {
            FuseWorker.current.fileSystem.forget(entry.attributes.ino, count: 1)
        }
    }
}

/// The handle in what the library knows of an open file.
@unsafe func handle(of file: UnsafeMutablePointer<fuse_file_info>?) -> HandleNumber {
    unsafe HandleNumber(file?.pointee.fh ?? 0)
}

/// Where a write's bytes go. Its flags are the descriptor's at that moment.
@unsafe func writeKind(of file: UnsafeMutablePointer<fuse_file_info>?) -> WriteKind {
    unsafe WriteKind(flags: file?.pointee.flags ?? 0, isPageWrite: cf_is_page_write(file) != 0)
}
