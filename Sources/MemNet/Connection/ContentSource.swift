// ContentSource: where bytes lie that are sent by reference. The output remembers a token and a range; while it sends, it asks
// for a run of the bytes at a time, and gives the token back when the range is sent.
import MemStore

/// What a source knows a retained content by: two words that mean something to it alone.
public struct ContentToken: BitwiseCopyable, Sendable {
    public var first: UInt64
    public var second: UInt64

    public init(_ first: UInt64, _ second: UInt64) {
        self.first = first
        self.second = second
    }
}

/// Retained contents of one worker's thread.
open class ContentSource {
    public init() {}

    /// Bytes of a content from `offset` on, as long a run as lies together, at most `lengthMax` (> 0) and never empty. They stay
    /// where they are until `unpin` is called with the run.
    open func pin(_ token: ContentToken, at offset: Int, lengthMax: Int) -> Bytes {
        preconditionFailure("a source without contents is asked for one")
    }

    /// Ends the pin of one run.
    open func unpin(_ run: Bytes) { preconditionFailure("a source without contents is given a run back") }

    /// Gives a content back: it is not asked for any more.
    open func release(_ token: ContentToken) { preconditionFailure("a source without contents is given one back") }
}
