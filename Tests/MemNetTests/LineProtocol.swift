// LineProtocol: a small protocol for tests of the event loop. It echoes lines, sends large contents by reference, parks, yields,
// receives in place, and refuses:
//
//     anything else   the line, back
//     large A N       N bytes of the content from A on, by reference, with nothing before and after
//     park N T        "parked" when N messages with its ticket came, or after T milliseconds
//     ticket          the ticket of its next `park`
//     yield           "yielded", after a turn of the others
//     put N           N bytes follow, are received in place, and their sum is told
//     refuse          "refused", and the end
//     quit            the end
import Glibc
import MemStore

@testable import MemNet

/// What the protocol remembers of a client.
///
/// SAFETY: `place` has room for the bytes that `put` announced, and is freed when they came or the client goes.
@safe struct LineState {
    var ticket: UInt64 = 0
    var isParked = false
    var hasYielded = false
    /// Bytes of `put` that are still to come, the sum of those that came, and where they go.
    var putCount = 0
    var putSum = 0
    var place: UnsafeMutableRawPointer?
}

/// A content of which each byte tells its place, and how often it is retained, pinned.
///
/// SAFETY: owns its bytes; a door asks for what is inside.
@safe final class CountedContents: ContentSource {
    static let byteCount = 3_000_000
    /// After so many bytes the content begins again.
    private static let period = 65_521
    private let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: CountedContents.period, alignment: 16)
    var retained = 0
    var pinned = 0

    static func byte(_ index: Int) -> UInt8 {
        let within = index % period
        return UInt8(truncatingIfNeeded: within &* 31 ^ within >> 9)
    }

    override init() {
        super.init()
        for index in 0..<Self.period { unsafe bytes[index] = Self.byte(index) }
    }

    deinit { unsafe bytes.deallocate() }

    override func pin(_ token: ContentToken, at offset: Int, lengthMax: Int) -> Bytes {
        pinned += 1
        let within = offset % Self.period
        return unsafe Bytes(bytes.baseAddress! + within, count: min(lengthMax, Self.period - within))
    }

    override func unpin(_ run: Bytes) { pinned -= 1 }

    override func release(_ token: ContentToken) { retained -= 1 }
}

/// The protocol on all workers.
final class LineProtocol: ServedProtocol, @unchecked Sendable {  // `lock` guards `made`
    let netCounters = Cell(alone: NetCounters())
    private let lock = Lock()
    private var made: [LineDoor] = []
    var doors: [LineDoor] { lock.withLock { made } }

    deinit {
        netCounters.destroy()
        lock.destroy()
    }

    override var stateBytes: Int { MemoryLayout<LineState>.size }
    override var rejection: Bytes { ("full\n" as StaticString).bytes }

    override func makeDoor(_ worker: WorkerHandle, output: Cell<OutputBuffer>) -> ConnectionDoor {
        let door = LineDoor(worker, number: number, counters: netCounters, output: output)
        lock.withLock { made.append(door) }
        return door
    }

    override func open(_ connection: ConnectionCell) {
        unsafe connection.state(as: LineState.self).initialize(to: LineState())
    }
}

/// The protocol on one worker.
final class LineDoor: ConnectionDoor {
    private let output: Cell<OutputBuffer>
    let source = CountedContents()
    private var nextTicket: UInt64
    private(set) var preparedCount = 0

    init(_ worker: WorkerHandle, number: Int, counters: Cell<NetCounters>, output: Cell<OutputBuffer>) {
        self.output = output
        nextTicket = worker.firstTicket(door: number)
        super.init(number: number, counters: counters, contents: source)
    }

    override func beginRound() -> UInt32 { UInt32(Monotonic.nanoseconds / 1_000_000_000) }

    override func prepare(_ batch: borrowing ReadBatch) {
        for index in 0..<batch.count where Int(batch.connection(at: index).net.door) == number { preparedCount += 1 }
    }

