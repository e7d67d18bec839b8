// Accounts: users and groups of the system, and whose rights the daemon serves with.
import CShims
import Glibc
import MemStore

/// Who the daemon serves as.
struct ServingIdentity: Equatable {
    var name: String
    var user: ServingUser
    /// The process was started as root and has to become that user.
    var needsSwitch: Bool

    /// - Parameter name: the value of -u.
    /// - Parameter startedAs: the effective uid of the process.
    /// - Throws: StartFailure, status 67, when the user is unknown or missing.
    static func choose(name: String?, startedAs uid: UInt32) throws(StartFailure) -> ServingIdentity {
        guard uid == 0 else {
            // memcached ignores -u for anyone but root.
            let user = ServingUser(uid: uid, gid: UInt32(getegid()), groups: Accounts.ownGroups())
            return ServingIdentity(name: Accounts.name(ofUid: uid) ?? "\(uid)", user: user, needsSwitch: false)
        }
        let wanted = name ?? "nobody"
        guard let account = Accounts.account(named: wanted) else {
            throw StartFailure("can't find the user \(wanted) to switch to", .noUser)
        }
        return ServingIdentity(name: wanted, user: account, needsSwitch: account.uid != 0)
    }
}

enum Accounts {
    /// A user by name or number, with all groups. Source: getpwnam(3), getgrouplist(3).
    static func account(named name: String) -> ServingUser? {
        var entry = unsafe getpwnam(name)
        if unsafe entry == nil, let uid = UInt32(name) { unsafe entry = getpwuid(uid) }
        guard let entry = unsafe entry else { return nil }
        let uid = unsafe entry.pointee.pw_uid
        let gid = unsafe entry.pointee.pw_gid
        var count: Int32 = 256
        var groups = [gid_t](repeating: 0, count: Int(count))
        let found = unsafe groups.withUnsafeMutableBufferPointer { buffer in
            unsafe getgrouplist(entry.pointee.pw_name, gid, buffer.baseAddress, &count)
        }
        groups = found >= 0 ? Array(groups.prefix(Int(count))) : [gid]
        return ServingUser(uid: uid, gid: gid, groups: groups.filter { $0 != gid })
    }

    static func name(ofUid uid: UInt32) -> String? {
        guard let entry = unsafe getpwuid(uid), let name = unsafe entry.pointee.pw_name else { return nil }
        return unsafe String(cString: name)
    }

    /// A group's number by name or number.
    /// - Throws: StartFailure, status 67, when it is unknown.
    static func gid(ofGroup name: String) throws(StartFailure) -> UInt32 {
        if let entry = unsafe getgrnam(name) { return unsafe entry.pointee.gr_gid }
        if let number = UInt32(name) { return number }
        throw StartFailure("can't find the group \(name) for the unix socket", .noUser)
    }

    /// The supplementary groups of this process.
    static func ownGroups() -> [UInt32] {
        let count = getgroups(0, nil)
        guard count > 0 else { return [] }
        var groups = [gid_t](repeating: 0, count: Int(count))
        let found = unsafe getgroups(count, &groups)
        return Array(groups.prefix(Int(max(found, 0))))
    }
}
