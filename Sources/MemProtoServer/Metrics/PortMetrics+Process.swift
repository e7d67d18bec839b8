// PortMetrics+Process: the process and its connections.
import Glibc
import MemNet
import MemStore

extension PortMetrics {
    static let process: [Source] = [
        word("pid", "The server process.") { _ in "\(getpid())" },
        gauge("uptime", in: .seconds, of: .process, "Time since the start.") { UInt64(clamping: $0.uptimeSeconds) },
        gauge("time", in: .seconds, of: .process, "Unix time.") { _ in UInt64(max(0, Glibc.time(nil))) },
        word("version", "The version of the program.") { $0.configuration.version },
        word("libevent", "memcached's event library.") { _ in "none" },
        word("pointer_size", "Bits of an address.") { _ in "\(Int.bitWidth)" },
        word("rusage_user", "Processor time outside of the kernel, in seconds.") { _ in text(usage.ru_utime) },
        word("rusage_system", "Processor time in the kernel, in seconds.") { _ in text(usage.ru_stime) },
    ]

    private static var usage: rusage {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage
    }

    private static func text(_ time: timeval) -> String {
        let fraction = String(time.tv_usec)
        return "\(time.tv_sec)." + String(repeating: "0", count: max(0, 6 - fraction.count)) + fraction
    }

    static let connections = joined(
        connectionCounts, absent(["response_obj_oom", "response_obj_count", "response_obj_bytes"]), buffers,
        absent(["read_buf_bytes_free", "read_buf_oom"]), descriptors)

    private static let connectionCounts: [Source] = [
        gauge("max_connections", "Connections that are let in.") { UInt64(clamping: $0.configuration.connectionsMax) },
        gauge("curr_connections", "Open connections.") { $0.connectionCounts[.connections] },
        counter("total_connections", "Connections that were let in.") { $0.connectionCounts[.connectionsTotal] },
        counter("rejected_connections", "Connections refused because there were too many.", if: rejects) {
            $0.connectionCounts[.rejected]
        },
        gauge("connection_structures", "Open connections, as memcached counts their memory.") {
            $0.connectionCounts[.connections]
        },
    ]

    private static func rejects(_ snapshot: PortSnapshot) -> Bool { snapshot.configuration.rejectsAtOnce }

    private static let buffers: [Source] = [
        gauge("read_buf_count", "Input buffers, one for each worker.") {
            UInt64(clamping: $0.configuration.workerCount)
        },
        gauge("read_buf_bytes", in: .bytes, "Memory of the input buffers.") {
            UInt64(clamping: $0.configuration.workerCount * (NetLimits.readBufferBytes + NetLimits.keptInputJoinMax))
        },
    ]

    private static let descriptors: [Source] = [
        gauge("reserved_fds", "Descriptors that are not for connections.") {
            UInt64(clamping: $0.configuration.workerCount * 2 + 4)
        }
    ]
}
