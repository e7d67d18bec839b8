// Sending an output buffer: one system call for a batch of small responses; contents by reference, run by run.
import CShims
import Glibc
import MemStore

/// How far a send got.
enum SendResult {
    /// All of it.
    case done
    /// The socket takes no more now.
    case blocked
    /// The client has gone.
    case failed
}

/// The pieces of one sendmsg, and the runs of contents that are pinned for it.
///
/// SAFETY: owns its two arrays; both have room for `pieceMax` elements.
@safe struct SendScratch {
    /// Pieces of one system call: 1 MiB of 16 KiB blocks.
    static let pieceMax = 64
    fileprivate let pieces: UnsafeMutablePointer<iovec>
    fileprivate let runs: UnsafeMutablePointer<Bytes>
    fileprivate var pieceCount = 0
    fileprivate var runCount = 0

    init() {
        unsafe pieces = CacheLine.allocate(Self.pieceMax)
        unsafe runs = CacheLine.allocate(Self.pieceMax)
    }

    func destroy() {
        unsafe pieces.deallocate()
        unsafe runs.deallocate()
    }

    var isFull: Bool { pieceCount == Self.pieceMax }

    fileprivate mutating func add(_ bytes: Bytes) {
        precondition(!isFull, "too many pieces")
        unsafe pieces[pieceCount] = iovec(
            iov_base: UnsafeMutableRawPointer(mutating: bytes.pointer), iov_len: bytes.count)
        pieceCount += 1
    }

    fileprivate mutating func add(run: Bytes) {
        add(run)
        unsafe (runs + runCount).initialize(to: run)
        runCount += 1
    }

    fileprivate mutating func unpinAll(_ source: ContentSource) {
        for index in 0..<runCount { source.unpin(unsafe runs[index]) }
        runCount = 0
        pieceCount = 0
    }
}

extension OutputBuffer {
    /// Sends as much as the socket takes.
    ///
    /// - Parameters:
    ///   - source: where the contents of its references lie.
    ///   - sentBytes: grows by what was sent.
    mutating func send(
        to descriptor: Int32, _ source: ContentSource, scratch: inout SendScratch, sentBytes: inout UInt64
    ) -> SendResult {
        while !isEmpty {
            let length: Int
            if sentReferences == referenceCount {
                let bytes = unsent
                length = unsafe cs_send(descriptor, bytes.pointer, bytes.count)
            } else {
                length = sendPieces(to: descriptor, source, scratch: &scratch)
            }
            if length < 0 {
                if errno == EINTR { continue }
                return errno == EAGAIN || errno == EWOULDBLOCK ? .blocked : .failed
            }
            sentBytes &+= UInt64(length)
            take(length, source)
        }
        reset()
        return .done
    }

    /// One sendmsg of bytes and runs of contents in turn; returns what the call returned.
    private func sendPieces(to descriptor: Int32, _ source: ContentSource, scratch: inout SendScratch) -> Int {
        var position = sentCount
        var index = sentReferences
        var done = sentOfReference
        while !scratch.isFull {
            let bound = index < referenceCount ? reference(at: index).position : count
            if position < bound {
                let all = unsent
                scratch.add(all[(position - sentCount)..<(bound - sentCount)])
                position = bound
            } else if index < referenceCount {
                let content = reference(at: index)
                let run = source.pin(content.token, at: content.offset + done, lengthMax: content.length - done)
                precondition(!run.isEmpty, "a reference goes behind the end of its content")
                scratch.add(run: run)
                done += run.count
                if done >= content.length {
                    index += 1
                    done = 0
                }
            } else {
                break
            }
        }
        let isMore = position < count || index < referenceCount
        let length = unsafe cs_send_pieces(descriptor, scratch.pieces, scratch.pieceCount, isMore ? 1 : 0)
        let code = errno
        scratch.unpinAll(source)
        errno = code
        return length
    }

    /// Notes that `length` more bytes are sent, and gives back the contents that are sent whole.
    private mutating func take(_ length: Int, _ source: ContentSource) {
        var rest = length
        while rest > 0 {
            let bound = sentReferences < referenceCount ? reference(at: sentReferences).position : count
            if sentCount < bound {
                let part = min(rest, bound - sentCount)
                sentCount += part
                rest -= part
                continue
            }
            let content = reference(at: sentReferences)
            let part = min(rest, content.length - sentOfReference)
            sentOfReference += part
            rest -= part
            if sentOfReference == content.length {
                source.release(content.token)
                sentReferences += 1
                sentOfReference = 0
            }
        }
    }
}
