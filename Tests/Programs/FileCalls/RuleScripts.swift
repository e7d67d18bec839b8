// RuleScripts: one rule of POSIX or Linux after the other, where a call is allowed to some and refused to others: who may
// set modes, owners and times, what a failure must leave alone, how far symlinks lead, what a read-only mount refuses.

enum RuleScripts {
    private static let root = NameScripts.root
    private static let owner = NameScripts.owner
    private static let other = NameScripts.other
    private static let member = NameScripts.member
    /// In a second group, 2001, that files are given to.
    private static let joined = "1001:1001,2001"
    private static let users = [root, owner, joined, member, other]

    /// What chmod makes of each of the upper bits, by type, owner's groups, and the group of the file.
    static func modes() -> [String] {
        var lines: [String] = []
        for type in ["file", "directory", "fifo", "socket", "character"] {
            for group in ["1001", "2001", "3000"] {
                for user in users {
                    lines += NameScripts.make(type, "n", for: "1001:\(group)")
                    for mode in ["000", "111", "777", "1777", "2755", "2745", "4755", "6711", "7000", "7777"] {
                        lines += ["\(user) chmod n \(mode)", "\(root) lstat n", "\(root) chmod n 2644"]
                    }
                    lines += ["\(user) open x n r", "\(user) fchmod x 2770", "\(root) lstat n", "\(user) close x"]
                    lines += NameScripts.remove("n")
                }
            }
        }
        return lines
    }

    /// Who may give what to whom, and which bits are lost by it.
    static func owners() -> [String] {
        var lines: [String] = []
        let ids = ["-1", "0", "1001", "1002"]
        for type in ["file", "directory", "symlink", "fifo", "socket", "character"] {
            for mode in ["644", "6755", "2745"] {
                for user in users {
                    for uid in ids {
                        for gid in ids + ["2001"] {
                            lines += NameScripts.make(type, "n", for: "1001:1001")
                            if type != "symlink" { lines.append("\(root) chmod n \(mode)") }
                            lines += ["\(user) lchown n \(uid) \(gid)", "\(root) lstat n"] + NameScripts.remove("n")
                        }
                    }
                }
            }
        }
        return lines
    }

    /// Who may set which times: the owner any, a writer only both to now.
    static func stamps() -> [String] {
        var lines: [String] = []
        for type in ["file", "directory", "symlink", "fifo"] {
            for mode in ["644", "666", "444", "000"] {
                for user in users {
                    lines += NameScripts.make(type, "n", for: "1001:1001")
                    if type != "symlink" { lines.append("\(root) chmod n \(mode)") }
                    for words in [
                        "0 now 0 now", "0 omit 0 omit", "0 now 0 omit", "0 omit 0 now", "7 8 9 10", "0 omit 9 10",
                        "7 8 0 omit", "7 8 0 now", "0 now 9 10", "1 1000000000 1 1", "1 -5 1 1",
                    ] {
                        lines += ["\(root) utimens n 5 55 6 66 nofollow", "\(root) mark"]
                        lines += ["\(user) utimens n \(words) nofollow", "\(root) times n"]
                    }
                    lines += ["\(user) utimens n 7 8 9 10 nofollow", "\(root) exact n"] + NameScripts.remove("n")
                }
            }
        }
        return lines
    }

    /// What a call that fails must not move: the times of the node and of its directory.
    static func failures() -> [String] {
        var lines: [String] = []
        for type in NameScripts.types {
            lines += ["\(root) mkdir d 755"] + NameScripts.make(type, "d/n") + ["\(root) mkdir d/e 755"]
            lines += ["\(root) mark"]
            for user in [root, other] {
                lines += [
                    "mkdir d/n 755", "mknod d/n 010644", "symlink t d/n", "link d/n d/n", "link d/e d/f",
                    "link missing d/n", "open x d/n w,creat,excl 644", "open x d/n/x w,creat 644",
                    "rename missing d/n 0",
                    "rename d/n d/e 1", "rename d/e d/e/f 0", "unlink d/missing", "unlink d/e", "rmdir d/missing",
                    "rmdir d",
                    "truncate d/n -1", "utimens d/n 1 1000000000 1 1 nofollow", "removexattr d/n user.none",
                    "setxattr d/n user.none v 2", "open x d/n w,directory", "rename d/n/. d/f 0", "rmdir d/e/.",
                ].map { "\(user) \($0)" }
            }
            lines += [
                "mkdir d/f 755", "mknod d/f 010644", "mknod d/f 020644 1 3", "symlink t d/f", "link d/n d/f",
                "open x d/f w,creat 644", "open x d/n w,trunc", "rename d/n d/f 0", "rename d/n d/e 2", "unlink d/n",
                "rmdir d/n", "rmdir d/e", "truncate d/n 1", "chmod d/n 777", "lchown d/n 1002 1002",
                "lchown d/n -1 1002", "utimens d/n 1 1 1 1 nofollow", "setxattr d/n user.x v 0",
            ].map { "\(other) \($0)" }
            lines += ["d", "d/n", "d/e", "."].map { "\(root) times \($0)" }
            lines += NameScripts.remove("d/n") + ["\(root) rmdir d/e", "\(root) rmdir d", "\(root) tree ."]
        }
        return lines
    }

