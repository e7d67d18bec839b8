// ControlTable: which items the kernel knows as files of the control directory, and what is open of it.
import MemStore

/// A file of the control directory that is open: its bytes as they were at open, and what was written since.
struct ControlHandle {
    let ino: Ino
    let canWrite: Bool
    var bytes: [UInt8]
    /// Written since it was opened or stored.
    var isWritten: Bool
    /// How often.
    private(set) var writeCount = 0

    init(ino: Ino, canWrite: Bool, bytes: [UInt8], isWritten: Bool) {
        self.ino = ino
        self.canWrite = canWrite
        self.bytes = bytes
        self.isWritten = isWritten
    }

    /// Says that the bytes were changed.
    mutating func noteWrite() {
        isWritten = true
        writeCount += 1
    }
}

/// The items and handles of one mount's control directory. Each call takes the table's lock for some nanoseconds.
final class ControlTable: @unchecked Sendable {  // guarded by `lock`
    /// An item that the kernel knows.
    private struct Node {
        var key: [UInt8]
        var lookupCount: UInt64
    }

    /// Items that the kernel knows before it is asked to forget the one that it has known longest. Their keys are outside
    /// of the memory limit.
    static let nodesMax = 4096

    /// Files of the control directory open at one time. Their bytes are outside of the memory limit.
    static let handlesMax = 64
    /// Handle numbers begin here, far above those of `HandleTable`.
    private static let firstHandle: UInt64 = 1 << 62

    private let lock = Lock()
    private var nodes: [Ino: Node] = [:]
    /// Items in the order in which they became known, from `firstInOrder` on. Some may be forgotten by now.
    private var order: [Ino] = []
    private var firstInOrder = 0
    private var handles: [UInt64: ControlHandle] = [:]
    private var nextHandle = firstHandle

    deinit { lock.destroy() }

    /// Items known and handles open, for tests.
    var counts: (nodes: Int, handles: Int) { lock.withLock { (nodes.count, handles.count) } }

    /// Counts a lookup of an item. False: another key has the number already.
    func countLookup(of ino: Ino, key: [UInt8]) -> Bool {
        lock.lock()
        defer { lock.unlock() }
        let known = nodes[ino]
        guard known == nil || known?.key == key else { return false }
        nodes[ino] = Node(key: key, lookupCount: (known?.lookupCount ?? 0) + 1)
        if known == nil { order.append(ino) }
        return true
    }

    /// The key of an item that the kernel should forget, since it knows too many; each is given once.
    func takeSuperfluous() -> [UInt8]? {
        lock.lock()
        defer { lock.unlock() }
        while firstInOrder < order.count, order.count - firstInOrder > Self.nodesMax {
            let ino = order[firstInOrder]
            firstInOrder += 1
            if firstInOrder > 1024, firstInOrder * 2 > order.count {
                order.removeFirst(firstInOrder)
                firstInOrder = 0
            }
            if let node = nodes[ino] { return node.key }
        }
        return nil
    }

    /// Gives lookups back.
    func forget(_ ino: Ino, count: UInt64) {
        lock.lock()
        defer { lock.unlock() }
        guard let known = nodes[ino] else { return }
        precondition(known.lookupCount >= count, "more lookups of an item forgotten than counted")
        nodes[ino]?.lookupCount -= count
        if known.lookupCount == count { nodes[ino] = nil }
    }

    /// The key of an item that the kernel knows.
    func key(of ino: Ino) -> [UInt8]? { lock.withLock { nodes[ino]?.key } }

    /// The bytes of a handle that has created or written an item, if there is one.
    func writtenSize(of ino: Ino) -> Int? {
        lock.lock()
        defer { lock.unlock() }
        return handles.values.first { $0.ino == ino && $0.isWritten }?.bytes.count
    }

    /// Remembers an open file; nil when there are `handlesMax` already.
    func open(_ handle: ControlHandle) -> HandleNumber? {
        lock.lock()
        defer { lock.unlock() }
        guard handles.count < Self.handlesMax else { return nil }
        nextHandle += 1
        handles[nextHandle] = handle
        return HandleNumber(nextHandle)
    }

    /// Looks at or changes an open file under the lock; nil when there is none.
    func withHandle<R>(_ number: HandleNumber, _ body: (inout ControlHandle) -> R) -> R? {
        lock.lock()
        defer { lock.unlock() }
        guard var handle = handles.removeValue(forKey: number.rawValue) else { return nil }
        let result = body(&handle)
        handles[number.rawValue] = handle
        return result
    }

    /// Forgets an open file and gives it back.
    func close(_ number: HandleNumber) -> ControlHandle? {
        lock.withLock { handles.removeValue(forKey: number.rawValue) }
    }
}
