// Bytes: a borrowed view of memory that somebody else owns. It is how keys and
// values cross between a door and the store, without a copy and without ARC.
import Glibc

/// A borrowed, bounds-checked view of `count` bytes.
///
/// SAFETY: a `Bytes` does not own what it shows. The maker keeps the memory
/// alive and unchanged while the view is in use; a function that takes a
/// `Bytes` uses it only until it returns. Views that the store hands out live
/// until the documented end of the loan (for instance `endGet`).
@safe public struct Bytes: @unchecked Sendable {  // a view is as Sendable as its owner makes it: see SAFETY
    @usableFromInline let base: UnsafeRawPointer?
    /// Length in bytes.
    public let count: Int

    /// A view of `count` bytes from `base` on. `base` may be nil when `count` is 0.
    @inlinable @unsafe public init(_ base: UnsafeRawPointer?, count: Int) {
        unsafe self.base = base
        self.count = count
    }

    /// A view of a whole buffer.
    @inlinable @unsafe public init(_ buffer: UnsafeRawBufferPointer) {
        unsafe self.init(buffer.baseAddress, count: buffer.count)
    }

    /// No bytes.
    @inlinable public static var empty: Bytes { unsafe Bytes(nil, count: 0) }

    @inlinable public var isEmpty: Bool { count == 0 }

    /// The byte at `index`, 0 ..< count.
    @inlinable public subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < count, "Bytes index out of range")
        return unsafe base.unsafelyUnwrapped.load(fromByteOffset: index, as: UInt8.self)
    }

    /// The part in `range`, which must lie in 0 ... count.
    @inlinable public subscript(range: Range<Int>) -> Bytes {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "Bytes range out of bounds")
        return unsafe Bytes(base.map { unsafe $0 + range.lowerBound }, count: range.count)
    }

    /// The raw pointer, for the few places that call C. Valid as long as the view is.
    @inlinable @unsafe public var pointer: UnsafeRawPointer? { unsafe base }

    /// The view as a raw buffer.
    @inlinable @unsafe public var buffer: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: base, count: count)
    }

    /// Copies the whole view to `destination`, which must have room for `count` bytes.
    @inlinable @unsafe public func copy(to destination: UnsafeMutableRawPointer) {
        if count > 0 { unsafe memcpy(destination, base.unsafelyUnwrapped, count) }
    }

    /// Whether both views show the same bytes.
    @inlinable public func equals(_ other: Bytes) -> Bool {
        count == other.count
            && (count == 0 || (unsafe memcmp(base.unsafelyUnwrapped, other.base.unsafelyUnwrapped, count)) == 0)
    }

    /// A copy as an array.
    public var array: [UInt8] { unsafe Array(buffer) }
}

extension Array where Element == UInt8 {
    /// Lends the array's bytes to `body`.
    @inlinable public func withBytes<R, E: Error>(_ body: (Bytes) throws(E) -> R) throws(E) -> R {
        // The standard library's closure takes untyped throws only through `Result`.
        let result: Result<R, E> = unsafe withUnsafeBytes { buffer in
            do throws(E) { return .success(try body(unsafe Bytes(buffer))) } catch { return .failure(error) }
        }
        return try result.get()
    }
}

extension StaticString {
    /// The literal's bytes; they live as long as the program.
    @inlinable public var bytes: Bytes { unsafe Bytes(utf8Start, count: utf8CodeUnitCount) }
}
