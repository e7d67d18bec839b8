// Preloader+Steps: what copying a file, a directory and a symlink have in common.
import Glibc
import MemStore

extension Preloader {
    /// Gives a new inode what `cp -a` gives it last: extended attributes, owner, mode, times.
    func complete(
        _ ino: Ino, _ attributes: stat, _ descriptor: Int32, isOpen: Bool
    ) throws(PreloadEnd) {
        for attribute in descriptor < 0 ? [] : HostDirectory.userAttributes(of: descriptor) {
            try storing { () throws(StoreError) in
                try attribute.name.withBytes { (name) throws(StoreError) in
                    try attribute.value.withBytes { (value) throws(StoreError) in
                        try session.setExtendedAttribute(
                            name, of: ino, to: value, mustExist: false, mustNotExist: false)
                    }
                }
            }
        }
        var changes = AttributeChanges()
        changes.uid = attributes.st_uid
        changes.gid = attributes.st_gid
        if FileType(rawValue: attributes.st_mode & FileType.mask) != .symlink {
            changes.mode = attributes.st_mode & 0o7777
        }
        changes.atime = .at(Timestamp(attributes.st_atim))
        changes.mtime = .at(Timestamp(attributes.st_mtim))
        try storing { () throws(StoreError) in _ = try session.setAttributes(of: ino, changes, isOpen: isOpen) }
    }

    /// Makes an inode; nil when the name is taken.
    func make(_ body: () throws(StoreError) -> Attributes) throws(PreloadEnd) -> Attributes? {
        do throws(StoreError) { return try body() } catch {
            if error == .noSpace { throw .memoryFull }
            return nil
        }
    }

    /// Changes an inode. One that was removed meanwhile is nobody's concern.
    func storing(_ body: () throws(StoreError) -> Void) throws(PreloadEnd) {
        do throws(StoreError) { try body() } catch {
            if error == .noSpace { throw .memoryFull }
        }
    }

    func look(_ name: HostName, in parent: Ino) -> Attributes? {
        name.bytes.withBytes { try? session.lookup($0, in: parent) }
    }

    func caller(_ attributes: stat) -> Caller { Caller(uid: attributes.st_uid, gid: attributes.st_gid) }

    func keep(_ attributes: stat) {
        progress.kept += 1
        progress.bytesExpected -= Int(attributes.st_size)
    }

    func leaveOut(_ path: String, _ reason: String = FilePaths.errorText(errno)) {
        progress.leftOut += 1
        warn("preload: \(path) is left out: \(reason)")
    }

    func checkIn() throws(PreloadEnd) {
        session.refreshClock()
        guard goOn(progress) else { throw .stopped }
        while !session.canAnnounce {
            usleep(1000)
            guard goOn(progress) else { throw .stopped }
        }
    }
}

extension Timestamp {
    init(_ time: timespec) { self.init(seconds: Int64(time.tv_sec), nanoseconds: UInt32(time.tv_nsec)) }
}
