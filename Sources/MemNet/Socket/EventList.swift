// EventList: room for what one epoll_wait tells.
import CShims
import Glibc
import MemStore

/// Events as epoll_wait writes them.
///
/// SAFETY: owns an array of `NetLimits.eventMax` events, freed by `deallocate()`; every index is checked. Used by one thread.
@safe struct EventList {
    private let events: UnsafeMutablePointer<epoll_event>

    init() { unsafe events = CacheLine.allocate(NetLimits.eventMax) }
    func deallocate() { unsafe events.deallocate() }

    @unsafe subscript(index: Int) -> epoll_event {
        precondition(index >= 0 && index < NetLimits.eventMax, "an event outside of the list")
        return unsafe events[index]
    }

    /// Waits for events and returns how many there are. Source: epoll_wait(2).
    func wait(_ epoll: Int32, milliseconds: Int32) -> Int {
        let count = unsafe epoll_wait(epoll, events, Int32(NetLimits.eventMax), milliseconds)
        precondition(count >= 0 || errno == EINTR, "epoll_wait failed")
        return max(0, Int(count))
    }
}
