// MountMetrics: the figures of a mount, each declared once.
import MemStore

/// The figures of a mount at one moment.
struct MountSnapshot {
    var counters = MountCounters()
    var invalidations: UInt64 = 0
    var repeatedInvalidations: UInt64 = 0
    var handles = 0
    var threads = 0
}

enum MountMetrics {
    typealias Source = MetricSource<MountSnapshot>

    private static func counter(
        _ name: String, in unit: Metric.Unit = .none, _ help: String,
        _ number: @escaping @Sendable (MountSnapshot) -> UInt64
    ) -> Source {
        Source(Metric("mount_" + name, .counter, unit, .mount, help), number: number)
    }

    private static func gauge(
        _ name: String, _ help: String, _ number: @escaping @Sendable (MountSnapshot) -> UInt64
    ) -> Source {
        Source(Metric("mount_" + name, .gauge, .none, .mount, help), number: number)
    }

    static let table: [Source] = [
        counter("lookups", "Names that the kernel asked for.") { $0.counters.lookups.value },
        counter("forgets", "Requests in which the kernel gave lookups back.") { $0.counters.forgets.value },
        counter("attribute_reads", "stat(2), readlink(2), access(2), statfs(2).") { $0.counters.attributeReads.value },
        counter("attribute_changes", "chmod(2), chown(2), truncate(2), utimensat(2).") {
            $0.counters.attributeChanges.value
        },
        counter("name_changes", "Names made, removed and changed.") { $0.counters.nameChanges.value },
        counter("opens", "Files opened, or made and opened.") { $0.counters.opens.value },
        counter("reads", "Reads that the page cache did not answer.") { $0.counters.reads.value },
        counter("writes", "Writes, allocations and copies inside of the kernel.") { $0.counters.writes.value },
        counter("flushes", "Descriptors of open files closed.") { $0.counters.flushes.value },
        counter("syncs", "fsync(2) of files, directories and the mount.") { $0.counters.syncs.value },
        counter("releases", "Open files closed for good.") { $0.counters.releases.value },
        counter("listings", "Parts of directories listed.") { $0.counters.listings.value },
        counter("extended_attributes", "Extended attributes read, listed, set and removed.") {
            $0.counters.extendedAttributes.value
        },
        counter("other_operations", "Requests of other kinds.") { $0.counters.others.value },
        counter("missing", "Requests that asked for what is not there.") { $0.counters.missing.value },
        counter("errors", "Requests answered with another error.") { $0.counters.errors.value },
        counter("read_bytes", in: .bytes, "Bytes of contents given to the kernel.") { $0.counters.bytesRead.value },
        counter("written_bytes", in: .bytes, "Bytes of contents taken from the kernel.") {
            $0.counters.bytesWritten.value
        },
        counter("invalidations", "Notices to the kernel about pages, attributes and names.") { $0.invalidations },
        counter("repeated_invalidations", "Notices about pages that were told of before.") { $0.repeatedInvalidations },
        gauge("handles", "Files that are open for writing.") { UInt64(clamping: $0.handles) },
        gauge("threads", "Threads that have taken requests.") { UInt64(clamping: $0.threads) },
    ]
}

extension FuseSession {
    /// The figures of the mount now. Any thread; no request waits for it.
    public var metrics: [MetricSample] {
        let snapshot = snapshot()
        return MountMetrics.table.compactMap { $0.sample(snapshot) }
    }
}
