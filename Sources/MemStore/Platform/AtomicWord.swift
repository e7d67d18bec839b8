// AtomicWord: a word that several threads change.
import CShims

/// A word that several threads read and write.
///
/// SAFETY: owns its one word.
@safe public final class AtomicWord: @unchecked Sendable {  // atomic
    private let word: UnsafeMutablePointer<UInt32>
    public init(_ value: UInt32 = 0) {
        unsafe word = .allocate(capacity: 1)
        unsafe word.initialize(to: value)
    }
    deinit { unsafe word.deallocate() }
    public var value: UInt32 {
        get { unsafe cs_load32_acquire(word) }
        set { unsafe cs_store32_release(word, newValue) }
    }
    /// Adds and returns the new value.
    @discardableResult public func add(_ count: UInt32) -> UInt32 { unsafe cs_add32(word, count) }
    /// Subtracts and returns the new value.
    @discardableResult public func subtract(_ count: UInt32) -> UInt32 { unsafe cs_sub32(word, count) }
}
