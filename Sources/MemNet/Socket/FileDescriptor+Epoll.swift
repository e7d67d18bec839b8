// FileDescriptor+Epoll: the descriptors that an event loop is made of.
import CShims
import Glibc
import MemStore

extension FileDescriptor {
    /// A new epoll instance. Source: epoll_create1(2).
    static func epoll() throws(SystemError) -> FileDescriptor {
        let descriptor = epoll_create1(Int32(O_CLOEXEC))
        guard descriptor >= 0 else { throw SystemError("epoll_create1", "") }
        return FileDescriptor(owning: descriptor)
    }

    /// A new counter to wake an epoll with. Source: eventfd(2).
    static func event() throws(SystemError) -> FileDescriptor {
        let descriptor = eventfd(0, Int32(O_CLOEXEC | O_NONBLOCK))
        guard descriptor >= 0 else { throw SystemError("eventfd", "") }
        return FileDescriptor(owning: descriptor)
    }
}
