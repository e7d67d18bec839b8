// ErrorScripts: every errno that the pages of POSIX and Linux name for a call that takes a path or an open file, each brought
// about on purpose. What the comparison requires of it is listed in ExpectedErrors.

enum ErrorScripts {
    private static let root = NameScripts.root
    private static let owner = "65534:65534"
    private static let other = "65533:65533"

    /// The calls that take a path, with `PATH` in its place: what goes wrong on the way to a file is common to them.
    private static let onPath = [
        "open x PATH r", "creat x PATH 644", "mkdir PATH 755", "rmdir PATH", "unlink PATH", "symlink t PATH",
        "link PATH linked", "link file PATH", "linkfollow PATH linked", "rename PATH renamed 0", "rename file PATH 0",
        "mknod PATH 010644", "mknod PATH 100644", "mknod PATH 140644", "mknod PATH 020644 1 3", "mkfifo PATH 644",
        "chmod PATH 600", "lchmod PATH 600", "chown PATH 65533 65533", "lchown PATH 65533 65533", "truncate PATH 1",
        "utimens PATH 1 2 3 4 follow", "utimens PATH 1 2 3 4 nofollow", "readlink PATH", "access PATH 4",
        "access PATH 2", "access PATH 1", "access PATH 9", "statfs PATH", "stat PATH", "lstat PATH", "chdir PATH",
        "home",
        "ls PATH", "setxattr PATH user.x v 0", "getxattr PATH user.x 10", "listxattr PATH", "removexattr PATH user.x",
    ]

    /// Paths that lead nowhere, and one that leads to a file.
    private static let ways = [
        "missing", "missing/x", "file/x", "file/", "link/x", "{n*255}", "{n*256}", "{n*256}/x", "{./*2047}n",
        "{./*2048}", "{./*2047}{n*3}", "loop", "loop/x", "one", "shut/file", "shut/missing", "kept/file",
        "kept/missing", "file", "full", "empty", "fifo", "link", "''",
    ]

    private static func world() -> [String] {
        var lines = ["\(root) chmod . 777"] + NameScripts.make("file", "file") + NameScripts.make("full", "full")
        lines += ["mkdir empty 755", "mknod fifo 010644", "symlink file link", "symlink loop loop", "symlink two one"]
            .map { "\(root) \($0)" }
        lines += ["symlink one two", "mkdir shut 700", "mkdir kept 755"].map { "\(root) \($0)" }
        return lines + NameScripts.make("file", "shut/file") + NameScripts.make("file", "kept/file")
    }

    private static let removal =
        ["file", "empty", "fifo", "link", "loop", "one", "two", "shut/file", "kept/file", "shut", "kept", "full"]
        .flatMap(NameScripts.remove)
        + ["linked", "renamed", "missing", "{n*255}", "full/x", "shut/missing", "kept/missing"]
        .flatMap(NameScripts.remove)

    /// What each call answers where the path is at fault, to root and to somebody else.
    static func paths() -> [String] {
        var lines: [String] = []
        for path in ways {
            for user in [root, other] {
                lines += world()
                for call in onPath {
                    lines.append("\(user) \(call.replacing("PATH", with: path))")
                    lines += ["linked", "renamed"].flatMap(NameScripts.remove)
                }
                lines += ["\(root) close x", "\(root) tree ."] + removal
            }
        }
        return lines
    }

