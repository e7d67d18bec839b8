// RandomScript: a script of calls that follows from a seed. Few names and users, so that most calls meet something.

struct RandomScript {
    private var state: UInt64
    private static let users = ["0:0", "1001:1001,2001", "1002:1002,2001,2002"]
    private static let names = ["a", "b", "c", "d"]
    /// Sizes and offsets around the borders of pages and of the kernel's requests, and far beyond.
    private static let offsets = [0, 1, 5, 511, 4095, 4096, 4097, 9000, 65_536, 131_071, 300_000, 600_000]
    private static let lengths = [1, 2, 100, 4096, 5000, 70_000]

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    /// `count` lines and some more that show what came of them.
    mutating func lines(count: Int) -> [String] {
        var lines = ["0:0 chmod . 1777", "0:0 mark"]
        for number in 1...max(1, count) {
            lines.append("\(pick(Self.users)) \(call())")
            // A mode of the top directory that shuts everybody out would make the rest dull.
            if number % 50 == 0 { lines += ["0:0 chown . 0 0", "0:0 chmod . 1777"] }
            if number % 250 == 0 { lines.append("0:0 mark") }
            if number % 1000 == 0 { lines.append("0:0 tree .") }
        }
        return lines + ["0:0 tree ."]
    }

    private mutating func random(_ bound: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state >> 33) % bound
    }

    private mutating func pick<Element>(_ all: [Element]) -> Element { all[random(all.count)] }

    private mutating func path() -> String {
        var path = pick(Self.names)
        while random(5) < 2, path.count < 9 { path += "/" + pick(Self.names) }
        return switch random(40) {
        case 0: path + "/"
        case 1: path + "/."
        case 2: path + "/.."
        case 3: "."
        case 4: path + "/{n*255}"
        case 5: path + "/{n*256}"
        default: path
        }
    }

    private mutating func mode() -> String {
        pick(["777", "777", "777", "755", "775", "666", "640", "000", "1777", "2775", "3777", "6777", "2644", "111"])
    }

    private mutating func id() -> String { pick(["-1", "0", "1001", "1002", "2001", "2002", "3000"]) }
    private mutating func slot() -> String { pick(["x", "y"]) }
    private mutating func offset() -> Int { pick(Self.offsets) }
    private mutating func text() -> String { "{\(pick(["p", "q", "r"]))*\(pick(Self.lengths))}" }

    private mutating func call() -> String {
        switch random(100) {
        case 0..<12: return open()
        case 12..<13: return "close \(slot())"
        case 13..<19: return "mkdir \(path()) \(mode())"
        case 19..<23: return "rmdir \(path())"
        case 23..<28: return "unlink \(path())"
        case 28..<32: return "symlink \(random(3) == 0 ? "/nowhere/nothing" : path()) \(path())"
        case 32..<35: return "link \(path()) \(path())"
        case 35..<36: return "linkfollow \(path()) \(path())"
        case 36..<44: return "rename \(path()) \(path()) \(pick([0, 0, 0, 1, 2, 3]))"
        case 44..<46: return "mknod \(path()) \(pick(["010644", "100600", "140755", "020666", "060600", "040700"])) 1 3"
        case 46..<50: return "chmod \(path()) \(mode())"
        case 50..<53: return "chown \(path()) \(id()) \(pick(["0", "1001", "1002", "2001", "2002", "3000"]))"
        case 53..<54: return "lchown \(path()) \(pick(["0", "1001", "1002"])) \(id())"
        case 54..<57: return "truncate \(path()) \(offset())"
        case 57..<60: return utimens()
        case 60..<62: return "access \(path()) \(random(8))"
        case 62..<66: return "lstat \(path())"
        case 66..<68: return "stat \(path())"
        case 68..<71: return "times \(path())"
        case 71..<73: return "ls \(path())"
        case 73..<74: return "readlink \(path())"
        case 74..<75: return "umask \(pick(["000", "022", "077", "027"]))"
        case 75..<79: return attribute()
        default: return onFile()
        }
    }

    private mutating func open() -> String {
        var flags = pick(["r", "w", "rw", "rw", "w"])
        if random(2) == 0 { flags += ",creat" }
        if random(6) == 0 { flags += ",excl" }
        if random(5) == 0 { flags += ",trunc" }
        if random(6) == 0 { flags += ",append" }
        if random(25) == 0 { flags += ",directory" }
        if random(12) == 0 { flags += ",nofollow" }
        return "open \(slot()) \(path()) \(flags) \(mode())"
    }

    private mutating func utimens() -> String {
        let times = ["now", "omit", "0", "123456789", "999999999", "1000000000"]
        let seconds = ["0", "1", "2000000000", "5000000000", "-3"]
        let follow = random(3) == 0 ? "nofollow" : "follow"
        return "utimens \(path()) \(pick(seconds)) \(pick(times)) \(pick(seconds)) \(pick(times)) \(follow)"
    }

    private mutating func attribute() -> String {
        let name = pick(["user.a", "user.b", "trusted.a", "security.a", "system.a", "other.a", "user.", "user.{n*251}"])
        return switch random(7) {
        case 0...2: "setxattr \(path()) \(name) {v*\(pick([1, 10, 300]))} \(random(3))"
        case 3: "getxattr \(path()) \(name) \(pick([0, 5, 1000]))"
        case 4...5: "listxattr \(path())"
        default: "removexattr \(path()) \(name)"
        }
    }

    private mutating func onFile() -> String {
        let file = slot()
        return switch random(25) {
        case 0...4: "write \(file) \(text())"
        case 5...7: "pwrite \(file) \(text()) \(offset())"
        case 8...9: "read \(file) \(pick(Self.lengths))"
        case 10...11: "pread \(file) \(pick(Self.lengths)) \(offset())"
        case 12...13: "ftruncate \(file) \(offset())"
        case 14...15: "fallocate \(file) \(pick([0, 1, 3, 2])) \(offset()) \(random(9) == 0 ? 0 : pick(Self.lengths))"
        case 16: "fchmod \(file) \(mode())"
        case 17: "fchown \(file) \(id()) \(id())"
        case 18: "fstat \(file)"
        case 19: "fsync \(file)"
        case 20: "copy \(file) \(offset()) \(slot()) \(offset()) \(pick(Self.lengths))"
        case 21: "seek \(file) \(offset()) \(pick([0, 1]))"
        case 22: "mapwrite \(file) {m*\(pick([1, 100]))} \(pick([0, 5, 3900]))"
        case 23: "appending \(file) \(pick(["on", "off"]))"
        default: "flock \(file) \(pick(["shared", "exclusive"]))"
        }
    }
}
