// FuseBridge+Content: callbacks about open files and their bytes.
import CFuse3
import Glibc
import MemStore

extension FuseBridge {
    @unsafe static func addFiles(to operations: inout fuse_lowlevel_ops) {
        unsafe operations.open = { request, ino, file in
            unsafe serve(request) { (worker, request) throws(FSError) in
                var mode = OpenMode(flags: unsafe file.unsafelyUnwrapped.pointee.flags, opener: request.thread)
                mode.mayBeDirect = worker.device.clearsPrivileges
                if worker.device.clearsPrivileges, worker.rawRequest.openClearsPrivileges {
                    mode.clearingSetIDFor = request.asker
                }
                let opened = try worker.fileSystem.open(Ino(ino), mode)
                if opened.hasNewAttributes { worker.dropAttributes(of: Ino(ino)) }
                return opened
            } reply: { request, opened in
                unsafe fill(file, opened)
                if unsafe !request.reply(file.unsafelyUnwrapped.pointee) {
                    FuseWorker.current.fileSystem.release(Ino(ino), handle: opened.handle)
                }
            }
        }
        unsafe operations.create = { request, parent, name, mode, file in
            unsafe serve(request) { (worker, request) throws(FSError) in
                let flags = unsafe file.unsafelyUnwrapped.pointee.flags
                var openMode = OpenMode(flags: flags, opener: request.thread)
                openMode.mayBeDirect = worker.device.clearsPrivileges
                return try worker.fileSystem.create(
                    unsafe Bytes(cString: name), in: Ino(parent), mode: mode, isExclusive: flags & O_EXCL != 0,
                    caller: request.caller, openMode)
            } reply: { request, created in
                let (entry, opened) = created
                unsafe fill(file, opened)
                if unsafe !request.reply(fuse_entry_param(entry), file.unsafelyUnwrapped.pointee) {
                    let fileSystem = FuseWorker.current.fileSystem
                    fileSystem.release(entry.attributes.ino, handle: opened.handle)
                    fileSystem.forget(entry.attributes.ino, count: 1)
                }
            }
        }
        unsafe operations.flush = { request, ino, file in
            unsafe serve(request) { (worker, request) throws(FSError) in
                try worker.fileSystem.flush(Ino(ino), handle: unsafe handle(of: file), closer: request.thread)
            }
        }
        unsafe operations.release = { request, ino, file in
            unsafe serve(request) { (worker, _) throws(FSError) in
                worker.fileSystem.release(Ino(ino), handle: unsafe handle(of: file))
            }
        }
        unsafe operations.fsync = { request, ino, _, file in
            unsafe serve(request) { (worker, _) throws(FSError) in
                try worker.fileSystem.sync(Ino(ino), handle: unsafe handle(of: file))
            }
        }
    }

    @unsafe static func addContent(to operations: inout fuse_lowlevel_ops) {
        unsafe operations.read = { request, ino, size, offset, file in
            if FileSystem.lends(Ino(ino), count: size) {
                return unsafe serve(request) { (worker, _) throws(FSError) in
                    unsafe try worker.fileSystem.lend(Ino(ino), at: UInt64(offset), through: worker.scratch(size))
                } reply: { request, loan in
                    unsafe request.reply(loan.pieces)
                    FuseWorker.current.fileSystem.giveBack(loan)
                }
            }
            unsafe serve(request) { (worker, _) throws(FSError) in
                unsafe try worker.fileSystem.read(
                    Ino(ino), at: UInt64(offset), into: unsafe worker.scratch(size), handle: unsafe handle(of: file))
            } reply: { request, count in
                unsafe request.reply(UnsafeRawBufferPointer(FuseWorker.current.scratch(count)))
            }
        }
        unsafe operations.write = { request, ino, bytes, size, offset, file in
            unsafe serve(request) { (worker, request) throws(FSError) in
                let clears = worker.device.clearsPrivileges && worker.rawRequest.writeClearsPrivileges
                let hasNewMode = try worker.fileSystem.write(
                    Ino(ino), at: UInt64(offset), unsafe Bytes(bytes, count: size), handle: unsafe handle(of: file),
                    unsafe writeKind(of: file), by: request.thread, clearingSetIDFor: clears ? request.asker : nil)
                if hasNewMode { worker.dropAttributes(of: Ino(ino)) }
            } reply: { (request, _: Void) in
                request.replyWritten(size)
            }
        }
        unsafe operations.fallocate = { request, ino, flags, offset, length, file in
            unsafe serve(request) { (worker, request) throws(FSError) in
                guard let mode = AllocateMode(flags: flags) else { throw FSError(EOPNOTSUPP) }
                let hasNewMode = try worker.fileSystem.allocate(
                    Ino(ino), at: UInt64(offset), length: UInt64(length), mode: mode, handle: unsafe handle(of: file),
                    clearingSetIDFor: request.unprivilegedAsker(worker))
                if hasNewMode { worker.dropAttributes(of: Ino(ino)) }
            }
        }
        unsafe operations.lseek = { request, ino, offset, whence, _ in
            unsafe serve(request) { (worker, _) throws(FSError) in
                // Source: lseek(2). The kernel sends no other.
                let (data, hole): (Int32, Int32) = (3, 4)
                guard whence == data || whence == hole, offset >= 0 else { throw FSError(EINVAL) }
                return try worker.fileSystem.seek(Ino(ino), from: UInt64(offset), data: whence == data)
            } reply: { request, offset in
                request.replyOffset(offset)
            }
        }
        unsafe operations.copy_file_range = { request, source, sourceOffset, _, target, targetOffset, file, length, _ in
            unsafe serve(request) { (worker, request) throws(FSError) in
                try worker.fileSystem.copyRange(
                    from: Ino(source), at: UInt64(sourceOffset), to: Ino(target), at: UInt64(targetOffset),
                    length: UInt64(length), handle: unsafe handle(of: file),
                    clearingSetIDFor: request.unprivilegedAsker(worker))
            } reply: { request, count in
                request.replyWritten(Int(count))
            }
        }
    }
}

/// Puts an open file into what the library tells the kernel.
@unsafe private func fill(_ file: UnsafeMutablePointer<fuse_file_info>?, _ opened: OpenFile) {
    unsafe file.unsafelyUnwrapped.pointee.fh = opened.handle.rawValue
    // The port's changes of files are told to the kernel, so what it has of them stays good.
    if opened.isDirect { unsafe cf_set_direct_io(file) } else { unsafe cf_set_keep_cache(file) }
    if opened.skipsFlush { unsafe cf_set_no_flush(file) }
}
