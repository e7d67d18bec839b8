// SharedCounts: a few counts that several threads change, each with an atomic operation.
import CShims

/// Counts by name. Nothing of it is touched on the way of a plain request.
///
/// SAFETY: owns its memory, freed by `destroy()`; every access is atomic and inside, since `Name` numbers its cases from 0 on.
@safe public struct SharedCounts<Name: CaseIterable & RawRepresentable<Int>>: @unchecked Sendable {  // atomics
    @usableFromInline let values: UnsafeMutablePointer<UInt64>

    public init() {
        unsafe values = .allocate(capacity: Name.allCases.count)
        unsafe values.initialize(repeating: 0, count: Name.allCases.count)
    }

    public func destroy() { unsafe values.deallocate() }

    public subscript(name: Name) -> UInt64 {
        @inlinable @inline(__always) get { unsafe cs_load64(values + name.rawValue) }
        nonmutating set { unsafe cs_store64(values + name.rawValue, newValue) }
    }

    /// Adds and returns the new count.
    @discardableResult public func add(_ count: UInt64, to name: Name) -> UInt64 {
        unsafe cs_add64(values + name.rawValue, count)
    }

    /// Subtracts and returns the new count.
    @discardableResult public func subtract(_ count: UInt64, from name: Name) -> UInt64 {
        unsafe cs_sub64(values + name.rawValue, count)
    }
}
