// Privileges: becoming the serving user, for good.
import CShims
import Glibc

enum Privileges {
    /// Gives up root for `identity`. Afterwards the process cannot become root again.
    ///
    /// The process stays undumpable, which the kernel makes it here: other processes
    /// of the same user can then neither trace it nor read its memory.
    /// - Throws: StartFailure, status 71, when the system refuses.
    static func drop(to identity: ServingIdentity) throws(StartFailure) {
        guard identity.needsSwitch else { return }
        let user = identity.user
        let groups = user.groups.isEmpty ? [user.gid] : user.groups
        guard unsafe cs_setgroups(groups.count, groups) == 0, setgid(user.gid) == 0, setuid(user.uid) == 0 else {
            throw StartFailure("cannot become user \(identity.name): \(FilePaths.errorText(errno))", .systemRefused)
        }
        precondition(setuid(0) != 0, "root was given up and came back")
    }
}

enum ResourceLimits {
    /// Lets the process open `count` descriptors, of which `least` are for connections. Returns how many it may open.
    /// - Throws: StartFailure, status 71, when the hard limit is below `least` and cannot be raised.
    static func raiseOpenFiles(to count: Int, least: Int) throws(StartFailure) -> Int {
        let resource = __rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue))
        var limit = rlimit()
        guard unsafe getrlimit(resource, &limit) == 0, limit.rlim_cur < count else { return count }
        let hardLimit = limit.rlim_max
        limit.rlim_cur = rlim_t(count)
        limit.rlim_max = max(hardLimit, limit.rlim_cur)
        if unsafe setrlimit(resource, &limit) == 0 { return count }
        // As many as the system allows, as long as -c is among them: the last ones are refused when they come.
        limit = rlimit(rlim_cur: hardLimit, rlim_max: hardLimit)
        guard hardLimit >= least, unsafe setrlimit(resource, &limit) == 0 else {
            let remedy = geteuid() == 0 ? "raise the hard limit or fs.nr_open" : "start as root, raise the hard limit"
            throw StartFailure(
                "cannot have \(least) open files for -c: \(FilePaths.errorText(errno)); "
                    + "\(remedy) or ask for fewer connections", .systemRefused)
        }
        return Int(hardLimit)
    }

    /// Locks what is in memory and what comes to be. The arena is far larger than the limit, so its pages are locked when they
    /// are first used, not before.
    ///
    /// Without root's rights the limit on locked memory counts again, for the stacks of threads too: where it cannot be raised,
    /// only what is mapped now is locked, the arena with it. Returns false with errno set when the system refuses.
    /// Source: mlockall(2).
    static func lockMemory() -> Bool {
        var limit = rlimit(rlim_cur: rlim_t.max, rlim_max: rlim_t.max)
        let isUnlimited = unsafe setrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit) == 0
        return mlockall(MCL_CURRENT | MCL_ONFAULT | (isUnlimited ? MCL_FUTURE : 0)) == 0
    }

    /// Lets core dumps be as large as the hard limit allows.
    static func allowCoreDumps() {
        let resource = __rlimit_resource_t(UInt32(RLIMIT_CORE.rawValue))
        var limit = rlimit()
        guard unsafe getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        unsafe setrlimit(resource, &limit)
    }
}
