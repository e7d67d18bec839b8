// AttributeScripts: modes, groups, times and contents, where they follow from each other.

enum AttributeScripts {
    private static let root = NameScripts.root
    private static let owner = NameScripts.owner
    private static let other = NameScripts.other
    private static let member = NameScripts.member

    /// What suid, sgid and the sticky bit become when files are written, cut, given away, and made.
    static func privileges() -> [String] {
        var lines = ["\(root) chmod . 777"]
        for mode in ["4755", "2755", "2745", "6777", "6666", "1777", "7777"] {
            for user in [root, owner, member, other] {
                for call in [
                    "open x n w/write x v", "open x n rw/pwrite x v 9", "open x n w,trunc", "truncate n 2",
                    "truncate n 9",
                    "open x n rw/ftruncate x 1", "open x n rw/fallocate x 0 0 9", "open x n rw/mapwrite x v 0",
                    "open x n rw/open y n rw/copy x 0 y 3 2", "chown n -1 -1", "chown n 1001 -1", "chown n -1 1001",
                    "chown n -1 1003", "chown n 1002 1002", "lchown n -1 1001", "chmod n \(mode)", "chmod n 2777",
                    "setxattr n user.x v 0", "utimens n 0 now 0 now follow", "link n m", "rename n m 0",
                ] {
                    lines += NameScripts.make("file", "n", for: "1001:1001") + ["\(root) chmod n \(mode)"]
                    lines += call.split(separator: "/").map { "\(user) \($0)" }
                    lines += ["\(root) lstat n", "\(root) stat m", "\(user) close x", "\(user) close y"]
                    lines += NameScripts.remove("n") + NameScripts.remove("m")
                }
            }
        }
        return lines
    }

    /// Group and bits of what is made in directories with and without setgid, under several masks.
    static func inheritance() -> [String] {
        var lines: [String] = []
        for mode in ["2777", "777", "3777"] {
            for group in [1001, 1002, 3000] {
                lines += ["\(root) mkdir d 755", "\(root) chown d 1001 \(group)", "\(root) chmod d \(mode)"]
                for user in [root, owner, member, other] {
                    for mask in ["000", "022", "077"] {
                        lines += ["\(user) umask \(mask)", "\(user) mkdir d/d 2775", "\(user) mkdir d/e 777"]
                        lines += ["\(user) open x d/f w,creat 6777", "\(user) open x d/g w,creat 2744"]
                        lines += ["\(user) mknod d/p 010666", "\(user) mknod d/s 142777", "\(user) symlink t d/l"]
                        lines += [
                            "\(user) mknod d/r 106777", "\(user) mkdir d/d/d 755", "\(user) open x d/d/f w,creat 644",
                        ]
                        lines += ["\(user) close x", "\(root) tree ."]
                        lines += ["\(root) unlink d/d/f", "\(root) rmdir d/d/d"]
                        lines += ["f", "g", "p", "s", "l", "r"].map { "\(root) unlink d/\($0)" }
                        lines += ["\(root) rmdir d/d", "\(root) rmdir d/e"]
                    }
                    lines.append("\(user) umask 000")
                }
                lines.append("\(root) rmdir d")
            }
        }
        return lines
    }

    /// Which times each call moves.
    static func times() -> [String] {
        var lines: [String] = []
        for call in [
            "open x n w", "open x n w,trunc", "open x d/new w,creat 644", "write x v", "write x ''", "pwrite x v 3",
            "mapwrite x v 0", "fsync x", "ftruncate x 1", "ftruncate x 7", "truncate n 7", "truncate n 0",
            "truncate n 0", "fallocate x 0 0 20", "fallocate x 1 0 9000", "fallocate x 3 0 5", "copy x 0 x 10 2",
            "chmod n 600", "chmod n 600", "chown n -1 -1", "chown n 1001 -1", "chown d -1 -1", "chmod d 755",
            "mkdir d/sub 755", "mknod d/p 010644", "symlink t d/l", "link n d/n", "rename d/n d/m 0",
            "rename d/m d/p 0",
            "rename d/p n2 0", "rename n2 d/l 2", "unlink d/l", "rmdir d/sub", "setxattr n user.x v 0",
            "setxattr n user.x v 2", "removexattr n user.x", "removexattr n user.x", "getxattr n user.x 10",
            "utimens n 0 now 0 omit follow", "utimens n 0 omit 0 now follow", "utimens n 0 omit 0 omit follow",
            "fchmod x 644", "fchown x -1 -1", "stat n", "ls d", "readlink d/l", "open y d/new w,creat,excl 644",
            "mkdir d 755", "unlink missing", "rename missing d/x 0", "lchown d/new 0 0", "pread x 10 0",
        ] {
            lines += ["\(root) mark", "\(root) \(call)"]
            lines += ["n", "n2", "d", "d/new", "d/l", "d/m", "d/p", "d/sub", "."].map { "\(root) times \($0)" }
        }
        for nanoseconds in ["0", "1", "123456789", "999999999", "1000000000", "-1"] {
            for seconds in ["0", "-1", "2147483648", "4294967296", "17179869183"] {
                lines.append("\(root) utimens d/new \(seconds) \(nanoseconds) \(seconds) \(nanoseconds) follow")
                lines.append("\(root) exact d/new")
            }
        }
        return ["\(root) mkdir d 755"] + NameScripts.make("file", "n") + lines
    }