    /// Symlinks behind each other, up to and past what may be followed; names and paths of the greatest length.
    static func limits() -> [String] {
        var lines = ["\(root) mkdir l0 755"] + NameScripts.make("file", "l0/f")
        for number in 1...42 { lines.append("\(root) symlink l\(number - 1) l\(number)") }
        for number in [39, 40, 41, 42] {
            for call in ["stat l\(number)", "ls l\(number)", "open x l\(number)/f r", "chmod l\(number)/f 600"] {
                lines.append("\(root) \(call)")
            }
            lines += ["\(root) mkdir l\(number)/n 755", "\(root) rmdir l\(number)/n", "\(root) lstat l\(number)"]
        }
        for length in [1, 254, 255, 256, 4000] {
            for call in NameScripts.calls(on: "{x*\(length)}") { lines.append("\(root) \(call)") }
            lines += ["linked", "followed", "renamed"].flatMap(NameScripts.remove)
        }
        for length in [1, 100, 4094, 4095, 4096] {
            lines += ["\(root) symlink {t*\(length)} s", "\(root) readlink s", "\(root) lstat s", "\(root) unlink s"]
        }
        for call in NameScripts.calls(on: "{./*2047}n") + NameScripts.calls(on: "{./*2048}n") {
            lines.append("\(root) \(call)")
        }
        for name in ["nameMax", "pathMax", "linkMax", "pipeMax", "noTrunc", "chownRestricted", "fileSizeBits"] {
            lines.append("\(root) pathconf . \(name)")
        }
        return lines + ["\(root) tree ."]
    }

    /// Sockets that are bound to names, and special files that are opened in ways that fail.
    static func nodes() -> [String] {
        var lines = ["\(root) chmod . 777"]
        for user in users {
            lines += ["\(user) umask 022", "\(user) bind x s", "\(root) lstat s", "\(user) bind y s"]
            lines += ["\(other) connect y s", "\(user) connect y s", "\(user) open z s r", "\(user) open z s rw"]
            lines += ["\(root) rename s t 0", "\(user) connect y t", "\(user) close x", "\(user) connect y t"]
            lines += ["\(user) unlink t", "\(user) close y", "\(user) umask 000"]
            for words in ["010644", "020644 1 3", "060644 4000 7", "140600", "100640", "0640", "040755", "120777"] {
                lines += ["\(user) mknod n \(words)", "\(root) lstat n", "\(user) open x n w", "\(user) open x n r"]
                lines += ["\(user) open x n rw", "\(user) truncate n 0", "\(user) close x"] + NameScripts.remove("n")
            }
        }
        return lines
    }

    /// Each call on each type on filesystems that were made read only, by root and by somebody else.
    static func readOnly() -> [String] {
        var lines: [String] = []
        for type in NameScripts.types { lines += NameScripts.make(type, type, for: owner) }
        lines += ["\(root) open kept file rw", "\(root) remount .. ro", "\(root) close kept", "\(root) remount .. ro"]
        for type in NameScripts.types + ["missing", "full/below", "directory/missing", "file/x"] {
            for user in [root, owner, other] { lines += NameScripts.calls(on: type).map { "\(user) \($0)" } }
        }
        lines += ["\(root) tree .", "\(root) remount .. rw", "\(root) open x missing w,creat 644", "\(root) tree ."]
        return lines
    }
}
