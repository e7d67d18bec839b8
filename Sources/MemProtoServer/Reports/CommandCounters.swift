// CommandCounters: what the commands of one worker count. Nobody else writes them; any thread reads them (see `Counter`).
import MemNet
import MemStore

/// Counts since the start or the last `stats reset`.
struct CommandCounters: CounterSet {
    var getHits: Counter = 0
    var getMisses: Counter = 0
    var getExpired: Counter = 0
    var getFlushed: Counter = 0
    var sets: Counter = 0
    var flushes: Counter = 0
    var metaCommands: Counter = 0
    var deleteMisses: Counter = 0
    var deleteHits: Counter = 0
    var incrMisses: Counter = 0
    var incrHits: Counter = 0
    var decrMisses: Counter = 0
    var decrHits: Counter = 0
    var casMisses: Counter = 0
    var casHits: Counter = 0
    var casBadValues: Counter = 0
    var touchHits: Counter = 0
    var touchMisses: Counter = 0
    var storesTooLarge: Counter = 0
    var storesWithoutMemory: Counter = 0
    var authCommands: Counter = 0
    var authErrors: Counter = 0
    /// Connections closed because a line passed its bound, and gets refused for the number of their keys.
    var linesTooLong: Counter = 0
    var getsTooLong: Counter = 0
    /// Connections closed because they speak the binary protocol, or HTTP.
    var binaryClosed: Counter = 0
    var browsersClosed: Counter = 0
    /// Reads of keys of files that were misses, by reason.
    var filesAbsent: Counter = 0
    var filesDenied: Counter = 0
    var filesUnpublished: Counter = 0
    var filesNotRegular: Counter = 0
    var filesNowhere: Counter = 0
    var filesExpired: Counter = 0

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
}

/// The counters of one worker.
struct DoorCounters {
    let commands = Cell(alone: CommandCounters())
    let net = Cell(alone: NetCounters())

    /// Begins to count anew. The worker stands still meanwhile.
    func reset() {
        commands.reset()
        net.reset()
    }

    func destroy() {
        commands.destroy()
        net.destroy()
    }
}

/// The counters of all workers, summed.
struct CounterSums {
    var commands = CommandCounters()
    var net = NetCounters()

    mutating func add(_ worker: DoorCounters) {
        worker.commands.add(to: &commands)
        worker.net.add(to: &net)
    }
}
