// FileCalls: makes the system calls of a script in a directory, each as the user that its line names, and prints what
// each returned. Run on two filesystems, one script must print the same.
//
//   file-calls DIRECTORY < script
//   file-calls --random SEED COUNT > script
//   file-calls --topic TOPIC > script
//
// A line is `USER CALL WORD…`. USER is `uid:gid[,group…]`; every user is one process, which keeps its open files and its
// umask. In a word `{TEXT*COUNT}` repeats TEXT. The calls are in Calls.swift; two concern the script itself: `mark`
// remembers the present moment, and `times PATH` says which of a file's three times are later.
import Glibc

@main
enum FileCalls {
    static func main() {
        let words = CommandLine.arguments
        if words.count == 4, words[1] == "--random", let seed = UInt64(words[2]), let count = Int(words[3]) {
            var script = RandomScript(seed: seed)
            return print(script.lines(count: count).joined(separator: "\n"))
        }
        if words.count == 3, words[1] == "--topic", let lines = topics[words[2]]?() {
            return print(lines.joined(separator: "\n"))
        }
        guard words.count == 2, unsafe chdir(words[1]) == 0 else {
            fatalError("usage: file-calls DIRECTORY < script")
        }
        run()
    }

    private static let topics: [String: @Sendable () -> [String]] = [
        "matrix": NameScripts.matrix, "impossible": NameScripts.impossible, "renames": NameScripts.renames,
        "sticky": NameScripts.sticky, "privileges": AttributeScripts.privileges,
        "inheritance": AttributeScripts.inheritance, "times": AttributeScripts.times,
        "contents": AttributeScripts.contents, "extended": AttributeScripts.extended,
        "modes": RuleScripts.modes, "owners": RuleScripts.owners, "stamps": RuleScripts.stamps,
        "failures": RuleScripts.failures, "limits": RuleScripts.limits, "nodes": RuleScripts.nodes,
        "readonly": RuleScripts.readOnly, "paths": ErrorScripts.paths,
        "refusals": ErrorScripts.refusals, "frozen": ErrorScripts.readOnly, "opens": ErrorScripts.opens,
        "directories": AccessScripts.directories, "files": AccessScripts.files, "figures": AccessScripts.figures,
        "owned": SweepScripts.sticky, "moves": SweepScripts.moves, "deep": SweepScripts.deep,
        "mounted": SweepScripts.mounted,
    ]

    private static func run() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        umask(0)
        var actors: [String: Actor] = [:]
        var mark = timespec()
        // The processes must inherit nothing that is still to be printed.
        var results: [String] = []
        while let line = readLine() {
            let words = line.split(separator: " ").map(String.init)
            guard words.count >= 2 else {
                results.append("")
                continue
            }
            if words[1] == "mark" {
                mark = makeMark()
                results.append("0")
                continue
            }
            let actor = actors[words[0]] ?? Actor(user: words[0])
            actors[words[0]] = actor
            let suffix = ["times", "moved"].contains(words[1]) ? " \(mark.tv_sec) \(mark.tv_nsec)" : ""
            results.append(actor.call(words.dropFirst().joined(separator: " ") + suffix))
        }
        for actor in actors.values { actor.end() }
        for actor in actors.values { actor.wait() }
        print(results.joined(separator: "\n"))
    }

    /// A moment that no earlier change reaches and every later one passes. Filesystems stamp with a clock that moves with the
    /// kernel's ticks, which may come late on a busy machine: the mark is made when that clock has passed it.
    private static func makeMark() -> timespec {
        func time(_ clock: clockid_t) -> timespec {
            var time = timespec()
            unsafe clock_gettime(clock, &time)
            return time
        }
        usleep(1000)
        let now = time(CLOCK_REALTIME)
        while case let tick = time(CLOCK_REALTIME_COARSE), (tick.tv_sec, tick.tv_nsec) <= (now.tv_sec, now.tv_nsec) {
            usleep(1000)
        }
        return now
    }
}
