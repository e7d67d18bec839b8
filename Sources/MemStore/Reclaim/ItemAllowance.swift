// Allowance: what cache items may take beyond a small limit. memcached gives each size class its first page of 1 MiB
// whatever its limit is: with `-m 6` and values of many sizes it holds three times its limit. Items get the same here, so
// that a program that migrates from memcached keeps its hit ratio; files do not. Decision 0004 has the figures.
import CShims

/// The rule. Pure.
enum ItemAllowance {
    /// Bytes beyond the limit at most, so that the whole process stays within the limit and 32 MiB.
    static let bytesMax = 16 << 20
    /// Limits from here on have room for a page of every class.
    static let limitBytesEnd = SlabClass.chunkSizes.count * SlabClass.pageSizeBytes

    /// Bytes beyond the limit for items of so many size classes.
    static func bytes(limitBytes: Int, classCount: Int) -> Int {
        min(bytesMax, max(0, classCount * SlabClass.pageSizeBytes - limitBytes))
    }

    /// Bytes that files may take while items have more than the limit: they must fit into it when the items have gone, with
    /// what is open and set aside.
    static func filesMaxBytes(limitBytes: Int) -> Int { limitBytes - limitBytes / 16 }
}

/// Counts the size classes that cache items fall into, a few items at a time.
struct SizeClassCensus {
    private static let itemsPerLook = 256
    private static let looksPerRound = 8
    /// A class that was met counts for so long at least, so that a rare one does not come and go.
    private static let rememberedSeconds: UInt32 = 10

    private var cursor = DumpCursor()
    /// A bit for each class that was met since `begunSecond`, and in the time before it.
    private var seen: UInt64 = 0
    private var seenBefore: UInt64 = 0
    private var begunSecond: UInt32 = 0

    var classCount: Int { (seen | seenBefore).nonzeroBitCount }

    /// Looks at the next items.
    mutating func goOn(_ session: StoreSession) {
        for _ in 0..<Self.looksPerRound {
            var met: UInt64 = 0
            session.shared.slices.measure(.reclaim) {
                session.dumpItems(&cursor, countMax: Self.itemsPerLook) {
                    met |= 1 << UInt64(SlabClass.number(ofTotal: $0.sizeBytes))
                }
            }
            seen |= met
            guard cursor.isAtEnd else { continue }
            cursor = DumpCursor()
            guard session.nowSecond &- begunSecond >= Self.rememberedSeconds else { return }
            (seenBefore, seen, begunSecond) = (seen, 0, session.nowSecond)
            return
        }
    }
}

extension StoreSession {
    /// Sets what items may take beyond the limit, by the classes that they fall into. Does nothing where a page of every
    /// class fits into the limit, where nothing is evicted, and before the limit is near.
    func keepAllowance(_ census: inout SizeClassCensus) {
        let limit = arena.limitBytes
        let isNear = arena.allowanceBytes > 0 || arena.usedBytes > limit - limit / 4
        guard shared.evictsItems, limit < ItemAllowance.limitBytesEnd, isNear else {
            census = SizeClassCensus()
            if arena.allowanceBytes > 0 { arena.setAllowance(bytes: 0) }
            return
        }
        census.goOn(self)
        arena.setAllowance(bytes: ItemAllowance.bytes(limitBytes: limit, classCount: census.classCount))
    }
}
