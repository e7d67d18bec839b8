// SweepScripts: rules that depend on several things at once, over all that each can be: whose a sticky directory and what is
// in it are, which times each call moves on each type, paths of the greatest length, names that something is mounted on.

enum SweepScripts {
    private static let root = NameScripts.root
    private static let user = "65534:65534,65532"
    private static let stranger = "65533:65533"
    private static let owners = ["65534 65534", "65533 65533", "65535 65535"]

    /// Who may remove, rename away, rename over and exchange, by the owners of two sticky directories and of a node in each.
    static func sticky() -> [String] {
        var lines = ["\(root) chmod . 777"]
        for type in ["file", "directory", "symlink", "fifo"] {
            for (from, to) in pairs(owners) {
                for (moved, replaced) in pairs(owners) {
                    lines += ["\(root) mkdir s 755", "\(root) mkdir t 755"]
                    lines += NameScripts.make(type, "s/n") + NameScripts.make(type, "t/n")
                    lines += ["\(root) lchown s/n \(moved)", "\(root) lchown t/n \(replaced)"]
                    lines += ["\(root) chown s \(from)", "\(root) chown t \(to)"]
                    lines += ["\(root) chmod s 1777", "\(root) chmod t 1777"]
                    lines += [
                        "rename s/n t/n 1", "rename s/n t/n 2", "rename s/n t/n 0", "rename t/n s/n 0",
                        "rename s/n s/m 0", "rename s/m s/n 0", "link s/n t/l", "unlink t/l", "unlink s/n",
                        "rmdir s/n", "unlink t/n", "rmdir t/n",
                    ].map { "\(user) \($0)" }
                    lines.append("\(root) tree .")
                    lines += ["s/n", "s/m", "t/n", "t/l", "s", "t"].flatMap(NameScripts.remove)
                }
            }
        }
        return lines
    }

    private static func pairs(_ all: [String]) -> [(String, String)] {
        all.flatMap { first in all.map { (first, $0) } }
    }

    /// Which times of a node of each type, and of two directories, each call moves, and which it leaves: by root, by the
    /// owner, and by somebody to whom most calls are refused.
    static func moves() -> [String] {
        var lines = ["\(root) chmod . 777"]
        for call in ["open x b w,creat 644", "mkdir b 755", "symlink t b", "mknod b 010644", "bind x b"] {
            lines += ["\(root) \(call)", "\(root) newborn b", "\(root) close x"] + NameScripts.remove("b")
        }
        for type in NameScripts.types {
            for caller in [root, user, stranger] {
                lines += ["\(root) mkdir d 755", "\(root) mkdir e 755"]
                lines += NameScripts.make(type, "d/n") + NameScripts.make("file", "e/over") + ["\(root) mark"]
                lines += ["d/n", "d", "e", "e/over"].map { "\(root) lchown \($0) 65534 65534" }
                for call in moving {
                    lines += ["\(root) mark", "\(caller) \(call)"]
                    lines += ["d", "e", "d/n", "e/n", "e/over"].map { "\(root) moved \($0)" }
                }
                lines += ["\(root) tree .", "\(caller) close x"]
                lines += ["d/n/f", "d/n/sub", "d/n", "d/m", "e/n", "e/over", "d", "e"].flatMap(NameScripts.remove)
            }
        }
        return lines
    }

    private static let moving = [
        "chmod d/n 750", "lchown d/n -1 -1", "lchown d/n 65534 -1", "lchown d/n -1 65532", "lchown d/n 65533 -1",
        "link d/n e/n", "unlink e/n", "rename d/n d/m 0", "rename d/m d/n 0", "rename d/n e/n 0", "rename e/n d/n 0",
        "rename d/n d/n 0", "rename d/n e/over 2", "rename d/n e/over 2", "truncate d/n 7", "truncate d/n 7",
        "truncate d/n 0", "open x d/n w,trunc", "open x d/n r", "fstat x", "setxattr d/n user.x v 0",
        "removexattr d/n user.x", "removexattr d/n user.x", "access d/n 7", "ls d/n", "ls d", "readlink d/n",
        "mkdir d/n/sub 755", "rmdir d/n/sub", "open x d/n/f w,creat 644", "unlink d/n/f", "mkdir d/n 755",
        "symlink t d/n", "link e/over d/n", "unlink d/missing", "rmdir d", "chmod d 755", "lchown d -1 65532",
        "utimens d/n 0 omit 0 omit nofollow", "utimens d/n 0 omit 0 now nofollow", "utimens d/n 0 now 0 omit nofollow",
        "utimens d/n 5 6 7 8 nofollow",
    ]

    /// Calls on a path of 4,095 bytes through real directories, and on one of a byte more; what `..` is behind a rename.
    static func deep() -> [String] {
        let way = String(repeating: "{n*255}/", count: 15)
        var lines = (1...15).map { "\(root) mkdir \(String(repeating: "{n*255}/", count: $0)) 777" }
        lines.append("\(root) mkdir \(way){m*100} 777")
        for length in [153, 154, 155] {
            for user in [root, stranger] {
                lines += NameScripts.calls(on: "\(way){m*100}/{x*\(length)}").map { "\(user) \($0)" }
                for call in ["link", "rename", "symlink"] {
                    lines += NameScripts.make("file", "near") + ["\(user) \(call) near \(way){m*100}/{x*\(length)}"]
                    lines += ["near", "\(way){m*100}/{x*\(length)}", "linked", "followed", "renamed"]
                        .flatMap(NameScripts.remove)
                }
            }
        }
        lines += ["\(root) symlink \(way){m*100} s", "\(root) open x s/{f*255} w,creat 644", "\(root) stat s/{f*255}"]
        lines += ["\(root) open x s/{f*256} w,creat 644", "\(root) unlink s/{f*255}"]
        lines += ["\(root) mkdir a 755", "\(root) mkdir a/b 755", "\(root) mkdir a/b/c 755", "\(root) mkdir z 755"]
        lines += ["chdir a/b/c", "rename ../../../a/b ../../../z/b 0", "ls ../..", "stat ..", "stat ../.."]
            .map { "\(root) \($0)" }
        return lines + ["\(root) home", "\(root) lstat a", "\(root) lstat z", "\(root) ls z/b/.."]
    }

    /// What cannot be done to names that something is mounted on, nor across the border of a filesystem.
    static func mounted() -> [String] {
        var lines = ["\(root) chmod . 777", "\(root) mkdir d 777", "\(root) mkdir e 777", "\(root) mkdir e/in 777"]
        lines += NameScripts.make("file", "f") + NameScripts.make("file", "g")
        lines += ["\(root) cover d", "\(root) cover f", "\(root) cover e/in"] + NameScripts.make("file", "d/inner")
        for user in [root, stranger] {
            lines += [
                "rmdir d", "unlink f", "rename d x 0", "rename f x 0", "rename g f 0", "rename e d 0", "rename g f 2",
                "rename e d 2", "rename e x 0", "rename x e 0", "rmdir e", "rmdir e/in", "link g d/g",
                "link d/inner g2",
                "rename g d/g 0", "rename d/inner g 0", "link f f2", "rename d e/d 0", "rmdir d/..", "rename d/.. x 0",
            ].map { "\(user) \($0)" }
        }
        lines += ["uncover d", "uncover f", "uncover e/in", "rmdir d", "unlink f", "rename e x 0", "tree ."]
            .map { "\(root) \($0)" }
        return lines
    }
}
