// FuseRequest: one request of the kernel that waits for its one reply. Replying consumes it.
import CFuse3
import CShims
import Glibc
import MemStore

/// A request that must be answered exactly once: a second reply does not compile, and a forgotten one answers EIO.
///
/// SAFETY: owns the library's request, which the reply frees.
@safe struct FuseRequest: ~Copyable {
    private let raw: fuse_req_t

    /// Takes over a request that the library handed to a callback.
    @unsafe init(_ raw: fuse_req_t?) { unsafe self.raw = raw.unsafelyUnwrapped }

    deinit {
        // Only a bug comes here. The caller must not hang for it.
        unsafe fuse_reply_err(raw, EIO)
        assertionFailure("a request was not answered")
    }

    // MARK: who asks

    /// The caller's user and group; the kernel has applied the umask.
    var caller: Caller {
        let context = unsafe fuse_req_ctx(raw).pointee
        return Caller(uid: context.uid, gid: context.gid)
    }

    /// The calling thread; 0 when the kernel acts by itself or the thread is of another namespace.
    var thread: UInt32 { UInt32(truncatingIfNeeded: unsafe fuse_req_ctx(raw).pointee.pid) }

    /// Whose call it is that takes suid and sgid from a file.
    var asker: Asker {
        let context = unsafe fuse_req_ctx(raw).pointee
        return Asker(uid: context.uid, gid: context.gid, thread: thread)
    }

    /// The same where the request itself does not say whether they are to be taken: not by root.
    func unprivilegedAsker(_ worker: FuseWorker) -> Asker? {
        worker.device.clearsPrivileges && caller.uid != 0 ? asker : nil
    }

    /// The library's name of the request, for building directory replies only.
    @unsafe var library: fuse_req_t { unsafe raw }

    // MARK: replies

    /// Success without anything to say.
    consuming func replyDone() { reply(errno: 0) }

    /// A failure.
    consuming func reply(_ error: FSError) { reply(errno: error.code) }

    private consuming func reply(errno code: Int32) {
        unsafe fuse_reply_err(raw, code)
        discard self
    }

    /// The end of a request that the kernel wants no answer to (forget).
    consuming func end() {
        unsafe fuse_reply_none(raw)
        discard self
    }

    /// An inode under a name; `ino` 0 says that the name is missing. False: nobody waits for it any more.
    consuming func reply(_ entry: fuse_entry_param) -> Bool {
        let code = unsafe withUnsafePointer(to: entry) { unsafe fuse_reply_entry(raw, $0) }
        discard self
        return code == 0
    }

    /// A new file that is open. False: nobody waits for it any more.
    consuming func reply(_ entry: fuse_entry_param, _ file: fuse_file_info) -> Bool {
        let code = unsafe withUnsafePointer(to: entry) { entry in
            unsafe withUnsafePointer(to: file) { unsafe fuse_reply_create(raw, entry, $0) }
        }
        discard self
        return code == 0
    }

    /// Attributes that may be kept for `timeoutSeconds`.
    consuming func reply(_ attributes: stat, timeoutSeconds: Double) {
        unsafe withUnsafePointer(to: attributes) { _ = unsafe fuse_reply_attr(raw, $0, timeoutSeconds) }
        discard self
    }

    /// An open file. False: nobody waits for it any more.
    consuming func reply(_ file: fuse_file_info) -> Bool {
        let code = unsafe withUnsafePointer(to: file) { unsafe fuse_reply_open(raw, $0) }
        discard self
        return code == 0
    }

    /// Bytes.
    @unsafe consuming func reply(_ bytes: UnsafeRawBufferPointer) {
        unsafe fuse_reply_buf(raw, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        discard self
    }

    /// Bytes in pieces.
    @unsafe consuming func reply(_ pieces: UnsafeMutableBufferPointer<iovec>) {
        unsafe fuse_reply_iov(raw, pieces.baseAddress, Int32(pieces.count))
        discard self
    }

    /// A symlink's target, NUL-terminated.
    @unsafe consuming func replyTarget(_ target: UnsafePointer<CChar>) {
        unsafe fuse_reply_readlink(raw, target)
        discard self
    }

    /// How many bytes were written or copied.
    consuming func replyWritten(_ count: Int) {
        unsafe fuse_reply_write(raw, count)
        discard self
    }

    /// How long an extended attribute is.
    consuming func replyLength(_ count: Int) {
        unsafe fuse_reply_xattr(raw, count)
        discard self
    }

    /// Where data or a hole begins.
    consuming func replyOffset(_ offset: UInt64) {
        unsafe fuse_reply_lseek(raw, off_t(offset))
        discard self
    }

    /// The filesystem's figures.
    consuming func reply(_ statistics: statvfs) {
        unsafe withUnsafePointer(to: statistics) { _ = unsafe fuse_reply_statfs(raw, $0) }
        discard self
    }
}
