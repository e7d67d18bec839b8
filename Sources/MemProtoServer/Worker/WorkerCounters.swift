// WorkerCounters: what one worker counts. Nobody else writes them; a statistics request reads them under the worker's lock.
import MemStore

/// Counts since the start or the last `stats reset`. Every field is a 64-bit number: `add` relies on it.
struct WorkerCounters {
    var getHits: UInt64 = 0
    var getMisses: UInt64 = 0
    var getExpired: UInt64 = 0
    var getFlushed: UInt64 = 0
    var sets: UInt64 = 0
    var flushes: UInt64 = 0
    var metaCommands: UInt64 = 0
    var deleteMisses: UInt64 = 0
    var deleteHits: UInt64 = 0
    var incrMisses: UInt64 = 0
    var incrHits: UInt64 = 0
    var decrMisses: UInt64 = 0
    var decrHits: UInt64 = 0
    var casMisses: UInt64 = 0
    var casHits: UInt64 = 0
    var casBadValues: UInt64 = 0
    var touchHits: UInt64 = 0
    var touchMisses: UInt64 = 0
    var storesTooLarge: UInt64 = 0
    var storesWithoutMemory: UInt64 = 0
    var authCommands: UInt64 = 0
    var authErrors: UInt64 = 0
    var bytesRead: UInt64 = 0
    var bytesWritten: UInt64 = 0
    var connectionYields: UInt64 = 0
    var idleKicks: UInt64 = 0
    /// Connections that waited for the filesystem's reader of changes, and those that stopped waiting.
    var coherenceWaits: UInt64 = 0
    var coherenceTimeouts: UInt64 = 0
    /// Times that a connection's output was not taken.
    var outputStalls: UInt64 = 0
    /// Connections closed because contents that only readers held took too much memory.
    var slowReadersClosed: UInt64 = 0
    /// Connections closed because a line passed its bound, and gets refused for the number of their keys.
    var linesTooLong: UInt64 = 0
    var getsTooLong: UInt64 = 0
    /// Connections closed because they speak the binary protocol, or HTTP.
    var binaryClosed: UInt64 = 0
    var browsersClosed: UInt64 = 0
    /// Reads of keys of files that were misses, by reason.
    var filesAbsent: UInt64 = 0
    var filesDenied: UInt64 = 0
    var filesUnpublished: UInt64 = 0
    var filesNotRegular: UInt64 = 0
    var filesNowhere: UInt64 = 0
    var filesExpired: UInt64 = 0
    /// Connections closed because all of them held too much: input, output, half-sent values.
    var inputClosed: UInt64 = 0
    var outputClosed: UInt64 = 0
    var halfSentClosed: UInt64 = 0

    /// Counts the miss of a file.
    mutating func count(_ reason: FileMiss) {
        switch reason {
        case .absent: filesAbsent &+= 1
        case .denied: filesDenied &+= 1
        case .unpublished: filesUnpublished &+= 1
        case .notRegular: filesNotRegular &+= 1
        case .nowhere: filesNowhere &+= 1
        case .expired: filesExpired &+= 1
        }
    }

    /// Adds the counts of another worker.
    mutating func add(_ other: WorkerCounters) {
        unsafe withUnsafeMutableBytes(of: &self) { sum in
            unsafe withUnsafeBytes(of: other) { part in
                for offset in stride(from: 0, to: sum.count, by: MemoryLayout<UInt64>.size) {
                    let total =
                        unsafe sum.load(fromByteOffset: offset, as: UInt64.self)
                        &+ part.load(fromByteOffset: offset, as: UInt64.self)
                    unsafe sum.storeBytes(of: total, toByteOffset: offset, as: UInt64.self)
                }
            }
        }
    }
}
