// PortMetrics+Memfis: memory, slices of background work, files, and the bounds of connections: what memcached has no name for.
import MemStore

extension PortMetrics {
    static let memory: [Source] = [
        gauge("memory_limit_bytes", in: .bytes, of: .store, "The limit of memory.") {
            UInt64(clamping: $0.stored.memoryLimitBytes)
        },
        gauge("memory_allowance_bytes", in: .bytes, of: .store, "What items may take beyond the limit.") {
            UInt64(clamping: $0.stored.memoryAllowanceBytes)
        },
        gauge("memory_used_bytes", in: .bytes, of: .store, "Segments, tables and index in use.") {
            UInt64(clamping: $0.stored.memoryUsedBytes)
        },
        gauge("memory_live_bytes", in: .bytes, of: .store, "Of these, what holds something.") {
            UInt64(clamping: $0.stored.memoryLiveBytes)
        },
        gauge("index_bytes", in: .bytes, of: .store, "Memory of the index of items.") {
            UInt64(clamping: $0.stored.indexBytes)
        },
        gauge("held_by_readers_bytes", in: .bytes, of: .store, "Contents that only readers hold.") {
            UInt64(clamping: $0.stored.heldByReadersBytes)
        },
        gauge("evictable_bytes", in: .bytes, of: .store, "What evicting all items would free.") {
            UInt64(clamping: $0.stored.evictableBytes)
        },
        gauge("file_bytes", in: .bytes, of: .store, "What files take of the limit.") {
            UInt64(clamping: $0.stored.fileBytes)
        },
        counter("file_evictions", of: .store, "Files evicted.") { UInt64(clamping: $0.stored.fileEvictions) },
    ]

    static let slices = joined(
        allSlices,
        SliceKind.allCases.map { kind in
            gauge("slice_us_max_\(kind)", in: .microseconds, of: .store, "The longest slice of this kind: \(kind).") {
                microseconds($0.stored.sliceNanosecondsMax[kind.rawValue])
            }
        })

    private static let allSlices: [Source] = [
        counter("slices", of: .store, "Slices of work outside of commands.") { UInt64(clamping: $0.stored.sliceCount) },
        gauge("slice_us_max", in: .microseconds, of: .store, "The longest slice.") {
            microseconds($0.stored.sliceNanosecondsMax.max() ?? 0)
        },
        gauge("slice_us_9999", in: .microseconds, of: .store, "What one slice in ten thousand passes.") {
            microseconds($0.stored.sliceNanoseconds9999)
        },
    ]

    private static func microseconds(_ nanoseconds: Int) -> UInt64 { UInt64(clamping: (nanoseconds + 999) / 1000) }

    static let files: [Source] = [
        gauge("files", of: .store, "Regular files.") { UInt64(clamping: $0.stored.fileCount) },
        gauge("directories", of: .store, "Directories.") { UInt64(clamping: $0.stored.directoryCount) },
        gauge("other_nodes", of: .store, "Symlinks, FIFOs, sockets and devices.") {
            UInt64(clamping: $0.stored.otherNodeCount)
        },
        gauge("published_bytes", in: .bytes, of: .store, "Bytes of published contents.") {
            UInt64(clamping: $0.stored.publishedBytes)
        },
        counter("file_absent", "Keys of files that are not there.") { $0.counters.filesAbsent.value },
        counter("file_denied", "Keys of files that the serving user may not read.") { $0.counters.filesDenied.value },
        counter("file_unpublished", "Keys of files that are still being written.") {
            $0.counters.filesUnpublished.value
        },
        counter("file_not_regular", "Keys of directories and special files.") { $0.counters.filesNotRegular.value },
        counter("file_nowhere", "Keys that lead out of the tree or through too many links.") {
            $0.counters.filesNowhere.value
        },
        counter("file_expired", "Keys of files whose time was over.") { $0.counters.filesExpired.value },
    ]

    static let transport: [Source] = [
        gauge("workers_serving", "Workers that serve now.") { UInt64(clamping: $0.servingWorkers) },
        counter("coherence_waits", "Responses held back until the kernel had dropped what it cached.") {
            $0.net.parkings.value
        },
        counter("coherence_timeouts", "Of these, those that waited too long.") { $0.net.parkingTimeouts.value },
        counter("output_stalls", "Times that a client did not take its output.") { $0.net.outputStalls.value },
        counter("slow_readers_closed", "Connections closed for the contents that only they held.") {
            $0.net.slowReadersClosed.value
        },
        counter("lines_too_long", "Connections closed for a line over its bound.") { $0.counters.linesTooLong.value },
        counter("gets_too_long", "Connections closed for a get of too many keys.") { $0.counters.getsTooLong.value },
        counter("binary_closed", "Connections closed that spoke the binary protocol.") {
            $0.counters.binaryClosed.value
        },
        counter("http_closed", "Connections closed that spoke HTTP.") { $0.counters.browsersClosed.value },
        gauge("input_held_bytes", in: .bytes, "Input that is kept for connections.") {
            UInt64(clamping: $0.held.input)
        },
        counter("input_held_closed", "Connections closed because too much input was kept.") {
            $0.net.inputClosed.value
        },
        gauge("output_held_bytes", in: .bytes, "Output that is kept for connections.") {
            UInt64(clamping: $0.held.output)
        },
        counter("output_held_closed", "Connections closed because too much output was kept.") {
            $0.net.outputClosed.value
        },
        gauge("half_sent_bytes", in: .bytes, "Values that have arrived in part.") {
            UInt64(clamping: $0.held.halfSent)
        },
        counter("half_sent_closed", "Connections closed because too many values had arrived in part.") {
            $0.net.halfSentClosed.value
        },
        gauge("detail_prefixes", "Prefixes that `stats detail` counts.") { UInt64(clamping: $0.prefixCount) },
        counter("accept_errors", "Times that accept(2) failed.") { $0.acceptErrors },
    ]
}
