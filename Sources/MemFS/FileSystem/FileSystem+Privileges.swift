// FileSystem+Privileges: when a file loses suid and sgid. The kernel leaves this to the filesystem
// (FUSE_HANDLE_KILLPRIV_V2), so that it need not ask about them before each write.
import Glibc
import MemStore

/// A program that asks for something, as far as a decision here depends on it.
public struct Asker: Sendable, Equatable {
    var uid: UInt32
    var gid: UInt32
    /// The thread; 0 = unknown.
    var thread: UInt32

    /// A program's thread with its user and group.
    public init(uid: UInt32, gid: UInt32, thread: UInt32) {
        self.uid = uid
        self.gid = gid
        self.thread = thread
    }

    /// Whether the program may keep the sgid bit of a file of group `gid`.
    func isTrusted(withGroup group: UInt32) -> Bool {
        uid == 0 || gid == group || ProcessIdentity.isMember(thread, of: group)
    }
}

extension FileSystem {
    /// The bits of its mode that a file loses when `asker` writes to it, cuts it, or gives it to somebody.
    ///
    /// Source: inode(7), chown(2), write(2). A directory keeps both. Linux also takes sgid without group execution
    /// when the caller is not of the file's group.
    func bitsLost(by ino: Ino, to asker: Asker?) -> UInt32 {
        guard let asker, let attributes = try? session.attributes(of: ino) else { return 0 }
        guard attributes.mode & 0o6000 != 0, attributes.type != .directory else { return 0 }
        let losesGroup = attributes.mode & 0o010 != 0 || !asker.isTrusted(withGroup: attributes.gid)
        return attributes.mode & (losesGroup ? 0o6000 : 0o4000)
    }

    /// Takes them away.
    /// - Returns: whether there were any, of which the kernel does not know.
    func clearPrivileges(of ino: Ino, for asker: Asker?) -> Bool {
        let bits = bitsLost(by: ino, to: asker)
        guard bits != 0 else { return false }
        var changes = AttributeChanges()
        changes.clearedMode = bits
        return (try? session.setAttributes(of: ino, changes, isOpen: true)) != nil
    }

    /// Takes a program's capabilities away, which a write does whoever writes. Source: capabilities(7).
    func dropCapabilities(of ino: Ino) {
        let name: StaticString = "security.capability"
        let nowhere = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
        // Asked first, since it is hardly ever there, and asking costs little.
        guard unsafe (try? session.getExtendedAttribute(name.bytes, of: ino, into: nowhere)) != nil else { return }
        try? session.removeExtendedAttribute(name.bytes, of: ino)
    }
}

extension AttributeChanges {
    /// Nothing is to be set, as by `chown(path, -1, -1)`.
    var isEmpty: Bool {
        mode == nil && uid == nil && gid == nil && size == nil && atime == nil && mtime == nil && clearedMode == 0
    }
}
