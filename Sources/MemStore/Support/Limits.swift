// Limits: every bound of the store, in one place, with its unit and its source.

/// The store's fixed bounds.
public enum Limits {
    /// Longest cache key in bytes. Source: memcached's protocol.txt.
    public static let cacheKeyLengthMax = 250
    /// Longest name of a directory entry in bytes. Source: Linux, NAME_MAX.
    public static let nameLengthMax = 255
    /// Longest path in bytes, without the terminating NUL that PATH_MAX counts. Source: Linux, PATH_MAX.
    public static let pathLengthMax = 4096
    /// Longest escaped path in bytes: each byte may take three.
    public static let escapedPathLengthMax = 3 * pathLengthMax
    /// Symlinks followed in one path before ELOOP. Source: Linux, path_resolution(7).
    public static let symlinksFollowedMax = 40
    /// Largest file size in bytes: 2^53, above any memory and exact as a double in JSON.
    public static let fileSizeMax: UInt64 = 1 << 53
    /// Hard links to one file. Source: ext4's is 65,000, tmpfs has none but the counter's width.
    public static let linkCountMax: UInt32 = 1 << 30
    /// Bytes that stat(2) shows of a directory for each of its entries. An arbitrary figure, as tmpfs has one.
    public static let directorySizePerEntry = 32
    /// Bytes that an inode with an entry is counted for in the free inodes of statfs(2).
    public static let nodeSizeTypical = 256
    /// Bytes that are copied from file to file, or zeroed, under one lock.
    static let copyStepBytes = 1 << 18
    /// Longest name of an extended attribute, largest value, and all attributes of an inode together, in bytes.
    /// Source: xattr(7); the sum is ours.
    public static let attributeNameLengthMax = 255
    public static let attributeSizeMax = 1 << 16
    public static let attributesSizeMax = 1 << 20
    /// Smallest memory limit in bytes.
    public static let memoryLimitMin = 1 << 20
}
