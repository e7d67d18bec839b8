// NameScripts: what calls on names answer, type by type and user by user.

enum NameScripts {
    static let root = "0:0"
    static let owner = "1001:1001"
    static let other = "1002:1002"
    /// In the owner's group.
    static let member = "1003:1003,1001"
    static let types = ["file", "directory", "full", "symlink", "fifo", "socket", "character", "block"]

    /// Makes a node of one type, which belongs to `user` and is named `name`.
    static func make(_ type: String, _ name: String, for user: String = root) -> [String] {
        let ids = user.split(separator: ",")[0].replacingColon
        let owned = "\(root) lchown \(name) \(ids)"
        return switch type {
        case "file": ["\(root) open x \(name) w,creat 644", "\(root) write x content", "\(root) close x", owned]
        case "directory": ["\(root) mkdir \(name) 755", owned]
        case "full": ["\(root) mkdir \(name) 755", "\(root) mkdir \(name)/below 755", owned]
        case "symlink": ["\(root) symlink target \(name)", owned]
        case "fifo": ["\(root) mknod \(name) 010644", owned]
        case "socket": ["\(root) mknod \(name) 140644", owned]
        case "character": ["\(root) mknod \(name) 020644 1 3", owned]
        default: ["\(root) mknod \(name) 060644 4000 7", owned]
        }
    }

    static func remove(_ name: String) -> [String] {
        ["\(root) unlink \(name)", "\(root) rmdir \(name)/below", "\(root) rmdir \(name)"]
    }

    /// Every call that takes a path, on `path`.
    static func calls(on path: String) -> [String] {
        [
            "open x \(path) r", "open x \(path) w", "open x \(path) rw", "open x \(path) r,directory",
            "open x \(path) r,nofollow", "open x \(path) w,trunc", "stat \(path)", "lstat \(path)", "readlink \(path)",
            "access \(path) 4", "access \(path) 2", "access \(path) 1", "chmod \(path) 640", "chown \(path) -1 -1",
            "chown \(path) 1002 -1", "chown \(path) -1 1001", "lchown \(path) 1001 1001", "truncate \(path) 3",
            "utimens \(path) 1 2 3 4 follow", "utimens \(path) 0 now 0 now follow", "utimens \(path) 5 6 7 8 nofollow",
            "ls \(path)", "setxattr \(path) user.x v 0", "setxattr \(path) trusted.x v 0", "getxattr \(path) user.x 10",
            "listxattr \(path)", "removexattr \(path) user.x", "link \(path) linked", "linkfollow \(path) followed",
            "rename \(path) renamed 0", "rename renamed \(path) 0", "mkdir \(path) 755", "mknod \(path) 010644",
            "symlink t \(path)", "open x \(path) w,creat,excl 644", "rmdir \(path)", "unlink \(path)",
            "open x \(path) w,creat 644", "lstat \(path)", "unlink \(path)",
        ]
    }

    /// Each call on each type by root, the owner, a member of the group and somebody else, in a directory that all
    /// may write and in one that only root may.
    static func matrix() -> [String] {
        var lines = ["\(root) mkdir all 777", "\(root) mkdir own 755"]
        for place in ["all", "own"] {
            for type in types {
                for user in [root, owner, member, other] {
                    lines += make(type, "\(place)/n", for: owner)
                    lines += calls(on: "\(place)/n").map { "\(user) \($0)" }
                    lines.append("\(root) tree .")
                    lines += remove("\(place)/n") + ["linked", "followed", "renamed"].flatMap(remove)
                }
            }
        }
        return lines
    }

    /// Each call on names that cannot be: too long, below what is no directory, in circles, missing, `.` and `..`.
    static func impossible() -> [String] {
        var lines = make("file", "file") + make("directory", "directory")
        lines += ["\(root) symlink loop loop", "\(root) symlink two one", "\(root) symlink one two"]
        lines += ["\(root) mkdir closed 700", "\(root) mkdir closed/d 777"]
        let long = "directory/{n*255}"
        let paths = [
            "{n*255}", "{n*256}", long, "directory/{n*256}", "{./*2040}directory/{n*5}", "{./*2043}directory",
            "{./*2047}f", "{./*2048}", "{./*3000}", "file/x", "file/", "file/.", "missing/x", "missing/", "loop",
            "loop/x", "one/x", "directory/.", "directory/..", "directory/./x", ".", "..", "''", "closed/d/x",
            "closed/x",
            "/proc/memfisd",
        ]
        for path in paths {
            for user in [root, other] { lines += calls(on: path).map { "\(user) \($0)" } }
            lines += ["linked", "followed", "renamed", path == ".." || path == "." ? "missing" : path].flatMap(remove)
            lines += ["\(root) chmod . 777", "\(root) chmod directory 755", "\(root) mkdir directory 755"]
        }
        return lines + ["\(root) tree ."]
    }

    /// rename of each type onto each, in all three modes, and of directories into themselves.
    static func renames() -> [String] {
        var lines: [String] = []
        for source in types {
            for target in types {
                for mode in 0...3 {
                    lines += make(source, "from") + make(target, "to")
                    lines += [
                        "\(root) mark", "\(root) rename from to \(mode)", "\(root) times from", "\(root) times to",
                    ]
                    lines += ["\(root) times .", "\(root) tree .", "\(root) lstat ."] + remove("from") + remove("to")
                }
            }
        }
        lines += ["a", "a/b", "a/b/c"].map { "\(root) mkdir \($0) 755" }
        for (from, to) in [
            ("a", "a/x"), ("a", "a/b/c/x"), ("a/b/c", "a"), ("a/b", "a"), ("a", "a"), ("a/b/.", "x"), ("a/b/..", "x"),
            ("a", "a/."), ("a/b", "a/.."), ("a/", "z/"), ("z", "a"), ("a", "/proc/x"), ("/proc/self", "x"),
        ] {
            for mode in 0...4 { lines.append("\(root) rename \(from) \(to) \(mode)") }
        }
        lines += make("file", "file") + ["\(root) link file same"]
        for mode in 0...2 { lines += ["\(root) mark", "\(root) rename file same \(mode)", "\(root) times file"] }
        return lines + ["\(root) tree ."]
    }

    /// Who may remove and rename what in a sticky directory.
    static func sticky() -> [String] {
        var lines: [String] = []
        for keeper in [root, owner] {
            for belongs in [owner, other] {
                for type in types {
                    for user in [owner, other, member] {
                        lines += ["\(root) mkdir s 1777", "\(root) chown s \(keeper.replacingColon)"]
                        lines += make(type, "s/n", for: belongs) + make("file", "s/over", for: belongs)
                        lines += ["\(root) mkdir out 777"] + make("file", "out/o", for: user)
                        lines += [
                            "rename s/n s/m 0", "rename s/m s/n 0", "rename s/n out/n 0", "rename out/n s/n 0",
                            "rename out/o s/over 0", "rename s/over out/o 2", "link s/n out/l", "chmod s/n 600",
                            "unlink s/n", "rmdir s/n",
                        ].map { "\(user) \($0)" }
                        lines += ["\(root) tree ."] + remove("s/n") + remove("s/m") + remove("out/n") + remove("s/over")
                        lines += remove("out/o") + remove("out/l") + remove("s") + remove("out")
                    }
                }
            }
        }
        return lines
    }
}

extension Substring {
    /// `uid:gid` as two words.
    var replacingColon: String { String(map { $0 == ":" ? " " : $0 }) }
}

extension String {
    /// See above.
    var replacingColon: String { self[...].replacingColon }
}
