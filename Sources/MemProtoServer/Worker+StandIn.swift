// Standing in: a worker whose thread is not given a CPU, though it has events, is served by another worker's thread. With as
// many busy threads as CPUs the kernel may leave a thread waiting for milliseconds, and its connections with it.
import CShims
import Glibc

/// Events as epoll_wait writes them.
///
/// SAFETY: owns an array of `Limit.eventMax` events, freed by `deallocate()`; every index is checked. Used by one thread.
@safe struct EventList {
    private let events: UnsafeMutablePointer<epoll_event>

    init() { unsafe events = CacheLine.allocate(Limit.eventMax) }
    func deallocate() { unsafe events.deallocate() }

    @unsafe subscript(index: Int) -> epoll_event {
        precondition(index >= 0 && index < Limit.eventMax, "an event outside of the list")
        return unsafe events[index]
    }

    /// Waits for events and returns how many there are. Source: epoll_wait(2).
    func wait(_ epoll: Int32, milliseconds: Int32) -> Int {
        let count = unsafe epoll_wait(epoll, events, Int32(Limit.eventMax), milliseconds)
        precondition(count >= 0 || errno == EINTR, "epoll_wait failed")
        return max(0, Int(count))
    }
}

extension Worker {
    /// A thread looks after the other workers when it has handled so many events: under load many times a millisecond, and
    /// never when there is little to do and the kernel has CPUs to give.
    private static let eventsBetweenLooks = 16

    /// Serves those of the other workers that have events and are not at work. Called with no lock held, before waiting. To
    /// look writes nothing of theirs.
    ///
    /// - Parameter eventCount: events that this thread has handled since it looked.
    static func standIn(for peers: [WorkerFace], _ events: EventList, _ eventCount: inout Int) {
        if eventCount < eventsBetweenLooks { return }
        eventCount = 0
        for face in peers where !face.isInRound && hasEvents(face.epoll) && face.tryBeginRound() {
            if let worker = face.worker {
                let count = events.wait(worker.value.epoll.rawValue, milliseconds: 0)
                if count > 0 {
                    worker.value.serve(events, count)
                    // Its own thread waits for as long as it saw fit before this.
                    if worker.value.waitMilliseconds() >= 0 { eventfd_write(face.wakeup.rawValue, 1) }
                }
            }
            face.endRound()
        }
    }

    /// Whether an epoll has something to tell. Source: poll(2), of which epoll(7) says that it takes an epoll's descriptor.
    private static func hasEvents(_ epoll: Int32) -> Bool {
        var question = pollfd(fd: epoll, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&question, 1, 0) > 0
    }
}
