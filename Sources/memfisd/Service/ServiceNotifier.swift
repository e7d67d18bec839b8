// ServiceNotifier: what a service tells systemd: that it is ready, what it is at, that it stops; and how it leaves a
// descriptor for the process that follows it. Source: sd_notify(3), whose protocol is datagrams of lines.
import CShims
import Glibc
import MemStore

/// The socket that NOTIFY_SOCKET names.
struct ServiceNotifier: Sendable {
    let path: String

    /// Nil when nobody listens.
    static func current(_ environment: [String: String] = Environment.current()) -> ServiceNotifier? {
        guard let path = environment["NOTIFY_SOCKET"], let first = path.first, first == "/" || first == "@" else {
            return nil
        }
        return ServiceNotifier(path: path)
    }

    /// Tells it; nothing depends on whether that works.
    /// - Parameter passed: a descriptor that goes with the words; -1 = none.
    @discardableResult func tell(_ words: String, descriptor passed: Int32 = -1) -> Bool {
        let channel = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard channel >= 0 else { return false }
        defer { close(channel) }
        let bytes = Array(words.utf8)
        return unsafe cs_send_datagram(channel, path, bytes, bytes.count, passed) == bytes.count
    }

    /// Waits until everything told so far has been read: a process that ends at once may otherwise not be known any more
    /// when its words are. Source: sd_notify_barrier(3).
    func waitUntilRead(timeoutMilliseconds: Int32) -> Bool {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { return false }
        defer { close(ends[0]) }
        let isSent = tell("BARRIER=1", descriptor: ends[1])
        close(ends[1])
        return isSent && Readiness.wait([ends[0]], timeoutMilliseconds: timeoutMilliseconds)[0]
    }

    // MARK: words

    /// Both doors are open.
    func ready(_ status: String) { tell("READY=1\nSTATUS=\(status)") }

    /// The start goes on: it has so many seconds more, whatever TimeoutStartSec= says.
    func extendStart(seconds: Int) { tell("EXTEND_TIMEOUT_USEC=\(seconds * 1_000_000)") }

    /// A reload begins; `ready` ends it.
    func reloading() {
        tell("RELOADING=1\nMONOTONIC_USEC=\(Monotonic.nanoseconds / 1000)")
    }

    func stopping() { tell("STOPPING=1\nSTATUS=Stopping") }

    /// Leaves a descriptor for the service's next process, under a name.
    func store(_ descriptor: Int32, name: String) -> Bool {
        tell("FDSTORE=1\nFDNAME=\(name)", descriptor: descriptor)
    }

    /// Makes systemd close its copies of a descriptor that was left.
    func drop(name: String) { tell("FDSTOREREMOVE=1\nFDNAME=\(name)") }
}
