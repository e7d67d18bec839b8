// ByteStrings: a fixed list of byte strings in plain memory, for settings that
// are read on every request.

/// A list of byte strings that never changes.
///
/// SAFETY: copies what it is made of and owns it until `destroy`.
@safe struct ByteStrings {
    private let strings: UnsafeMutablePointer<Bytes>
    let count: Int

    init(_ arrays: [[UInt8]]) {
        count = arrays.count
        unsafe strings = .allocate(capacity: max(1, arrays.count))
        for (index, array) in arrays.enumerated() {
            let copy = UnsafeMutableRawPointer.allocate(byteCount: max(1, array.count), alignment: 1)
            unsafe copy.copyMemory(from: array, byteCount: array.count)
            unsafe (strings + index).initialize(to: Bytes(copy, count: array.count))
        }
    }

    func destroy() {
        for index in 0..<count { unsafe UnsafeMutableRawPointer(mutating: strings[index].pointer)?.deallocate() }
        unsafe strings.deallocate()
    }

    subscript(index: Int) -> Bytes {
        precondition(index >= 0 && index < count, "no such string")
        return unsafe strings[index]
    }
}