    /// Offsets, holes, limits and descriptors. Where a hole begins is not asked: filesystems round that differently.
    static func contents() -> [String] {
        let big = 1 << 40
        return [
            "open x f rw,creat 644", "pwrite x abc 0", "pwrite x z \(big)", "fstat x", "pread x 5 \(big - 2)",
            "seek x 0 3",
            "seek x \(big + 1) 3", "seek x \(big + 1) 4", "seek x \(big + 2) 3", "seek x -1 0", "seek x 0 2",
            "ftruncate x -1", "truncate f -1", "ftruncate x 2", "pread x 5 0", "ftruncate x 5", "pread x 5 0",
            "fallocate x 0 0 0", "fallocate x 0 -1 5", "fallocate x 0 0 -1", "fallocate x 2 0 5", "fallocate x 3 1 1",
            "pread x 9 0", "fallocate x 0 100 50", "fstat x", "fallocate x 1 200 50", "fstat x",
            "pwrite x {w*5000} 9223372036854775807",
            "pwrite x v -1", "pread x 1 -1", "open r f r", "write r v", "ftruncate r 0", "fallocate r 0 0 5",
            "open w f w", "read w 5", "pread w 5 0", "open a f rw,append", "write a END", "pwrite a PW 0",
            "pread a 200 0", "appending a off", "pwrite a OFF 1", "pread a 200 0", "appending a on", "pwrite a ON 2",
            "appending x on", "pwrite x XON 0", "appending w on", "write w WON", "appending w off", "pwrite w WOFF 3",
            "appending x off", "write x XOFF", "pread a 200 0", "appending none on",
            "fstat a", "copy a 0 a 0 10", "copy a 0 a 5 10", "copy a 0 a 100000 10", "fstat a", "copy a 0 r 0 5",
            "copy a \(big) x 0 5", "copy w 0 x 0 5", "open d . r", "read d 5", "write d v", "ftruncate d 0", "fsync d",
            "copy d 0 x 0 5", "copy x 0 d 0 5", "fallocate d 0 0 5", "unlink f", "fstat x", "pwrite x gone 0",
            "pread x 9 0", "close x", "close x", "fstat x", "open t g w,creat,trunc,excl 600",
            "open t g w,creat,excl 600",
            "truncate g 5", "open t g r,trunc", "fstat t", "open t . w", "open t . rw,creat 644",
            "open t . r,creat 644", "open t missing r,directory", "open t g r,directory", "symlink g l",
            "open t l r,nofollow",
            "open t l w,creat,excl", "program p", "spawn p", "open t p w", "open t p r", "truncate p 5", "unlink p",
            "reap p", "program p", "open t p w", "spawn p", "close t", "spawn p", "reap p", "chmod p 644", "spawn p",
            "tree .",
        ].map { "\(root) \($0)" }
            + [("lock", "exclusive"), ("lock", "shared")].flatMap { name, kind in
                [
                    "\(root) open k \(name) rw,creat 666", "\(owner) open k \(name) rw,creat 666",
                    "\(root) chmod \(name) 666",
                    "\(owner) open k \(name) rw", "\(root) flock k \(kind)", "\(owner) flock k shared",
                    "\(owner) flock k exclusive", "\(root) close k", "\(owner) flock k exclusive", "\(owner) close k",
                ]
            }
    }

    /// Extended attributes by namespace, size, flag and user.
    static func extended() -> [String] {
        var lines = NameScripts.make("file", "n", for: owner) + NameScripts.make("directory", "d", for: owner)
        lines += NameScripts.make("symlink", "l", for: owner) + NameScripts.make("fifo", "p", for: owner)
        lines += ["\(root) mkdir s 1777"]
        for path in ["n", "d", "l", "p", "s", "missing"] {
            for user in [root, owner, other] {
                for name in [
                    "user.a", "trusted.a", "security.a", "system.a", "none.a", "plain", "user.", "user.{n*250}",
                    "user.{n*251}",
                ] {
                    lines += [
                        "setxattr \(path) \(name) v 2", "setxattr \(path) \(name) v 1", "setxattr \(path) \(name) w 1",
                        "setxattr \(path) \(name) longer 2", "setxattr \(path) \(name) '' 0",
                        "getxattr \(path) \(name) 0",
                        "setxattr \(path) \(name) {v*60000} 0", "getxattr \(path) \(name) 10",
                        "getxattr \(path) \(name) 65536",
                        "setxattr \(path) \(name) {v*65537} 0", "listxattr \(path)", "removexattr \(path) \(name)",
                        "removexattr \(path) \(name)",
                    ].map { "\(user) \($0)" }
                }
            }
        }
        return lines
    }
}
