// FuseBridge+Attributes: callbacks about attributes and extended attributes.
import CFuse3
import Glibc
import MemStore

extension FuseBridge {
    @unsafe static func addAttributes(to operations: inout fuse_lowlevel_ops) {
        unsafe operations.getattr = { request, ino, _ in
            unsafe serve(request) { (worker, _) throws(FSError) in
                try worker.fileSystem.attributes(of: Ino(ino))
            } reply: { request, entry in
                request.reply(entry.attributes.status, timeoutSeconds: entry.timeoutSeconds)
            }
        }
        unsafe operations.setattr = { request, ino, values, mask, file in
            unsafe serve(request) { (worker, request) throws(FSError) in
                let changes = AttributeChanges(unsafe values.unsafelyUnwrapped.pointee, mask: mask)
                let clears =
                    worker.device.clearsPrivileges
                    && (worker.rawRequest.setAttributesClearsPrivileges || worker.rawRequest.setsNothing)
                let handle = unsafe file.map { unsafe HandleNumber($0.pointee.fh) }
                return try worker.fileSystem.setAttributes(
                    of: Ino(ino), changes, handle: handle, clearingSetIDFor: clears ? request.asker : nil)
            } reply: { request, entry in
                request.reply(entry.attributes.status, timeoutSeconds: entry.timeoutSeconds)
            }
        }
        unsafe operations.getxattr = { request, ino, name, size in
            unsafe serve(request) { (worker, _) throws(FSError) in
                unsafe try worker.fileSystem.getExtendedAttribute(
                    unsafe Bytes(cString: name), of: Ino(ino), into: unsafe worker.scratch(size))
            } reply: { request, length in
                unsafe replyAttribute(request, length: length, room: size)
            }
        }
        unsafe operations.listxattr = { request, ino, size in
            unsafe serve(request) { (worker, request) throws(FSError) in
                unsafe try worker.fileSystem.listExtendedAttributes(
                    of: Ino(ino), into: unsafe worker.scratch(size), caller: request.caller)
            } reply: { request, length in
                unsafe replyAttribute(request, length: length, room: size)
            }
        }
        unsafe operations.setxattr = { request, ino, name, value, size, flags in
            // Source: setxattr(2), the values of XATTR_CREATE and XATTR_REPLACE.
            let (create, replace): (Int32, Int32) = (1, 2)
            unsafe serve(request) { (worker, request) throws(FSError) in
                let hasNewMode = try worker.fileSystem.setExtendedAttribute(
                    unsafe Bytes(cString: name), of: Ino(ino), to: unsafe Bytes(value, count: size),
                    mustExist: flags & replace != 0, mustNotExist: flags & create != 0, caller: request.caller)
                if hasNewMode { worker.dropAttributes(of: Ino(ino)) }
            }
        }
        unsafe operations.removexattr = { request, ino, name in
            unsafe serve(request) { (worker, _) throws(FSError) in
                try worker.fileSystem.removeExtendedAttribute(unsafe Bytes(cString: name), of: Ino(ino))
            }
        }
    }
}

/// Sends an attribute that is in the worker's scratch memory, or its length alone if the caller gave no room.
@unsafe private func replyAttribute(_ request: consuming FuseRequest, length: Int, room: Int) {
    if room == 0 { return request.replyLength(length) }
    unsafe request.reply(UnsafeRawBufferPointer(FuseWorker.current.scratch(length)))
}