    /// What calls answer where the way is free, and the call itself is refused.
    static func refusals() -> [String] {
        let setting = ["open f file rw", "open r file r", "open d empty r", "open p fifo r", "open w file w"]
        var lines = world() + setting.map { "\(root) \($0)" }
        lines += [
            "open x empty w", "open x file r,creat,excl", "open x link w,creat,excl 644", "open x link r,nofollow",
            "open x file r,directory", "open x file r,creat,directory", "creat x empty 644", "rmdir empty/.",
            "rmdir full/..", "rmdir full", "unlink empty", "link empty l", "link file /proc/l", "link /proc/stat l",
            "linkflags file l 65536", "linkflags file l 2048", "rename . x 0", "rename full/.. x 0", "rename file . 0",
            "rename file full 0", "rename full file 0", "rename empty full 0", "rename full full/x 0",
            "rename file /proc/x 0", "rename file link 1", "rename file link 8", "rename file missing 2",
            "mknod m 040755", "mknod m 0170000", "truncate file -1", "truncate fifo 1", "ftruncate f -1",
            "ftruncate r 1", "ftruncate d 1", "ftruncate none 1",
            "utimens file 0 1000000000 0 0 follow", "utimens file 0 0 0 -1 follow",
            "utimens '' 0 now 0 now follow", "futimens none 0 now 0 now", "fchmod none 600", "fchown none 0 0",
            "fsync none", "fstatfs none", "fstat none", "read none 1", "write none v", "read w 1", "write r v",
            "read d 1", "write d v", "pread p 1 0", "pread f 1 -1", "pwrite f v -1", "pwrite f v 9223372036854775807",
            "seek f -1 0", "seek f 100 3", "seek f 100 4", "seek p 0 0", "seek none 0 0", "seek f 0 9",
            "posixfallocate f 0 0", "posixfallocate f -1 1", "posixfallocate f 0 1125899906842624",
            "posixfallocate f 9223372036854775807 9223372036854775807", "posixfallocate r 0 1",
            "posixfallocate none 0 1",
            "posixfallocate d 0 1", "posixfallocate p 0 1", "fallocate f 0 0 0", "fallocate f 2 0 1",
            "fallocate f 64 0 1",
            "fallocate f 8 0 4096", "fallocate f 32 0 4096", "fallocate f 0 0 1125899906842624", "fallocate d 0 0 1",
            "fallocate p 0 0 1", "fallocate none 0 0 1", "open q fifo rw", "fallocate q 0 0 1", "posixfallocate q 0 1",
            "close q", "mknod null 020666 1 3", "open q null rw", "fallocate q 0 0 1", "posixfallocate q 0 1",
            "close q",
            "unlink null", "copy none 0 f 0 1", "copy f 0 none 0 1", "copy f 0 r 0 1",
            "copy d 0 f 0 1", "copy f 0 f 0 4", "copy p 0 f 0 1", "flock none shared", "readlink file",
            "readlink empty",
            "setxattr file user.n v 2", "setxattr file user.a v 1", "setxattr file user.a v 1", "setxattr file a v 0",
            "setxattr file none.a v 0", "setxattr file user.{n*251} v 0", "setxattr file user.b {v*65537} 0",
            "setxattr file user.a v 4", "setxattr link user.a v 0", "setxattr fifo user.a v 0",
            "getxattr file user.n 1",
            "setxattr file user.c long 0", "getxattr file user.c 1", "getxattr file user.{n*251} 1",
            "listxattrroom file 1", "removexattr file user.n", "removexattr file none.a", "removexattr link user.a",
            "removexattr fifo user.a",
            "lchmod link 600", "open p fifo w", "bind s sock", "open x sock r", "creat x sock 644", "unlink sock",
            "mknod gone 020644 4000 1", "open x gone r", "unlink gone", "access file 9",
        ].map { "\(root) \($0)" }
        for user in [owner, other] {
            lines += [
                "chmod file 600", "chown file 65533 -1", "chown file -1 65533", "lchown link 65533 -1", "access file 2",
                "utimens file 1 2 3 4 follow", "utimens file 0 now 0 now follow", "truncate file 1", "creat x file 644",
                "open x file r,noatime", "setxattr file user.y v 0", "removexattr file user.c",
                "setxattr file trusted.y v 0",
                "removexattr file trusted.y", "getxattr file trusted.y 10", "mknod n 020644 1 3", "mknod n 060644 1 3",
                "open r file r", "fchmod r 600", "fchown r 65533 -1", "futimens r 1 2 3 4", "lchmod file 600",
            ].map { "\(user) \($0)" }
        }
        lines += sticky() + busy() + sizes() + faults
        lines += setting.map { "\(root) close \($0.split(separator: " ")[1])" }
        return lines + ["\(root) tree ."]
    }

    /// EPERM in a sticky directory, to each who may not.
    private static func sticky() -> [String] {
        ["\(root) mkdir s 1777"] + NameScripts.make("file", "s/f", for: owner)
            + NameScripts.make("directory", "s/d", for: owner)
            + [
                "unlink s/f", "rmdir s/d", "rename s/f s/g 0", "rename s/d s/e 0", "mkdir s/own 755",
                "rename s/own s/d 0",
                "open x s/mine w,creat 644", "rename s/mine s/f 0", "rename s/mine s/f 2", "unlink s/mine",
                "rmdir s/own",
            ].map { "\(other) \($0)" } + ["\(owner) rename s/f s/g 0", "\(owner) unlink s/g", "\(owner) rmdir s/d"]
    }

