// OutputBuffer: responses on their way to a socket: bytes, and contents sent by reference in between.
//
//     bytes   │HTTP/1.1 200 OK … │HTTP/1.1 206 … │       `count` bytes written, `sentCount` of them sent
//             └──────────────────┴───────────────┘
//     references                 ▲               ▲       each is sent when the bytes before its position are
//                        whole content      bytes 100 ..< 300
//
// A reference stands for a range of a content that its source keeps unchanged meanwhile (`ContentSource`). The buffer adds
// nothing of its own: what a protocol wants between two contents, it writes.
import CShims
import Glibc
import MemStore

/// Bytes to send, with references to contents.
///
/// SAFETY: owns its memory. Every write makes room first, so the raw pointers stay inside. Used by one thread.
@safe public struct OutputBuffer: ~Copyable {
    /// A range of a content, to be sent when `position` bytes of the buffer have been.
    public struct Reference: BitwiseCopyable {
        public internal(set) var position: Int
        public let token: ContentToken
        /// Where the range begins in the content, and its length (> 0), in bytes.
        public let offset: Int
        public let length: Int
    }

    @usableFromInline var base: UnsafeMutablePointer<UInt8>
    @usableFromInline var capacity: Int
    /// Bytes written.
    @usableFromInline var writtenCount = 0
    public internal(set) var count: Int {
        @inlinable @inline(__always) get { writtenCount }
        set { writtenCount = newValue }
    }
    /// Bytes already sent.
    var sentCount = 0
    private var references: UnsafeMutablePointer<Reference>?
    private var referenceCapacity = 0
    @usableFromInline var storedReferenceCount = 0
    public internal(set) var referenceCount: Int {
        @inlinable @inline(__always) get { storedReferenceCount }
        set { storedReferenceCount = newValue }
    }
    /// References already sent, and bytes sent of the next one.
    var sentReferences = 0
    var sentOfReference = 0

    /// An empty buffer with room for `capacity` bytes.
    public init(capacity: Int) {
        self.capacity = max(capacity, 64)
        unsafe base = CacheLine.allocate(self.capacity)
    }

    deinit {
        precondition(sentReferences == referenceCount, "an output buffer ends with contents that nobody gave back")
        unsafe base.deallocate()
        unsafe references?.deallocate()
    }

    /// Nothing is left to send.
    public var isEmpty: Bool { sentCount == count && sentReferences == referenceCount }

    /// So much is gathered that it should be sent before more is written.
    @inlinable @inline(__always) public var isFull: Bool {
        count >= NetLimits.outputHighWater || referenceCount >= NetLimits.outputReferenceMax
    }

    /// The written bytes that are not sent yet, references left out.
    public var unsent: Bytes { unsafe Bytes(base + sentCount, count: count - sentCount) }

    // MARK: deferring

    /// Leaves what is not sent to `ResponseQueue`, as if it were sent, and returns where it is. There are no references.
    mutating func setAside() -> Range<Int> {
        precondition(referenceCount == 0, "a reference is deferred")
        defer { sentCount = count }
        return sentCount..<count
    }

    /// Bytes that were set aside.
    func part(_ range: Range<Int>) -> Bytes {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "a part outside of the output")
        return unsafe Bytes(base + range.lowerBound, count: range.count)
    }

    /// What was set aside is sent: its memory is free again, unless more was written behind it.
    mutating func endSetAside() { if isEmpty { reset() } }

    // MARK: references

    /// Takes over a retained content, whose bytes `offset` ..< `offset + length` come next; they must be there.
    public mutating func write(reference token: ContentToken, offset: Int = 0, length: Int) {
        precondition(offset >= 0 && length > 0, "a reference to no bytes")
        add(Reference(position: count, token: token, offset: offset, length: length))
    }

    private mutating func add(_ reference: Reference) {
        if referenceCount == referenceCapacity { growReferences() }
        unsafe (references.unsafelyUnwrapped + referenceCount).initialize(to: reference)
        referenceCount += 1
    }

    private mutating func growReferences() {
        let newCapacity = max(4, referenceCapacity * 2)
        let newReferences = UnsafeMutablePointer<Reference>.allocate(capacity: newCapacity)
        if let references = unsafe references {
            unsafe newReferences.moveInitialize(from: references, count: referenceCount)
            unsafe references.deallocate()
        }
        unsafe references = newReferences
        referenceCapacity = newCapacity
    }

    /// The reference at `index`, 0 ..< `referenceCount`.
    public func reference(at index: Int) -> Reference {
        precondition(index >= 0 && index < referenceCount, "a reference that is not there")
        return unsafe references.unsafelyUnwrapped[index]
    }

    // MARK: taking back and handing on

    /// Takes back all that was written behind `position`, none of which may have been sent.
    public mutating func truncate(to position: Int, _ source: ContentSource) {
        precondition(position >= sentCount && position <= count, "a response is taken back that was sent")
        while referenceCount > sentReferences, reference(at: referenceCount - 1).position >= position {
            source.release(reference(at: referenceCount - 1).token)
            referenceCount -= 1
        }
        count = position
    }

    /// Forgets everything, sent or not, and gives the contents back.
    public mutating func discard(_ source: ContentSource) {
        while sentReferences < referenceCount {
            source.release(reference(at: sentReferences).token)
            sentReferences += 1
        }
        reset()
    }

    /// Makes a buffer that is all sent ready for the next batch; gives back what a large response made it grow by.
    mutating func reset() {
        precondition(sentReferences == referenceCount, "contents are left")
        count = 0
        sentCount = 0
        sentReferences = 0
        sentOfReference = 0
        referenceCount = 0
        if capacity > 2 * NetLimits.outputBufferBytes {
            unsafe base.deallocate()
            capacity = NetLimits.outputBufferBytes
            unsafe base = CacheLine.allocate(capacity)
        }
    }

    /// Moves what is not sent to a buffer of just that size and leaves this one empty.
    mutating func takeRest() -> OutputBuffer {
        var rest = OutputBuffer(capacity: count - sentCount)
        rest.write(unsent)
        for index in sentReferences..<referenceCount {
            var moved = reference(at: index)
            moved.position -= sentCount
            rest.add(moved)
        }
        rest.sentOfReference = sentOfReference
        sentReferences = referenceCount
        reset()
        return rest
    }
}
