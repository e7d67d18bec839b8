// StoreContents: values of the store as contents that the event loop sends by reference: a lease keeps the value as it is, a
// pin keeps its memory in its place.
import MemNet
import MemStore

/// The leases that a worker's session gives out.
final class StoreContents: ContentSource {
    private let session: StoreSession

    /// - Parameter session: belongs to the calling worker's thread.
    init(_ session: StoreSession) { self.session = session }

    override func pin(_ token: ContentToken, at offset: Int, lengthMax: Int) -> Bytes {
        session.pinRun(ContentLease(token.first, token.second), at: offset, maxLength: lengthMax)
    }

    override func unpin(_ run: Bytes) { session.unpin(run) }

    override func release(_ token: ContentToken) { session.release(ContentLease(token.first, token.second)) }
}

extension OutputBuffer {
    /// Takes over a lease, whose bytes come next.
    mutating func write(reference lease: ContentLease) {
        let words = lease.words
        write(reference: ContentToken(words.0, words.1), length: lease.length)
    }
}
