// AccessScripts: who may do what, bit by bit: one of three classes, eight sets of bits, on directories and on files; numbers
// of devices, times far from now, link counts.

enum AccessScripts {
    private static let root = NameScripts.root
    /// Owner, somebody whose first group it is, somebody in it by a further group, and a stranger.
    private static let users = ["65534:65534", "65533:65532", "65531:65531,65532", "65530:65530"]

    /// Every call on names in a directory of which a class has each set of bits.
    static func directories() -> [String] {
        var lines: [String] = ["\(root) mkdir free 777"]
        for shift in [6, 3, 0] {
            for bits in 0..<8 {
                for user in users {
                    lines += ["\(root) mkdir d 755", "\(root) chown d 65534 65532", "\(root) mkdir d/e 777"]
                    lines += NameScripts.make("file", "d/f") + ["\(root) chmod d/f 666", "\(root) symlink f d/l"]
                    lines += NameScripts.make("file", "free/f", for: user)
                    lines.append("\(root) chmod d \(String(bits << shift, radix: 8))")
                    lines += [
                        "ls d", "stat d/f", "lstat d/l", "readlink d/l", "access d/f 4", "access d 1", "open x d/f r",
                        "open x d/f w", "truncate d/f 1", "statfs d/f", "getxattr d/f user.x 1",
                        "utimens d/f 0 now 0 now follow",
                        "mkdir d/new 755", "mkfifo d/new 644", "symlink t d/new", "link free/f d/new",
                        "creat x d/new 644",
                        "mkdir d/e/new 755", "rename d/f d/g 0", "rename d/g d/f 0", "rename d/f free/g 0",
                        "rename free/g d/f 0", "rename d/e free/e 0", "rename free/e d/e 0", "rename free/f d/f 2",
                        "unlink d/f", "unlink d/new", "rmdir d/new", "rmdir d/e/new", "rmdir d/e", "chmod d 750",
                        "chown d -1 65531",
                    ].map { "\(user) \($0)" }
                    lines += ["\(root) tree .", "\(root) rmdir d/e/new"]
                    lines += ["d/e", "d/f", "d/g", "d/l", "d/new", "free/f", "free/g", "free/e", "d"].flatMap(
                        NameScripts.remove)
                }
            }
        }
        return lines
    }

    /// Every call that a file's own bits allow or refuse.
    static func files() -> [String] {
        var lines = ["\(root) chmod . 777"]
        for type in ["file", "directory", "fifo"] {
            for shift in [6, 3, 0] {
                for bits in 0..<8 {
                    lines += NameScripts.make(type, "n") + ["\(root) chown n 65534 65532"]
                    lines.append("\(root) chmod n \(String(bits << shift, radix: 8))")
                    for user in users + [root] {
                        lines += (0..<8).map { "\(user) access n \($0)" }
                        lines += [
                            "open x n r", "open x n w", "open x n rw", "open x n r,trunc", "truncate n 9", "chdir n/.",
                            "home",
                            "setxattr n user.x v 0", "getxattr n user.x 9", "removexattr n user.x", "ls n", "spawn n",
                            "open x n r,noatime", "utimens n 0 now 0 now follow", "utimens n 1 1 1 1 follow", "close x",
                            "link n m", "unlink m",
                        ].map { "\(user) \($0)" }
                    }
                    lines += ["\(root) lstat n"] + NameScripts.remove("n")
                }
            }
        }
        return lines
    }

    /// Numbers of devices, times far from now, names of one file that come and go while it is open.
    static func figures() -> [String] {
        var lines: [String] = []
        for kind in ["020644", "060644"] {
            for (major, minor) in [
                (0, 0), (1, 3), (8, 255), (8, 256), (255, 255), (259, 1), (4095, 0), (0, 1_048_575), (4095, 1_048_575),
                (4096, 0), (1, 1_048_576),
            ] {
                lines += ["\(root) mknod n \(kind) \(major) \(minor)", "\(root) lstat n", "\(root) link n m"]
                lines +=
                    ["\(root) lstat m", "\(root) rename m n 0", "\(root) lstat n"]
                    + ["n", "m"].flatMap(NameScripts.remove)
            }
        }
        for type in NameScripts.types {
            lines += NameScripts.make(type, "n")
            for seconds in [
                "0", "-1", "-2147483649", "-1099511627776", "2147483647", "4294967295", "4294967296", "17179869184",
                "1099511627776", "4611686018427387904",
            ] {
                for nanoseconds in ["0", "1", "999999999"] {
                    lines.append("\(root) utimens n \(seconds) \(nanoseconds) \(seconds) \(nanoseconds) nofollow")
                    lines.append("\(root) exact n")
                }
            }
            lines += NameScripts.remove("n")
        }
        lines += NameScripts.make("file", "n") + ["\(root) open x n rw"]
        for call in [
            "link n m", "link m o", "unlink n", "rename m n 0", "rename o n 0", "unlink n", "unlink o", "link n p",
            "write x more",
            "fchmod x 4711", "fchown x 5 5", "ftruncate x 3", "pread x 9 0", "setxattr n user.x v 0", "linkfd x back",
            "unlink back",
            "futimens x 5 6 7 8",
        ] {
            lines += ["\(root) mark", "\(root) \(call)", "\(root) fstat x", "\(root) times ."]
        }
        lines += [
            "\(root) close x", "\(root) mkdir a 755", "\(root) chdir a", "\(root) rmdir ../a", "\(root) mkdir b 755",
        ]
        lines += ["creat x c 644", "ls .", "stat .", "stat ..", "rename ../n x 0", "home", "tree ."].map {
            "\(root) \($0)"
        }
        return lines
    }
}
