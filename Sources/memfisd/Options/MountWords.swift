// MountWords: the mount options that `-o` may name when there is a mount point.

/// Mount options.
struct MountWords: Equatable {
    var isReadOnly = false
    var updatesAccessTimes = true
    var allowsDevices = true
    var allowsSuid = true
    var allowsPrograms = true
    /// What mount(8) shows as the source.
    var name = "memfisd"
    /// Owner and group shown for every file; nil = the stored ones.
    var uid: UInt32?
    var gid: UInt32?
    /// Permission bits never shown.
    var umask: UInt32 = 0

    /// Takes one word; false when it is no mount option.
    /// - Throws: StartFailure, status 1, for a wrong value.
    mutating func take(name word: String, value: String?) throws(StartFailure) -> Bool {
        switch word {
        case "rw": isReadOnly = false
        case "ro": isReadOnly = true
        case "atime", "relatime": updatesAccessTimes = true
        case "noatime": updatesAccessTimes = false
        case "dev": allowsDevices = true
        case "nodev": allowsDevices = false
        case "suid": allowsSuid = true
        case "nosuid": allowsSuid = false
        case "exec": allowsPrograms = true
        case "noexec": allowsPrograms = false
        case "defaults", "allow_other", "default_permissions", "auto", "noauto", "nofail", "_netdev": break
        case "fsname":
            guard let value, !value.isEmpty, !value.contains(where: { $0.isWhitespace }) else {
                throw StartFailure("-o fsname=: expected a name without blanks", .wrongValue)
            }
            name = value
        case "uid": uid = UInt32(try ExtendedWords.number(word, value, 0...Int(UInt32.max - 1)))
        case "gid": gid = UInt32(try ExtendedWords.number(word, value, 0...Int(UInt32.max - 1)))
        case "umask":
            guard let value, let mask = UInt32(value, radix: 8), mask <= 0o777 else {
                throw StartFailure("-o umask=\(value ?? ""): expected an octal number up to 777", .wrongValue)
            }
            umask = mask
        default: return word.hasPrefix("x-")
        }
        return true
    }
}
