// Settings+Store: the options that shape the store: memory, item sizes, prefixes.
import MemStore

extension Settings {
    static func storeConfiguration(_ options: Options, machine: Machine) throws(StartFailure) -> StoreConfiguration {
        var result = StoreConfiguration()
        result.memoryLimitBytes = try memoryLimit(options, machine)
        result.itemSizeMaxBytes = try itemSizeMax(options.memory.maxItemSize, limit: result.memoryLimitBytes)
        result.evictsItems = !options.memory.disableEvictions
        result.evictsFiles = options.files.evictFiles
        result.hasCas = !options.memory.disableCas
        result.prefixes =
            options.files.prefix.isEmpty
            ? defaultPrefixes(hostName: machine.hostName) : try mapped(options.files.prefix, keyPrefix)
        for (index, prefix) in result.prefixes.enumerated()
        where result.prefixes[..<index].contains(where: { $0.prefix == prefix.prefix }) {
            throw StartFailure("--prefix \(options.files.prefix[index]): this prefix is given twice", .usage)
        }
        if !options.files.index.isEmpty {
            result.indexNames = try mapped(options.files.index.filter { !$0.isEmpty }, indexName)
        }
        result.filesReadOnly = options.files.filesReadOnly
        if let text = options.files.filesMaxBytes {
            guard let bytes = byteCount(text), bytes > 0 else {
                throw StartFailure("--files-max-bytes \(text): expected a number with suffix k, m or g", .wrongValue)
            }
            result.filesMaxBytes = bytes
        }
        guard (0...86_400).contains(options.files.publishInterval) else {
            throw StartFailure(
                "--publish-interval \(options.files.publishInterval): expected seconds from 0 to 86400", .wrongValue)
        }
        result.publishIntervalSeconds = options.files.publishInterval
        return result
    }

    private static func memoryLimit(_ options: Options, _ machine: Machine) throws(StartFailure) -> Int {
        guard let mebibytes = options.memory.memoryLimit else {
            return options.mountpoint.isEmpty ? 64 << 20 : max(machine.memoryBytes / 2, Limits.memoryLimitMin)
        }
        return try inRange(mebibytes, 1...(1 << 26), "-m") << 20
    }

    /// Source: memcached 1.6.45's rules and messages for -I.
    private static func itemSizeMax(_ text: String?, limit: Int) throws(StartFailure) -> Int {
        guard let text else { return min(1 << 20, limit / 2) }
        guard let bytes = byteCount(text) else {
            throw StartFailure("-I \(text): expected a number with suffix k or m", .usage)
        }
        if bytes < 1024 { throw StartFailure("Item max size cannot be less than 1024 bytes.", .usage) }
        if bytes > limit / 2 {
            throw StartFailure("Cannot set item size limit higher than 1/2 of memory max.", .usage)
        }
        if bytes > 1 << 30 {
            throw StartFailure("Cannot set item size limit higher than a gigabyte.", .usage)
        }
        return bytes
    }

    /// Bytes of a number with an optional suffix k, m or g in either case; nil when it is none.
    static func byteCount(_ text: String) -> Int? {
        let shifts: [Character: Int] = ["k": 10, "m": 20, "g": 30]
        let shift = text.last.flatMap { shifts[Character($0.lowercased())] }
        guard let number = Int(shift == nil ? text[...] : text.dropLast()), number >= 0 else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << (shift ?? 0))
        return overflow ? nil : bytes
    }

    /// The host's name, and in lower case too: nginx's `$hostname` is in lower case.
    static func defaultPrefixes(hostName: String) -> [KeyPrefix] {
        let names = hostName == hostName.lowercased() ? [hostName] : [hostName, hostName.lowercased()]
        return names.map { KeyPrefix(prefix: Array("memfis://\($0)".utf8), directory: Array("/".utf8)) }
    }

    /// Reads `PREFIX[=DIR]`. The last `=/` divides, since a prefix may hold `=`.
    static func keyPrefix(_ text: String) throws(StartFailure) -> KeyPrefix {
        let bytes = Array(text.utf8)
        var prefix = bytes
        var directory = Array("/".utf8)
        if bytes.count > 1, let cut = (0..<bytes.count - 1).last(where: { bytes[$0] == 0x3d && bytes[$0 + 1] == 0x2f })
        {
            prefix = Array(bytes[..<cut])
            directory = Array(bytes[(cut + 1)...])
        } else if let cut = bytes.lastIndex(of: 0x3d), cut + 1 < bytes.count {
            throw StartFailure(
                "--prefix \(text): the directory must be an absolute path; a prefix that holds = is written \(text)=/",
                .usage)
        }
        guard prefix.count <= Limits.cacheKeyLengthMax, prefix.allSatisfy({ $0 > 0x20 }) else {
            throw StartFailure(
                "--prefix \(text): a prefix has at most \(Limits.cacheKeyLengthMax) bytes and no blanks", .usage)
        }
        if prefix.last == 0x2f {
            let plain = String(decoding: prefix.dropLast(), as: UTF8.self)
            throw StartFailure(
                "--prefix \(text): a prefix ends before the slash that begins the path: write \(plain)", .usage)
        }
        while directory.count > 1, directory.last == 0x2f { directory.removeLast() }
        let components = directory.dropFirst().split(separator: 0x2f, omittingEmptySubsequences: false)
        let isPlain = components.allSatisfy { name in
            !name.isEmpty && name.count <= Limits.nameLengthMax && !name.elementsEqual(".".utf8)
                && !name.elementsEqual("..".utf8)
        }
        guard directory.count == 1 || isPlain, directory.count <= Limits.pathLengthMax else {
            throw StartFailure("--prefix \(text): the directory must be an absolute path without . and ..", .usage)
        }
        return KeyPrefix(prefix: prefix, directory: directory)
    }

    private static func indexName(_ text: String) throws(StartFailure) -> [UInt8] {
        let name = Array(text.utf8)
        guard name.count <= Limits.nameLengthMax, !name.contains(0x2f), text != ".", text != ".." else {
            throw StartFailure("--index \(text): expected the name of a file, without a slash", .usage)
        }
        return name
    }

    /// The texts read one by one; the first failure ends it.
    static func mapped<Element>(
        _ texts: [String], _ read: (String) throws(StartFailure) -> Element
    ) throws(StartFailure) -> [Element] {
        var result: [Element] = []
        for text in texts { result.append(try read(text)) }
        return result
    }
}
