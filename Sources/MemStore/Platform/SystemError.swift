// SystemError: a system call that failed, with what an operator needs to know.
import Glibc

/// A failed system call.
public struct SystemError: Error, Sendable, CustomStringConvertible {
    /// The call, e.g. `bind`.
    public var call: String
    /// What it was about, e.g. the address.
    public var subject: String
    public var errno: Int32

    /// A failure with the current errno, unless another one is given.
    public init(_ call: String, _ subject: String, errno code: Int32 = Glibc.errno) {
        self.call = call
        self.subject = subject
        errno = code
    }

    public var description: String {
        guard errno != 0 else { return "\(call) \(subject)" }
        let text = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
        return "\(call) \(subject): \(text)"
    }
}
