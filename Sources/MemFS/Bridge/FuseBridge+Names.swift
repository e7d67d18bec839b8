// FuseBridge+Names: callbacks about names and directories.
import CFuse3
import Glibc
import MemStore

extension FuseBridge {
    @unsafe static func addNames(to operations: inout fuse_lowlevel_ops) {
        unsafe operations.lookup = { request, parent, name in
            unsafe serve(request) { (worker, _) throws(FSError) in
                try worker.fileSystem.lookup(unsafe Bytes(cString: name), in: Ino(parent))
            } reply: { request, result in
                switch result {
                case .missing(let timeoutSeconds):
                    _ = request.reply(fuse_entry_param(missingFor: timeoutSeconds))
                case .found(let entry):
                    if !request.reply(fuse_entry_param(entry)) {
                        FuseWorker.current.fileSystem.forget(entry.attributes.ino, count: 1)
                    }
                }
            }
        }
        unsafe operations.forget = { request, ino, count in
            FuseWorker.current.fileSystem.forget(Ino(ino), count: count)
            unsafe FuseRequest(request).end()
        }
        unsafe operations.forget_multi = { request, count, forgets in
            for index in 0..<count {
                let one = unsafe forgets.unsafelyUnwrapped[index]
                FuseWorker.current.fileSystem.forget(Ino(one.ino), count: one.nlookup)
            }
            unsafe FuseRequest(request).end()
        }
        unsafe operations.mknod = { request, parent, name, mode, device in
            unsafe serveEntry(request) { (worker, request) throws(FSError) in
                try worker.fileSystem.makeNode(
                    unsafe Bytes(cString: name), in: Ino(parent), mode: mode,
                    device: UInt32(truncatingIfNeeded: device), caller: request.caller)
            }
        }
        unsafe operations.mkdir = { request, parent, name, mode in
            unsafe serveEntry(request) { (worker, request) throws(FSError) in
                try worker.fileSystem.makeDirectory(
                    unsafe Bytes(cString: name), in: Ino(parent), mode: mode, caller: request.caller)
            }
        }
        unsafe operations.symlink = { request, target, parent, name in
            unsafe serveEntry(request) { (worker, request) throws(FSError) in
                try worker.fileSystem.makeSymlink(
                    unsafe Bytes(cString: name), in: Ino(parent), target: unsafe Bytes(cString: target),
                    caller: request.caller)
            }
        }
        unsafe operations.link = { request, ino, parent, name in
            unsafe serveEntry(request) { (worker, _) throws(FSError) in
                try worker.fileSystem.link(Ino(ino), as: unsafe Bytes(cString: name), in: Ino(parent))
            }
        }
        unsafe operations.unlink = { request, parent, name in
            unsafe serve(request) { (worker, _) throws(FSError) in
                try worker.fileSystem.unlink(unsafe Bytes(cString: name), in: Ino(parent))
            }
        }
        unsafe operations.rmdir = { request, parent, name in
            unsafe serve(request) { (worker, _) throws(FSError) in
                try worker.fileSystem.removeDirectory(unsafe Bytes(cString: name), in: Ino(parent))
            }
        }
        unsafe operations.rename = { request, parent, name, newParent, newName, flags in
            unsafe serve(request) { (worker, request) throws(FSError) in
                guard let mode = RenameMode(flags: flags) else { throw FSError(EINVAL) }
                try worker.fileSystem.rename(
                    unsafe Bytes(cString: name), in: Ino(parent), to: unsafe Bytes(cString: newName),
                    in: Ino(newParent), mode: mode, caller: request.caller)
            }
        }
        unsafe operations.readlink = { request, ino in
            unsafe serve(request) { (worker, _) throws(FSError) in
                let buffer = unsafe worker.scratch(Limits.pathLengthMax + 1)
                let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer.dropLast())
                let length = unsafe try worker.fileSystem.readSymlink(Ino(ino), into: room)
                unsafe buffer[min(length, room.count)] = 0
            } reply: { (request, _: Void) in
                let target = unsafe FuseWorker.current.scratch(1).baseAddress.unsafelyUnwrapped
                unsafe request.replyTarget(target.assumingMemoryBound(to: CChar.self))
            }
        }
    }

    @unsafe static func addDirectories(to operations: inout fuse_lowlevel_ops) {
        // ENOSYS once tells the kernel not to send OPENDIR and RELEASEDIR any more, and to cache listings.
        unsafe operations.opendir = { request, _, _ in
            unsafe serve(request) { (_, _) throws(FSError) in throw FSError(ENOSYS) }
        }
        unsafe operations.readdir = { request, ino, size, offset, _ in
            unsafe serve(request) { (worker, request) throws(FSError) in
                var listing = unsafe DirectoryListing(request.library, worker.scratch(size))
                try worker.fileSystem.readDirectory(Ino(ino), after: UInt64(offset)) { name in listing.add(name) }
                return listing.count
            } reply: { request, count in
                unsafe request.reply(UnsafeRawBufferPointer(FuseWorker.current.scratch(count)))
            }
        }
        unsafe operations.readdirplus = { request, ino, size, offset, _ in
            unsafe serve(request) { (worker, request) throws(FSError) in
                var listing = unsafe DirectoryListing(request.library, worker.scratch(size))
                try worker.fileSystem.readDirectoryWithAttributes(Ino(ino), after: UInt64(offset)) { name, entry in
                    listing.add(name, entry)
                }
                return listing.count
            } reply: { request, count in
                unsafe request.reply(UnsafeRawBufferPointer(FuseWorker.current.scratch(count)))
            }
        }
        unsafe operations.fsyncdir = { request, _, _, _ in
            unsafe serve(request) { (_, _) throws(FSError) in }
        }
        unsafe operations.statfs = { request, _ in
            unsafe serve(request) { (worker, _) throws(FSError) in
                worker.fileSystem.statistics()
            } reply: { request, statistics in
                request.reply(statvfs(statistics))
            }
        }
    }
}
