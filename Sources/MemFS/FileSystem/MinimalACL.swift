// MinimalACL: reads the extended attribute by which coreutils sets a mode. It knows nothing but those bytes.
import MemStore

/// A POSIX ACL that says no more than a mode does: owner, group and others.
struct MinimalACL: Equatable {
    /// The nine permission bits that the list stands for.
    var permissions: UInt32

    /// The extended attribute of the list that judges access.
    static let accessName: StaticString = "system.posix_acl_access"
    /// The extended attribute of the list that new entries of a directory get; here it is always absent.
    static let defaultName: StaticString = "system.posix_acl_default"
    /// Whether an extended attribute is one of the two.
    static func isName(_ name: Bytes) -> Bool { name.equals(accessName.bytes) || name.equals(defaultName.bytes) }

    private static let ownerTag: UInt16 = 0x01
    private static let groupTag: UInt16 = 0x04
    private static let othersTag: UInt16 = 0x20
    private static let entryLength = 8
    private static let versionLength = 4

    /// Decodes a list; nil when it is malformed or says more than a mode can.
    /// Source: acl(5), and Linux' uapi header `posix_acl_xattr.h` (version 2, little-endian entries of tag,
    /// permissions, id).
    init?(_ value: Bytes) {
        guard value.count == Self.versionLength + 3 * Self.entryLength else { return nil }
        guard Self.word(value, at: 0) == 2, Self.word(value, at: 2) == 0 else { return nil }
        let tags = [Self.ownerTag, Self.groupTag, Self.othersTag]
        var bits: UInt32 = 0
        for (index, tag) in tags.enumerated() {
            let start = Self.versionLength + index * Self.entryLength
            let permission = Self.word(value, at: start + 2)
            guard Self.word(value, at: start) == tag, permission <= 7 else { return nil }
            bits = bits << 3 | UInt32(permission)
        }
        permissions = bits
    }

    private static func word(_ value: Bytes, at offset: Int) -> UInt16 {
        UInt16(value[offset]) | UInt16(value[offset + 1]) << 8
    }
}
