// ExtendedAttributes: xattr(7). An inode's attributes lie one after another in
// one content; two of a file's are virtual: memcached's flags and exptime.
import Glibc

// The form of each: 16 bits length of the name, 32 bits length of the value, in the machine's order, name, value.
/// One attribute in the bytes of all.
private struct ExtendedRecord {
    static let headerLength = 6
    /// Where the record begins and how long it is.
    var start: Int
    var length: Int
    var name: Bytes
    var value: Bytes

    /// The record at `start` of `all`.
    init?(in all: Bytes, at start: Int) {
        guard start + Self.headerLength <= all.count, let base = unsafe all.pointer else { return nil }
        let nameLength = Int(unsafe base.loadUnaligned(fromByteOffset: start, as: UInt16.self))
        let valueLength = Int(unsafe base.loadUnaligned(fromByteOffset: start + 2, as: UInt32.self))
        let nameStart = start + Self.headerLength
        self.start = start
        length = Self.headerLength + nameLength + valueLength
        name = all[nameStart..<nameStart + nameLength]
        value = all[nameStart + nameLength..<start + length]
    }

    /// The record of `name`.
    static func find(_ name: Bytes, in all: Bytes) -> ExtendedRecord? {
        var position = 0
        while let record = ExtendedRecord(in: all, at: position) {
            if record.name.equals(name) { return record }
            position += record.length
        }
        return nil
    }

    /// Appends a record to `all`.
    static func append(_ name: Bytes, _ value: Bytes, to all: inout [UInt8]) {
        unsafe withUnsafeBytes(of: UInt16(name.count)) { unsafe all.append(contentsOf: $0) }
        unsafe withUnsafeBytes(of: UInt32(value.count)) { unsafe all.append(contentsOf: $0) }
        unsafe all.append(contentsOf: name.buffer)
        unsafe all.append(contentsOf: value.buffer)
    }
}

extension StoreSession {
    /// The virtual attributes of regular files.
    public static let flagsAttribute: StaticString = "user.memcached.flags"
    public static let exptimeAttribute: StaticString = "user.memcached.exptime"

    /// Copies the value of an attribute into `buffer` and returns its whole length; an empty buffer asks for the
    /// length.
    /// - Throws: noAttribute, rangeTooSmall, stale.
    @unsafe public func getExtendedAttribute(_ name: Bytes, of ino: Ino, into buffer: UnsafeMutableRawBufferPointer)
        throws(StoreError) -> Int
    {
        let (inode, shard) = try lockInode(ino)
        defer { shard.unlock() }
        if let text = virtualAttribute(name, of: inode) {
            return try text.withBytes { (value) throws(StoreError) in try unsafe hand(value, to: buffer) }
        }
        // Asked before each first write of a file: nothing is read where there is nothing.
        guard inode.fields.extendedSize > 0 else { throw .noAttribute }
        return try allExtended(of: inode, shard).withBytes { (all) throws(StoreError) in
            guard let record = ExtendedRecord.find(name, in: all) else { throw .noAttribute }
            return try unsafe hand(record.value, to: buffer)
        }
    }

    /// Copies the names, each with a NUL at its end, into `buffer` and returns their whole length.
    /// - Throws: rangeTooSmall, stale.
    @unsafe public func listExtendedAttributes(of ino: Ino, into buffer: UnsafeMutableRawBufferPointer)
        throws(StoreError) -> Int
    {
        let (inode, shard) = try lockInode(ino)
        defer { shard.unlock() }
        var names: [UInt8] = []
        // An exptime is not listed: a copy, a backup and what is restored from one would vanish at a moment that was meant
        // for this file.
        if virtualAttribute(Self.flagsAttribute.bytes, of: inode) != nil {
            unsafe names.append(contentsOf: Self.flagsAttribute.bytes.buffer)
            names.append(0)
        }
        allExtended(of: inode, shard).withBytes { all in
            var position = 0
            while let record = ExtendedRecord(in: all, at: position) {
                unsafe names.append(contentsOf: record.name.buffer)
                names.append(0)
                position += record.length
            }
        }
        return try names.withBytes { (list) throws(StoreError) in try unsafe hand(list, to: buffer) }
    }

    /// Shows each attribute with its value. The lock of the inode's shard is held.
    func forEachExtendedAttribute(of inode: InodeReference, _ shard: Shard, _ body: (Bytes, Bytes) -> Void) {
        for name in [Self.flagsAttribute, Self.exptimeAttribute] {
            virtualAttribute(name.bytes, of: inode)?.withBytes { body(name.bytes, $0) }
        }
        allExtended(of: inode, shard).withBytes { all in
            var position = 0
            while let record = ExtendedRecord(in: all, at: position) {
                body(record.name, record.value)
                position += record.length
            }
        }
    }

    /// setxattr(2). `mustExist` is XATTR_REPLACE, `mustNotExist` is XATTR_CREATE.
    /// - Throws: exists, noAttribute, rangeTooSmall (a name over 255 bytes), attributeTooLarge, noSpace, invalid, stale.
    public func setExtendedAttribute(
        _ name: Bytes, of ino: Ino, to value: Bytes, mustExist: Bool, mustNotExist: Bool
    ) throws(StoreError) {
        guard name.count > 0, name.count <= Limits.attributeNameLengthMax else { throw .rangeTooSmall }
        guard value.count <= Limits.attributeSizeMax else { throw .attributeTooLarge }
        let added = ExtendedRecord.headerLength + name.count + value.count
        try makeFileRoom(for: added)
        let (inode, shard) = try lockInode(ino, reserving: { need(forExtended: Int($0.fields.extendedSize) + added) })
        defer { shard.unlock() }
        if isVirtualAttribute(name, of: inode) {
            if mustNotExist { throw .exists }
            try setVirtualAttribute(name, of: inode, to: value)
            return
        }
        var all = allExtended(of: inode, shard)
        if let range = range(of: name, in: all) {
            if mustNotExist { throw .exists }
            all.removeSubrange(range)
        } else if mustExist {
            throw .noAttribute
        }
        guard all.count + added <= Limits.attributesSizeMax else { throw .noSpace }
        ExtendedRecord.append(name, value, to: &all)
        setAllExtended(of: inode, to: all, shard)
    }

