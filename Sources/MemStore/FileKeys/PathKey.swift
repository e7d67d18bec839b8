// PathKey: keys that name files, and the paths that they name. Pure.
import CShims
import Glibc

// In a key, the bytes 0x00 ... 0x20 and `%` of a path stand as `%XX`; all others stand for themselves.
// Source: what nginx 1.22's memcached_pass sends.
enum PathKey {
    /// Whether a byte stands as `%XX` in a key.
    static func isEscaped(_ byte: UInt8) -> Bool { byte <= 0x20 || byte == UInt8(ascii: "%") }

    /// The number of the longest prefix that `key` begins with, followed by a slash; nil for a cache key.
    @inline(__always) static func prefix(of key: Bytes, in rules: ServingRules) -> Int? {
        let prefixes = rules.prefixes
        for index in 0..<prefixes.count {
            let prefix = prefixes[index]
            guard key.count > prefix.count, key[prefix.count] == UInt8(ascii: "/") else { continue }
            if key[0..<prefix.count].equals(prefix) { return index }
        }
        return nil
    }

    /// Where the last component of a key begins, if that stands for itself: no escape, a name, and a key that is short
    /// enough for its path to be. Nil for all others.
    @inline(__always) static func plainNameStart(of key: Bytes) -> Int? {
        guard key.count <= Limits.pathLengthMax - Limits.nameLengthMax else { return nil }
        guard let base = unsafe key.pointer else { return nil }
        let last = Int(
            unsafe cs_find_last3(base, key.count, Int32(UInt8(ascii: "/")), Int32(UInt8(ascii: "%")), 0))
        guard last < key.count, key[last] == UInt8(ascii: "/") else { return nil }
        return isName(key[last + 1..<key.count]) ? last + 1 : nil
    }

    /// Decodes an escaped path. `%XX` is decoded only where it stands for a byte that is escaped; else it is literal.
    ///
    /// - Parameter buffer: where the path is put, at least `escaped.count` or `Limits.pathLengthMax` bytes.
    /// - Returns: the path's length; nil when it is longer than `Limits.pathLengthMax`.
    @unsafe static func unescape(_ escaped: Bytes, into buffer: UnsafeMutablePointer<UInt8>) -> Int? {
        var length = 0
        var index = 0
        while index < escaped.count {
            guard length < Limits.pathLengthMax else { return nil }
            var byte = escaped[index]
            index += 1
            if byte == UInt8(ascii: "%"), index + 1 < escaped.count, let high = digit(escaped[index]),
                let low = digit(escaped[index + 1]), isEscaped(high << 4 | low)
            {
                byte = high << 4 | low
                index += 2
            }
            unsafe buffer[length] = byte
            length += 1
        }
        return length
    }

    /// Escapes a path (or a name).
    ///
    /// - Parameter buffer: room for three times `path.count` bytes.
    /// - Returns: the length of the escaped form.
    @unsafe static func escape(_ path: Bytes, into buffer: UnsafeMutablePointer<UInt8>) -> Int {
        let digits: StaticString = "0123456789ABCDEF"
        var length = 0
        for index in 0..<path.count {
            let byte = path[index]
            if isEscaped(byte) {
                unsafe buffer[length] = UInt8(ascii: "%")
                unsafe buffer[length + 1] = digits.bytes[Int(byte >> 4)]
                unsafe buffer[length + 2] = digits.bytes[Int(byte & 15)]
                length += 3
            } else {
                unsafe buffer[length] = byte
                length += 1
            }
        }
        return length
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    /// Whether the path of a key (with its leading slash) can name a file or, with a slash at its end, a directory:
    /// no empty component, `.`, `..` or NUL, no component above 255 bytes, not above 4096 in all.
    static func isNameable(_ path: Bytes) -> Bool {
        guard path.count > 0, path.count <= Limits.pathLengthMax, path[0] == UInt8(ascii: "/"),
            firstIndex(of: 0, in: path, from: 0) == path.count
        else { return false }
        var start = 1
        while start < path.count {
            let end = firstIndex(of: UInt8(ascii: "/"), in: path, from: start)
            if !isName(path[start..<end]) { return false }
            start = end + 1
        }
        return true
    }

    /// Whether a component can be a name in a directory: 1 ... 255 bytes, neither `.` nor `..`.
    /// (Slashes and NULs are looked for by those who cut the component out.)
    @inline(__always) static func isName(_ component: Bytes) -> Bool {
        switch component.count {
        case 0: false
        case 1: component[0] != UInt8(ascii: ".")
        case 2: component[0] != UInt8(ascii: ".") || component[1] != UInt8(ascii: ".")
        default: component.count <= Limits.nameLengthMax
        }
    }

    /// The first index of `byte` from `start` on, or `bytes.count`.
    @inline(__always) static func firstIndex(of byte: UInt8, in bytes: Bytes, from start: Int) -> Int {
        guard start < bytes.count, let base = unsafe bytes.pointer else { return bytes.count }
        guard let found = unsafe memchr(base + start, Int32(byte), bytes.count - start) else { return bytes.count }
        return unsafe UnsafeRawPointer(found) - base
    }
}

extension Bytes {
    static var dot: Bytes { literal(".") }
    static var dotDot: Bytes { literal("..") }
    static var slash: Bytes { literal("/") }
    static var zeroDigit: Bytes { literal("0") }
    /// The name at the root that stands for what is no part of the tree.
    static var controlDirectory: Bytes { literal(".memfisd") }
    private static func literal(_ string: StaticString) -> Bytes { string.bytes }
}
