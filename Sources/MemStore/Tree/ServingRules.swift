// ServingRules: the settings by which the port reads and writes files, in plain
// memory, and the permission bits judged by them.

/// The configuration's part that the tree reads on each request.
///
/// SAFETY: copies what it needs; `groups` is its own until `destroy`.
@safe struct ServingRules {
    /// Prefixes, longest first, and the directory of each (empty for the root).
    let prefixes: ByteStrings
    let directories: ByteStrings
    let indexNames: ByteStrings
    let mountPoints: ByteStrings
    let filesReadOnly: Bool
    let filesMaxBytes: Int
    let evictsFiles: Bool
    let hasCas: Bool
    let umask: UInt32
    let uid: UInt32
    let publishesAppends: Bool
    let hasMetadataKeys: Bool
    private let groups: UnsafeMutablePointer<UInt32>
    private let groupCount: Int

    init(_ configuration: StoreConfiguration) {
        let sorted = configuration.prefixes.sorted { $0.prefix.count > $1.prefix.count }
        prefixes = ByteStrings(sorted.map(\.prefix))
        directories = ByteStrings(sorted.map { $0.directory == [UInt8(ascii: "/")] ? [] : $0.directory })
        indexNames = ByteStrings(configuration.indexNames)
        mountPoints = ByteStrings(configuration.mountPoints)
        filesReadOnly = configuration.filesReadOnly
        filesMaxBytes = configuration.filesMaxBytes
        evictsFiles = configuration.evictsFiles
        hasCas = configuration.hasCas
        umask = configuration.umask
        publishesAppends = configuration.publishIntervalSeconds > 0
        hasMetadataKeys = configuration.hasMetadataKeys
        let user = configuration.servingUser
        uid = user.uid
        groupCount = user.groups.count + 1
        unsafe groups = .allocate(capacity: groupCount)
        unsafe groups.initialize(to: user.gid)
        for (index, group) in user.groups.enumerated() { unsafe (groups + index + 1).initialize(to: group) }
    }

    func destroy() {
        prefixes.destroy()
        directories.destroy()
        indexNames.destroy()
        mountPoints.destroy()
        unsafe groups.deallocate()
    }

    /// The serving user's own group.
    var gid: UInt32 { unsafe groups[0] }

    private func isMember(of group: UInt32) -> Bool {
        for index in 0..<groupCount where unsafe groups[index] == group { return true }
        return false
    }

    /// Whether the serving user has all of the rights `wanted` (4 read, 2 write, 1 execute or search) by the bits
    /// of the owner, the group or the others. Nobody overrides them, not even uid 0.
    @inline(__always) func allows(_ wanted: UInt16, _ inode: InodeReference) -> Bool {
        let mode = inode.fields.mode
        // Most of what is served is open to all three alike.
        if mode & (wanted << 6 | wanted << 3 | wanted) == (wanted << 6 | wanted << 3 | wanted) { return true }
        if inode.fields.uid == uid { return (mode >> 6) & wanted == wanted }
        if isMember(of: inode.fields.gid) { return (mode >> 3) & wanted == wanted }
        return mode & wanted == wanted
    }

    /// Whether the sticky bit of `directory` keeps the serving user from removing a node of it.
    func isKeptBySticky(_ node: InodeReference, in directory: InodeReference) -> Bool {
        directory.fields.mode & 0o1000 != 0 && node.fields.uid != uid && directory.fields.uid != uid
    }
}

/// The rights of `ServingRules.allows`.
enum Access {
    static let read: UInt16 = 4
    static let write: UInt16 = 2
    static let search: UInt16 = 1
}