    /// removexattr(2).
    /// - Throws: noAttribute, noSpace, stale.
    public func removeExtendedAttribute(_ name: Bytes, of ino: Ino) throws(StoreError) {
        let (inode, shard) = try lockInode(ino, reserving: { need(forExtended: Int($0.fields.extendedSize)) })
        defer { shard.unlock() }
        if virtualAttribute(name, of: inode) != nil {
            try setVirtualAttribute(name, of: inode, to: .zeroDigit)
            return
        }
        var all = allExtended(of: inode, shard)
        guard let range = range(of: name, in: all) else { throw .noAttribute }
        all.removeSubrange(range)
        setAllExtended(of: inode, to: all, shard)
    }

    // MARK: steps; the lock of the inode's shard is held

    private func need(forExtended count: Int) -> MemoryNeed {
        // A content of so many bytes, wherever they come from, and a place in the expiry heap.
        unsafe need(forMaking: .bytes(Bytes(nil, count: count))).joined(with: MemoryNeed(blocks: 1))
    }

    /// Locks an inode with as much in reserve as `need` says of it at that moment.
    private func lockInode(
        _ ino: Ino, reserving need: (InodeReference) -> MemoryNeed
    ) throws(StoreError) -> (InodeReference, Shard) {
        try withMemory { () throws(StoreError) in
            let (inode, shard) = try lockInode(ino)
            let needed = need(inode)
            if holds(needed) { return .done((inode, shard)) }
            defer { shard.unlock() }
            return .needs(needed)
        }
    }

    private func range(of name: Bytes, in all: [UInt8]) -> Range<Int>? {
        all.withBytes { ExtendedRecord.find(name, in: $0).map { $0.start..<$0.start + $0.length } }
    }

    private func allExtended(of inode: InodeReference, _ shard: Shard) -> [UInt8] {
        let content = inode.fields.extended
        guard content.size > 0 else { return [] }
        return unsafe Array(unsafeUninitializedCapacity: Int(content.size)) { buffer, count in
            count = unsafe shard.read(content, at: 0, into: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    private func setAllExtended(of inode: InodeReference, to all: [UInt8], _ shard: Shard) {
        let new = all.isEmpty ? Content.empty : all.withBytes { shard.makeContent(.bytes($0), &state.reservation) }
        shard.release(inode.fields.extended)
        inode.fields.extended = new
        inode.fields.ctime = .now()
        tree.tell(.extendedAttributes(inode))
    }

    @unsafe private func hand(_ value: Bytes, to buffer: UnsafeMutableRawBufferPointer) throws(StoreError) -> Int {
        if unsafe buffer.isEmpty { return value.count }
        guard value.count <= buffer.count, let start = buffer.baseAddress else { throw .rangeTooSmall }
        unsafe value.copy(to: start)
        return value.count
    }

    // MARK: the virtual attributes

    private func isVirtualAttribute(_ name: Bytes, of inode: InodeReference) -> Bool {
        inode.fields.isRegular && (name.equals(Self.flagsAttribute.bytes) || name.equals(Self.exptimeAttribute.bytes))
    }

    /// The text of a virtual attribute that is set: flags in decimal, the exptime as a unix time.
    private func virtualAttribute(_ name: Bytes, of inode: InodeReference) -> [UInt8]? {
        guard inode.fields.isRegular else { return nil }
        if name.equals(Self.flagsAttribute.bytes), inode.fields.flags != 0 {
            return Array(String(inode.fields.flags).utf8)
        }
        if name.equals(Self.exptimeAttribute.bytes), inode.fields.exptimeSecond != 0 {
            return Array(String(tree.unixOfEpoch + Int64(inode.fields.exptimeSecond)).utf8)
        }
        return nil
    }

    /// Sets flags, or an exptime by memcached's rules (0 never, up to 30 days from now, else a unix time).
    private func setVirtualAttribute(_ name: Bytes, of inode: InodeReference, to value: Bytes) throws(StoreError) {
        guard let number = Numeral.parse(value) else { throw .invalid }
        if name.equals(Self.flagsAttribute.bytes) {
            guard let flags = UInt32(exactly: number) else { throw .invalid }
            tree.changeAttributes(of: inode) { $0.fields.flags = flags }
            inode.fields.state.remove(.endsFlags)
        } else {
            let exptime = Exptime.of(number: Int64(clamping: number), now: nowSecond, unixOfEpoch: tree.unixOfEpoch)
            // A file is not removed by a word about it: such a time comes from an old backup.
            guard !exptime.isDue(at: nowSecond) else { throw .invalid }
            tree.setExpiry(of: inode, to: exptime, &state.reservation)
            inode.fields.state.remove(.endsExptime)
        }
        tree.changeAttributes(of: inode) { $0.fields.ctime = .now() }
    }
}
