// DirectoryListing: packs entries into the reply of a readdir.
import CFuse3
import Glibc
import MemStore

/// A reply that is being filled with entries.
///
/// SAFETY: borrows a worker's scratch memory and its request until the reply is sent.
@safe struct DirectoryListing {
    private let request: fuse_req_t
    private let buffer: UnsafeMutableRawBufferPointer
    /// Bytes filled.
    private(set) var count = 0

    @unsafe init(_ request: fuse_req_t, _ buffer: UnsafeMutableRawBufferPointer) {
        unsafe self.request = request
        unsafe self.buffer = buffer
    }

    /// Adds an entry; false when there is no room for it.
    mutating func add(_ entry: DirectoryEntry) -> Bool {
        var attributes = stat()
        attributes.st_ino = UInt(entry.ino.rawValue)
        attributes.st_mode = entry.mode
        let request = unsafe self.request
        return unsafe add(entry.name) { (room, roomLength, name) in
            unsafe fuse_add_direntry(request, room, roomLength, name, &attributes, off_t(entry.cookie))
        }
    }

    /// Adds an entry with what a lookup of it would find; false when there is no room for it.
    mutating func add(_ name: DirectoryEntry, _ entry: Entry) -> Bool {
        var parameters = fuse_entry_param(entry)
        let request = unsafe self.request
        return unsafe add(name.name) { (room, roomLength, cName) in
            unsafe fuse_add_direntry_plus(request, room, roomLength, cName, &parameters, off_t(name.cookie))
        }
    }

    /// Calls `pack` with the room that is left and a NUL-terminated copy of the name.
    @unsafe private mutating func add(
        _ name: Bytes, _ pack: (UnsafeMutablePointer<CChar>?, Int, UnsafePointer<CChar>) -> Int
    ) -> Bool {
        let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
        let length = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Limits.nameLengthMax + 1) { copy in
            precondition(name.count <= Limits.nameLengthMax, "an entry's name is longer than any name may be")
            unsafe name.copy(to: UnsafeMutableRawPointer(copy.baseAddress.unsafelyUnwrapped))
            unsafe copy[name.count] = 0
            return unsafe pack(
                room.baseAddress?.assumingMemoryBound(to: CChar.self), room.count, copy.baseAddress.unsafelyUnwrapped)
        }
        guard length <= room.count else { return false }
        count += length
        return true
    }
}
