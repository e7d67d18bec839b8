// ControlDirectory+Attributes: an item's flags and exptime as extended attributes, named as those of files are.
import Glibc
import MemStore

extension ControlDirectory {
    /// The text of one of the two, if the item has it: flags in decimal, the exptime as a unix time.
    private func text(_ name: Bytes, of ino: Ino) -> [UInt8]? {
        guard let key = table.key(of: ino), let status = key.withBytes({ session.itemStatus($0) }) else { return nil }
        if name.equals(StoreSession.flagsAttribute.bytes), status.flags != 0 { return Array("\(status.flags)".utf8) }
        if name.equals(StoreSession.exptimeAttribute.bytes), status.exptime != .never {
            return Array("\(session.unixOfEpoch + Int64(status.exptime.second))".utf8)
        }
        return nil
    }

    /// getxattr(2): an empty buffer asks for the length.
    @unsafe func getExtendedAttribute(
        _ name: Bytes, of ino: Ino, into buffer: UnsafeMutableRawBufferPointer
    ) throws(FSError) -> Int {
        guard let text = text(name, of: ino) else { throw FSError(ENODATA) }
        return unsafe try text.hand(to: buffer)
    }

    /// listxattr(2): an empty buffer asks for the length.
    @unsafe func listExtendedAttributes(
        of ino: Ino, into buffer: UnsafeMutableRawBufferPointer
    ) throws(FSError) -> Int {
        var names: [UInt8] = []
        for name in [StoreSession.flagsAttribute, StoreSession.exptimeAttribute] where text(name.bytes, of: ino) != nil
        {
            names += name.bytes.array + [0]
        }
        return unsafe try names.hand(to: buffer)
    }

    /// setxattr(2) of one of the two: flags, or an exptime by memcached's rules.
    /// - Throws: EINVAL for what is no number, EOPNOTSUPP for other attributes.
    func setExtendedAttribute(_ name: Bytes, of ino: Ino, to value: Bytes) throws(FSError) {
        guard let key = table.key(of: ino),
            name.equals(StoreSession.flagsAttribute.bytes) || name.equals(StoreSession.exptimeAttribute.bytes)
        else { throw FSError(EOPNOTSUPP) }
        guard let number = Int64(String(decoding: value.array, as: UTF8.self)) else { throw FSError(EINVAL) }
        if name.equals(StoreSession.exptimeAttribute.bytes) {
            var options = GetOptions()
            options.countsAccess = false
            options.touch = Exptime.of(number: number, now: session.nowSecond, unixOfEpoch: session.unixOfEpoch)
            let view = key.withBytes { session.beginGet($0, hash: session.hash($0), options: options) }
            session.endGet(view)
            guard view.isHit else { throw FSError(view.refusal == .noMemory ? ENOSPC : ESTALE) }
            return
        }
        guard let flags = UInt32(exactly: number) else { throw FSError(EINVAL) }
        try setFlags(of: key, to: flags)
    }
}
