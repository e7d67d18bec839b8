// HostDirectory: directories and files of the host as a preload reads them: by descriptors, so that a path that changes
// meanwhile leads nowhere else.
import CShims
import Glibc

/// A name of the host's filesystem, which need not be valid UTF-8.
struct HostName {
    let bytes: [UInt8]
    /// For C, with a NUL at the end.
    var cString: [CChar] { bytes.map { CChar(bitPattern: $0) } + [0] }
    var text: String { String(decoding: bytes, as: UTF8.self) }
}

enum HostDirectory {
    /// The names in an open directory but `.` and `..`; nil with errno set when it cannot be read.
    static func names(of descriptor: Int32) -> [HostName]? {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { return nil }
        guard let directory = unsafe fdopendir(copy) else {
            close(copy)
            return nil
        }
        defer { unsafe closedir(directory) }
        unsafe rewinddir(directory)
        var result: [HostName] = []
        while let entry = unsafe readdir(directory) {
            let bytes = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { name in
                unsafe Array(name.prefix { $0 != 0 })
            }
            if bytes == [0x2e] || bytes == [0x2e, 0x2e] { continue }
            result.append(HostName(bytes: bytes))
        }
        return result
    }

    /// Opens an entry without following a symlink; -1 with errno set when that fails.
    static func open(_ name: HostName, in descriptor: Int32, directory: Bool) -> Int32 {
        let flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (directory ? O_DIRECTORY : 0)
        return unsafe openat(descriptor, name.cString, flags)
    }

    /// The attributes of an entry, of a symlink itself; nil with errno set when that fails.
    static func attributes(of name: HostName, in descriptor: Int32) -> stat? {
        var attributes = stat()
        guard unsafe fstatat(descriptor, name.cString, &attributes, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        return attributes
    }

    /// A symlink's target; nil with errno set when that fails.
    static func target(of name: HostName, in descriptor: Int32) -> [UInt8]? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe readlinkat(descriptor, name.cString, &buffer, buffer.count)
        return count < 0 ? nil : buffer.prefix(count).map { UInt8(bitPattern: $0) }
    }

    /// The attributes in the namespace `user` of an open file or directory.
    static func userAttributes(of descriptor: Int32) -> [(name: [UInt8], value: [UInt8])] {
        var names = [CChar](repeating: 0, count: 1 << 16)
        let length = unsafe cs_list_attributes(descriptor, &names, names.count)
        guard length > 0 else { return [] }
        var result: [(name: [UInt8], value: [UInt8])] = []
        for name in names.prefix(length).split(separator: 0) {
            let bytes = name.map { UInt8(bitPattern: $0) }
            var value = [UInt8](repeating: 0, count: 1 << 16)
            guard bytes.starts(with: "user.".utf8) else { continue }
            let count = unsafe cs_get_attribute(descriptor, Array(name) + [0], &value, value.count)
            if count >= 0 { result.append((bytes, Array(value.prefix(count)))) }
        }
        return result
    }
}