    /// Programs that run.
    private static func busy() -> [String] {
        [
            "program prog", "spawn prog", "open x prog w", "open x prog rw", "creat x prog 755", "truncate prog 5",
            "access prog 2", "reap prog", "open x prog w", "spawn prog", "close x", "chmod prog 644", "spawn prog",
            "unlink prog",
        ].map { "\(root) \($0)" }
    }

    /// A process' limit on sizes, which cuts a write short first.
    private static func sizes() -> [String] {
        [
            "open z sized rw,creat 644", "sizelimit 1000", "write z {v*600}", "write z {v*600}", "write z v",
            "pwrite z v 1000", "ftruncate z 1001", "truncate sized 1001", "ftruncate z 1000", "fallocate z 0 0 1001",
            "posixfallocate z 0 1001", "fstat z", "sizelimit -1", "write z v", "fstat z", "close z", "unlink sized",
        ].map { "\(root) \($0)" }
    }

    private static let faults = [
        "open", "creat", "stat", "lstat", "stat-result", "access", "mkdir", "rmdir", "unlink", "rename", "rename-to",
        "symlink", "symlink-target", "link", "link-to", "mknod", "mkfifo", "chmod", "chown", "lchown", "truncate",
        "utimens",
        "utimens-times", "readlink", "readlink-result", "statfs", "statfs-result", "setxattr", "setxattr-value",
        "getxattr", "getxattr-result", "listxattr-result", "removexattr", "read", "write", "readdir", "chdir",
    ].map { "\(root) fault \($0)" }

    /// A filesystem that was made read only while files are open.
    static func readOnly() -> [String] {
        var lines = world() + ["\(root) setxattr file user.a v 0", "\(root) open f file r", "\(root) remount .. ro"]
        for path in ["file", "empty", "full", "fifo", "link", "missing", "kept/missing"] {
            for user in [root, other] {
                lines += onPath.map { "\(user) \($0.replacing("PATH", with: path))" }
                lines += ["open x \(path) w", "open x \(path) r,trunc", "removexattr \(path) user.a"].map {
                    "\(user) \($0)"
                }
            }
        }
        lines += ["fchmod f 600", "fchown f 1 1", "futimens f 1 2 3 4", "read f 5"].map { "\(root) \($0)" }
        return lines + ["\(root) close f", "\(root) remount .. rw", "\(root) tree ."]
    }

    /// Every set of flags on every type of file.
    static func opens() -> [String] {
        var lines: [String] = []
        let optional = ["creat", "excl", "trunc", "append", "directory", "nofollow"]
        for type in NameScripts.types + ["tofile", "todirectory", "missing"] {
            for access in ["r", "w", "rw"] {
                for set in 0..<1 << optional.count {
                    let flags = optional.indices.filter { set >> $0 & 1 == 1 }.map { optional[$0] }
                    lines += make(type)
                    lines.append("\(root) open x n \(([access] + flags).joined(separator: ",")) 640")
                    lines += ["\(root) fstat x", "\(root) write x v", "\(root) pread x 9 0", "\(root) close x"]
                    lines += ["\(root) lstat n", "\(root) stat target"] + ["n", "target"].flatMap(NameScripts.remove)
                }
            }
        }
        return lines
    }

    private static func make(_ type: String) -> [String] {
        switch type {
        case "missing": []
        case "tofile": NameScripts.make("file", "target") + ["\(root) symlink target n"]
        case "todirectory": NameScripts.make("directory", "target") + ["\(root) symlink target n"]
        default: NameScripts.make(type, "n")
        }
    }
}

extension String {
    /// The text with each `part` replaced.
    func replacing(_ part: String, with other: String) -> String {
        var (result, rest) = ("", self[...])
        while !rest.isEmpty {
            if rest.hasPrefix(part) {
                result += other
                rest = rest.dropFirst(part.count)
            } else {
                result.append(rest.removeFirst())
            }
        }
        return result
    }
}
