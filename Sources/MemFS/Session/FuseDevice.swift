// FuseDevice: reads requests from /dev/fuse and writes replies to it for libfuse. By owning both it can offer the
// kernel what the library does not know, and see what the library does not pass on.
import CFuse3
import CShims
import Glibc
import MemStore

/// The connection's beginning: what the kernel offered, and what is added to the library's answer.
final class FuseDevice: @unchecked Sendable {  // every field is atomic or written before the first request ends
    /// The bits of FUSE's INIT. Source: Linux' uapi header `fuse.h`; the installed library sends neither by itself.
    private enum Flag {
        static let parallelDirectoryOperations: UInt32 = 1 << 18
        static let clearsPrivilegesInServer: UInt32 = 1 << 28
        static let hasSecondWord: UInt32 = 1 << 30
        /// Of the second word.
        static let mapsDirectFiles: UInt32 = 1 << 4
    }
    private static let headerLength = 40
    private static let flagsOffset = 52
    private static let initOperation: UInt32 = 26
    /// Words in the answer to INIT, which is this many bytes long.
    private static let answerReadAheadWord = 2
    private static let answerFlagsWord = 3
    private static let answerSecondFlagsWord = 8
    private static let answerLength = 64

    /// 0 before INIT, 1 between its request and its answer, 2 after. Atomic.
    private let stage = AtomicWord()
    private var initUnique: UInt64 = 0
    private var offered: UInt32 = 0
    private var offeredSecond: UInt32 = 0

    /// Whether the kernel leaves the clearing of suid and sgid to the filesystem. Good after INIT.
    private(set) var clearsPrivileges = false

    /// The calls that the library makes instead of read(2) and writev(2).
    @unsafe static let calls: fuse_custom_io = {
        var calls = fuse_custom_io()
        unsafe calls.read = { _, buffer, length, _ in
            guard let count = FuseWorker.withCurrent({ unsafe $0.read(buffer, length) }) else {
                preconditionFailure("only a worker's thread reads from the device")
            }
            return count
        }
        unsafe calls.writev = { descriptor, pieces, count, _ in
            let written = FuseWorker.withCurrent {
                unsafe $0.write(UnsafeBufferPointer(start: pieces, count: Int(count)))
            }
            // Notices come from other threads too, and may go to any descriptor of the mount.
            return unsafe written ?? cs_writev(descriptor, pieces, count)
        }
        return calls
    }()

    /// Whether the connection has begun: requests and answers need not be looked at any more.
    var isReady: Bool { stage.value == 2 }

    /// Remembers what the kernel offers in its first request.
    @unsafe func note(request: UnsafeRawBufferPointer) {
        guard stage.value == 0, request.count >= Self.flagsOffset + 4 else { return }
        guard unsafe request.loadUnaligned(fromByteOffset: 4, as: UInt32.self) == Self.initOperation else { return }
        unsafe initUnique = request.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        unsafe offered = request.loadUnaligned(fromByteOffset: Self.flagsOffset, as: UInt32.self)
        if offered & Flag.hasSecondWord != 0, request.count >= Self.flagsOffset + 8 {
            unsafe offeredSecond = request.loadUnaligned(fromByteOffset: Self.flagsOffset + 4, as: UInt32.self)
        }
        stage.value = 1
    }

    /// Adds flags to the answer to INIT on its way to the kernel. `reply` has two pieces: header and body.
    @unsafe func amend(reply: UnsafeBufferPointer<iovec>) {
        guard stage.value == 1, reply.count == 2, unsafe reply[0].iov_len == 16,
            unsafe reply[1].iov_len == Self.answerLength
        else { return }
        let header = unsafe reply[0].iov_base.unsafelyUnwrapped
        guard unsafe header.load(fromByteOffset: 8, as: UInt64.self) == initUnique else { return }
        let added =
            offered & (Flag.parallelDirectoryOperations | Flag.clearsPrivilegesInServer | Flag.hasSecondWord)
        let words = unsafe reply[1].iov_base.unsafelyUnwrapped.assumingMemoryBound(to: UInt32.self)
        unsafe words[Self.answerFlagsWord] |= added
        unsafe words[Self.answerSecondFlagsWord] |= offeredSecond & Flag.mapsDirectFiles
        // The kernel takes the least of this and of what the mount's device is set to.
        unsafe words[Self.answerReadAheadWord] = UInt32(FuseWorker.transferMax)
        clearsPrivileges = added & Flag.clearsPrivilegesInServer != 0
        stage.value = 2
    }
}

/// A request as the kernel sent it, for what the library drops on its way to a callback.
///
/// SAFETY: borrowed by a callback from its worker's buffer, which holds the one request that is being processed.
@safe struct RawRequest {
    private let base: UnsafeRawPointer
    @unsafe init(_ base: UnsafeRawPointer) { unsafe self.base = base }

    // Source of all offsets, numbers and bits: Linux' uapi header `fuse.h`.

    private static let headerLength = 40
    /// Bytes before those that a WRITE brings.
    static let writeHeadLength = headerLength + 40

    /// A word of the request's body. The library has checked that a request of its operation is long enough.
    private func word(at offset: Int) -> UInt32 {
        unsafe base.loadUnaligned(fromByteOffset: Self.headerLength + offset, as: UInt32.self)
    }

    /// Bytes of a reply before its body.
    static let replyHeaderLength = 16

    var isLookup: Bool { operation == 1 }
    var isRead: Bool { operation == 15 }
    var isWrite: Bool { operation == 16 }
    /// WRITE: bytes of content.
    var writeLength: UInt32 { word(at: 16) }

    /// WRITE of several pages.
    var isLargeWrite: Bool { operation == 16 && word(at: 16) >= 16 << 10 }

    /// The kind of the request.
    var operation: UInt32 { unsafe base.loadUnaligned(fromByteOffset: 4, as: UInt32.self) }
    private var ino: Ino { Ino(unsafe base.loadUnaligned(fromByteOffset: 16, as: UInt64.self)) }

    /// How long the requests behind one may have to wait for it.
    enum Length { case short, transfer, long }

    /// Long: memory may have to be made free first, or a text to be made. Transfer: many bytes.
    var length: Length {
        let (read, write, allocate, copyRange): (UInt32, UInt32, UInt32, UInt32) = (15, 16, 43, 47)
        if ino.isControl { return .long }
        switch operation {
        case read, write: return word(at: 16) >= 256 << 10 ? .transfer : .short
        case allocate, copyRange: return .long
        default: return .short
        }
    }

    /// WRITE: clear suid and sgid.
    var writeClearsPrivileges: Bool { word(at: 20) & (1 << 2) != 0 }
    /// OPEN with truncation: clear suid and sgid.
    var openClearsPrivileges: Bool { word(at: 4) & 1 != 0 }
    /// SETATTR of size or owner: clear suid and sgid.
    var setAttributesClearsPrivileges: Bool { word(at: 0) & (1 << 11) != 0 }
    /// SETATTR: nothing is to be set, which is how the kernel asks for the clearing alone.
    var setsNothing: Bool { word(at: 0) & ~(1 << 6 | 1 << 9) == 0 }
}
