// OutputBuffer: answers on their way to a socket: bytes, and values sent by reference in between.
import CShims
import Glibc
import MemStore

/// Bytes to send, with references to the heads of large values.
///
/// SAFETY: owns its memory. Every write makes room first, so the raw pointers stay inside. Used by one thread.
@safe struct OutputBuffer: ~Copyable {
    /// A large value's head, to be sent when `position` bytes of the buffer have been.
    struct Reference {
        var position: Int
        var lease: ContentLease
    }

    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    /// Bytes written.
    private(set) var count = 0
    /// Bytes already sent.
    var sentCount = 0
    private var references: UnsafeMutablePointer<Reference>?
    private var referenceCapacity = 0
    private(set) var referenceCount = 0
    /// References already sent, and bytes sent of the next one.
    var sentReferences = 0
    var sentOfReference = 0

    /// An empty buffer with room for `capacity` bytes.
    init(capacity: Int) {
        self.capacity = max(capacity, 64)
        unsafe base = CacheLine.allocate(self.capacity)
    }

    deinit {
        precondition(sentReferences == referenceCount, "an output buffer ends with leases that nobody gave back")
        unsafe base.deallocate()
        unsafe references?.deallocate()
    }

    /// Nothing is left to send.
    var isEmpty: Bool { sentCount == count && sentReferences == referenceCount }

    /// So much is gathered that it should be sent before more is written.
    @inline(__always) var isFull: Bool {
        count >= Limit.outputHighWater || referenceCount >= Limit.outputReferenceMax
    }

    /// The written bytes that are not sent yet, references left out.
    var unsent: Bytes { unsafe Bytes(base + sentCount, count: count - sentCount) }

    // MARK: putting off

