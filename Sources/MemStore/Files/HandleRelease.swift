// HandleRelease: what the release of one open file means to the contents of its inode. The adapter that keeps the open files
// knows who has written; the store decides what is shown.

/// The open files of an inode at the moment when one of them is released.
public struct HandleRelease: Equatable, Sendable {
    /// Through the released one the file was made, written or cut, and it has not published since.
    public var hasChanges: Bool
    /// Somebody else is in the middle of bringing a new version: he wrote at offsets of his own, or cut the file.
    /// Readers and those who only append are not in the middle of anything.
    public var othersHoldBack: Bool
    /// Of those, somebody has cut the file to nothing and brought no content yet.
    public var othersAwaitContent: Bool

    public init(hasChanges: Bool = false, othersHoldBack: Bool = false, othersAwaitContent: Bool = false) {
        self.hasChanges = hasChanges
        self.othersHoldBack = othersHoldBack
        self.othersAwaitContent = othersAwaitContent
    }
}
