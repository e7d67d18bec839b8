// MountCounters: what one thread of a mount counts. Nobody else writes the words; any thread reads them (see `Counter`).
import Glibc
import MemStore

/// Counts of one mount thread since its start.
struct MountCounters: CounterSet {
    var lookups: Counter = 0
    var forgets: Counter = 0
    var attributeReads: Counter = 0
    var attributeChanges: Counter = 0
    var nameChanges: Counter = 0
    var opens: Counter = 0
    var reads: Counter = 0
    var writes: Counter = 0
    var flushes: Counter = 0
    var syncs: Counter = 0
    var releases: Counter = 0
    var listings: Counter = 0
    var extendedAttributes: Counter = 0
    var others: Counter = 0
    /// Requests that found nothing, and those that were answered with an error other than ENOENT.
    var missing: Counter = 0
    var errors: Counter = 0
    var bytesRead: Counter = 0
    var bytesWritten: Counter = 0

    /// Counts a request by its operation. Source of the numbers: Linux' uapi header `fuse.h`.
    mutating func count(_ operation: UInt32) {
        switch operation {
        case 1: lookups &+= 1
        case 2, 42: forgets &+= 1
        case 3, 5, 17, 34, 52: attributeReads &+= 1
        case 4: attributeChanges &+= 1
        case 6, 8...13, 45: nameChanges &+= 1
        case 14, 35: opens &+= 1
        case 15: reads &+= 1
        case 16, 43, 47: writes &+= 1
        case 25: flushes &+= 1
        case 20, 30, 50: syncs &+= 1
        case 18: releases &+= 1
        case 27...29, 44: listings &+= 1
        case 21...24: extendedAttributes &+= 1
        default: others &+= 1
        }
    }

    /// Counts a reply to a request. `error` is 0 or a negative errno; `length` has the reply's header.
    mutating func count(replyTo request: RawRequest, error: Int32, length: Int) {
        guard error == 0 else {
            if error == -ENOENT { missing &+= 1 } else { errors &+= 1 }
            return
        }
        if request.isRead { bytesRead &+= UInt64(max(0, length - RawRequest.replyHeaderLength)) }
        if request.isWrite { bytesWritten &+= UInt64(request.writeLength) }
    }
}

/// What several threads count of a mount, rarely.
enum MountCount: Int, CaseIterable {
    case invalidations, repeatedInvalidations
}
