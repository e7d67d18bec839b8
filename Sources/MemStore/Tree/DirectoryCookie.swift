// DirectoryCookie: the positions in a directory that are no entry's.

/// Cookies of `.` and `..`; entries have larger ones.
enum DirectoryCookie {
    static let own: UInt64 = 1
    static let parent: UInt64 = 2
}