    override func run(
        _ connection: ConnectionCell, _ input: Bytes, batchIndex: Int, beginsTurn: Bool
    ) -> TurnResult {
        let state = unsafe connection.state(as: LineState.self)
        var at = 0
        if unsafe state.pointee.putCount > 0 {
            let part = unsafe min(state.pointee.putCount, input.count)
            for index in 0..<part { unsafe state.pointee.putSum += Int(input[index]) }
            unsafe state.pointee.putCount -= part
            at = part
            if unsafe state.pointee.putCount > 0 { return TurnResult(consumed: at, status: .needsInput) }
            endPut(connection)
        } else if connection.net.receivesInPlace {
            endPut(connection)
        }
        if unsafe state.pointee.isParked {
            unsafe state.pointee.isParked = false
        }
        while let end = (at..<input.count).first(where: { input[$0] == 0x0a }) {
            let line = String(decoding: input[at..<end].array, as: UTF8.self)
            let words = line.split(separator: " ")
            let numbers = words.dropFirst().compactMap { Int($0) }
            at = end + 1
            switch words.first {
            case "large":
                source.retained += 1
                output.value.write(reference: ContentToken(7, 7), offset: numbers[0], length: numbers[1])
            case "ticket":
                unsafe state.pointee.ticket = nextTicket
                nextTicket += 1
                output.value.write(text: "\(unsafe state.pointee.ticket)\n")
            case "park":
                parkedMilliseconds = Int64(numbers[1])
                connection.net.ticket = unsafe state.pointee.ticket
                connection.net.awaitedCount = numbers[0]
                unsafe state.pointee.isParked = true
                output.value.write("parked\n")
                return TurnResult(consumed: at, status: .parked)
            case "yield":
                if unsafe !state.pointee.hasYielded {
                    unsafe state.pointee.hasYielded = true
                    return TurnResult(consumed: at - line.utf8.count - 1, status: .yield)
                }
                unsafe state.pointee.hasYielded = false
                output.value.write("yielded\n")
            case "put":
                unsafe state.pointee.putCount = numbers[0]
                unsafe state.pointee.putSum = 0
                unsafe state.pointee.place = .allocate(byteCount: numbers[0], alignment: 1)
                connection.net.receivesInPlace = true
                connection.net.readsShort = true
                return run(connection, input[at..<input.count], putFrom: at)
            case "refuse":
                output.value.write("refused\n")
                connection.net.drainsAtEnd = true
                connection.net.closeReason = CloseReason(code: CloseReason.firstOfProtocols)
                return TurnResult(consumed: at, status: .close)
            case "quit": return TurnResult(consumed: at, status: .close)
            default: output.value.write(text: line + "\n")
            }
            if output.value.isFull { return TurnResult(consumed: at, status: .outputFull) }
        }
        return TurnResult(consumed: at, status: .needsInput)
    }

    private func run(_ connection: ConnectionCell, _ rest: Bytes, putFrom at: Int) -> TurnResult {
        if rest.isEmpty { return TurnResult(consumed: at, status: .needsInput) }
        let result = run(connection, rest, batchIndex: -1, beginsTurn: false)
        return TurnResult(consumed: at + result.consumed, status: result.status)
    }

    private func endPut(_ connection: ConnectionCell) {
        let state = unsafe connection.state(as: LineState.self)
        output.value.write(text: "sum \(unsafe state.pointee.putSum)\n")
        freePlace(connection)
        connection.net.receivesInPlace = false
    }

    private func freePlace(_ connection: ConnectionCell) {
        let state = unsafe connection.state(as: LineState.self)
        unsafe state.pointee.place?.deallocate()
        unsafe state.pointee.place = nil
    }

    private var parkedMilliseconds: Int64 = 0
    override var parkedMillisecondsMax: Int64 { parkedMilliseconds }

    @unsafe override func nextPlaces(
        _ connection: ConnectionCell, _ places: UnsafeMutableBufferPointer<iovec>
    ) -> (count: Int, isWhole: Bool) {
        let state = unsafe connection.state(as: LineState.self)
        guard unsafe state.pointee.putCount > 0, let place = unsafe state.pointee.place else { return (0, false) }
        unsafe places[0] = iovec(iov_base: place, iov_len: state.pointee.putCount)
        return (1, true)
    }

    override func arrived(_ connection: ConnectionCell, count: Int, isFull: Bool) {
        let state = unsafe connection.state(as: LineState.self)
        for index in 0..<count {
            unsafe state.pointee.putSum += Int(state.pointee.place!.load(fromByteOffset: index, as: UInt8.self))
        }
        unsafe state.pointee.putCount -= count
    }

    override func closing(_ connection: ConnectionCell) { freePlace(connection) }

    override func isBetweenRequests(_ connection: ConnectionCell) -> Bool {
        !connection.net.receivesInPlace
    }
}
