// Epoll: the calls of epoll that the workers and the acceptor make.
import CShims
import Glibc
import MemStore

/// The epoll calls of the workers and the acceptor; `token` comes back with each event.
enum Epoll {
    static let readable = UInt32(EPOLLIN.rawValue)
    static let writable = UInt32(EPOLLOUT.rawValue)
    /// The other side sends nothing more.
    static let ended = UInt32(EPOLLRDHUP.rawValue)
    /// What is watched of a connection: new input and its end, each told once when it comes. Asking a second time whether
    /// there is more, as epoll does otherwise, is a part of what a small get costs.
    static let input = readable | ended | UInt32(EPOLLET.rawValue)
    static let broken = UInt32(EPOLLERR.rawValue) | UInt32(EPOLLHUP.rawValue)

    /// Starts watching a descriptor. Source: epoll_ctl(2), EPOLL_CTL_ADD.
    static func add(_ descriptor: Int32, to epoll: Int32, events: UInt32, token: UInt64) throws(SystemError) {
        var event = unsafe epoll_event(events: events, data: epoll_data_t(u64: token))
        guard (unsafe epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event)) == 0 else {
            throw SystemError("epoll_ctl", "add \(descriptor)")
        }
    }

    /// Stops watching a descriptor. Source: epoll_ctl(2), EPOLL_CTL_DEL.
    static func remove(_ descriptor: Int32, from epoll: Int32) {
        var event = unsafe epoll_event()
        let code = unsafe epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, &event)
        precondition(code == 0, "a descriptor is taken out that its epoll does not watch")
    }

    /// Changes what a watched descriptor reports. Source: epoll_ctl(2), EPOLL_CTL_MOD.
    static func change(_ descriptor: Int32, of epoll: Int32, events: UInt32, token: UInt64) {
        var event = unsafe epoll_event(events: events, data: epoll_data_t(u64: token))
        let code = unsafe epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event)
        precondition(code == 0, "a descriptor is changed that its epoll does not watch")
    }
}