    /// Leaves what is not sent to `AnswerQueue`, as if it were sent, and returns where it is. There are no references.
    mutating func setAside() -> Range<Int> {
        precondition(referenceCount == 0, "a reference is put off")
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

    // MARK: writing

    /// Makes room for `length` more bytes and returns where they go.
    @inline(__always) private mutating func room(_ length: Int) -> UnsafeMutablePointer<UInt8> {
        if count &+ length > capacity { grow(by: length) }
        return unsafe base + count
    }

    private mutating func grow(by length: Int) {
        let newCapacity = max(capacity * 2, count + length)
        let newBase = UnsafeMutablePointer<UInt8>.allocate(capacity: newCapacity)
        unsafe memcpy(newBase, base, count)
        unsafe base.deallocate()
        unsafe base = newBase
        capacity = newCapacity
    }

    @inline(__always) mutating func write(_ bytes: Bytes) {
        let place = unsafe room(bytes.count)
        unsafe bytes.copy(to: place)
        count &+= bytes.count
    }

    @inline(__always) mutating func write(_ literal: StaticString) { write(literal.bytes) }

    /// Writes the end of a get's answer.
    @inline(__always) mutating func writeEnd() {
        // "END\r\n" as a word, of which five bytes count.
        unsafe UnsafeMutableRawPointer(room(8)).storeBytes(of: 0x0a_0d_44_4e_45, as: UInt64.self)
        count &+= 5
    }

    /// Writes the answer to a storage command that was carried out.
    @inline(__always) mutating func writeStored() {
        // "STORED\r\n" as a word.
        unsafe UnsafeMutableRawPointer(room(8)).storeBytes(of: 0x0a_0d_44_45_52_4f_54_53, as: UInt64.self)
        count &+= 8
    }

    @inline(__always) mutating func write(byte: UInt8) {
        unsafe room(1).pointee = byte
        count &+= 1
    }

    /// Writes text that is made on the spot: statistics, never answers of the hot path.
    mutating func write(text: String) {
        var text = text
        text.withUTF8 { write(unsafe Bytes(UnsafeRawBufferPointer($0))) }
    }

    /// Writes a number in decimal.
    @inline(__always) mutating func write(number: UInt64) {
        let place = unsafe room(20)
        if number < 10 {
            unsafe place.pointee = 0x30 &+ UInt8(truncatingIfNeeded: number)
            count &+= 1
            return
        }
        count &+= unsafe Self.writeDigits(number, to: place)
    }

    /// Writes a number in decimal, with a minus if it is negative.
    mutating func write(signed number: Int64) {
        if number < 0 { write(byte: UInt8(ascii: "-")) }
        write(number: number.magnitude)
    }

    /// Writes at most 20 digits and returns how many.
    @unsafe private static func writeDigits(_ number: UInt64, to place: UnsafeMutablePointer<UInt8>) -> Int {
        var length = 1
        var bound: UInt64 = 10
        while length < 20, number >= bound {
            length &+= 1
            bound = bound &* 10
        }
        var rest = number
        var index = length
        while index > 0 {
            index &-= 1
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            unsafe place[index] = 0x30 &+ UInt8(truncatingIfNeeded: digit)
            rest = quotient
        }
        return length
    }

    /// Writes the answer to a get of a small value: one check of the room for all of its pieces. Without a tail it is
    /// the line alone.
    @inline(__always) mutating func writeHit(_ key: Bytes, flags: UInt32, cas: UInt64?, size: Int, tail: Bytes) {
        let start = unsafe room(key.count &+ tail.count &+ 72)
        var place = unsafe start
        // "VALUE " and two bytes more, which the key covers.
        unsafe UnsafeMutableRawPointer(place).storeBytes(of: 0x20_45_55_4c_41_56, as: UInt64.self)
        unsafe place += 6
        unsafe cs_copy(place, key.pointer.unsafelyUnwrapped, key.count)
        unsafe place += key.count
        unsafe place.pointee = 0x20
        unsafe place += 1
        unsafe place += Self.writeShort(UInt64(flags), to: place)
        unsafe place.pointee = 0x20
        unsafe place += 1
        unsafe place += Self.writeShort(UInt64(truncatingIfNeeded: size), to: place)
        if let cas {
            unsafe place.pointee = 0x20
            unsafe place += 1
            unsafe place += Self.writeDigits(cas, to: place)
        }
        unsafe Self.writeLineEnd(to: place)
        unsafe place += 2
        if !tail.isEmpty {
            unsafe tail.copy(to: place)
            unsafe place += tail.count
            unsafe Self.writeLineEnd(to: place)
            unsafe place += 2
        }
        count &+= unsafe place - start
    }

    @inline(__always) @unsafe private static func writeLineEnd(to place: UnsafeMutablePointer<UInt8>) {
        unsafe UnsafeMutableRawPointer(place).storeBytes(of: 0x0a0d, as: UInt16.self)
    }

    /// Writes at most 20 digits and returns how many; small numbers without a loop.
    @inline(__always) @unsafe
    private static func writeShort(_ number: UInt64, to place: UnsafeMutablePointer<UInt8>) -> Int {
        if number < 10 {
            unsafe place[0] = 0x30 &+ UInt8(truncatingIfNeeded: number)
            return 1
        }
        guard number < 1000 else { return unsafe writeDigits(number, to: place) }
        let hundreds = number / 100
        let tens = (number &- hundreds &* 100) / 10
        let ones = number &- hundreds &* 100 &- tens &* 10
        var length = 0
        if hundreds > 0 {
            unsafe place[0] = 0x30 &+ UInt8(truncatingIfNeeded: hundreds)
            length = 1
        }
        unsafe place[length] = 0x30 &+ UInt8(truncatingIfNeeded: tens)
        unsafe place[length &+ 1] = 0x30 &+ UInt8(truncatingIfNeeded: ones)
        return length &+ 2
    }

    /// Takes over a lease whose bytes come next.
    mutating func write(reference lease: ContentLease) {
        if referenceCount == referenceCapacity { growReferences() }
        unsafe (references.unsafelyUnwrapped + referenceCount).initialize(to: Reference(position: count, lease: lease))
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
    func reference(at index: Int) -> Reference {
        precondition(index >= 0 && index < referenceCount, "a reference that is not there")
        return unsafe references.unsafelyUnwrapped[index]
    }

    // MARK: taking back and handing on

    /// Takes back all that was written behind `position`, none of which may have been sent.
    mutating func truncate(to position: Int, session: StoreSession) {
        precondition(position >= sentCount && position <= count, "an answer is taken back that was sent")
        while referenceCount > sentReferences, reference(at: referenceCount - 1).position >= position {
            session.release(reference(at: referenceCount - 1).lease)
            referenceCount -= 1
        }
        count = position
    }

    /// Forgets everything, sent or not, and gives the leases back.
    mutating func discard(session: StoreSession) {
        while sentReferences < referenceCount {
            session.release(reference(at: sentReferences).lease)
            sentReferences += 1
        }
        reset()
    }

    /// Makes a buffer that is all sent ready for the next batch; gives back what a large answer made it grow by.
    mutating func reset() {
        precondition(sentReferences == referenceCount, "leases are left")
        count = 0
        sentCount = 0
        sentReferences = 0
        sentOfReference = 0
        referenceCount = 0
        if capacity > 2 * Limit.outputBufferBytes {
            unsafe base.deallocate()
            capacity = Limit.outputBufferBytes
            unsafe base = CacheLine.allocate(capacity)
        }
    }

    /// Moves what is not sent to a buffer of just that size and leaves this one empty.
    mutating func takeRest() -> OutputBuffer {
        var rest = OutputBuffer(capacity: count - sentCount)
        rest.write(unsent)
        for index in sentReferences..<referenceCount {
            let moved = reference(at: index)
            rest.write(reference: moved.lease)
            unsafe rest.references.unsafelyUnwrapped[index - sentReferences].position = moved.position - sentCount
        }
        rest.sentOfReference = sentOfReference
        sentReferences = referenceCount
        reset()
        return rest
    }
}
