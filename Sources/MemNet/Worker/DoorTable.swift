// DoorTable: the doors of one worker, called without counting references: the table keeps them, and outlives every call.
import Glibc
import MemStore

/// The doors by their protocols' numbers.
///
/// SAFETY: owns one reference of each door, given back by `destroy()`; a door is called only through the table, by the
/// worker's thread. Every index is checked.
@safe struct DoorTable {
    /// SAFETY: the pointers are used by the table alone.
    @safe private struct Entry {
        var door: Unmanaged<ConnectionDoor>
        var served: Unmanaged<ServedProtocol>
        var counters: Cell<NetCounters>
        /// The door's clock, as of this round.
        var nowSecond: UInt32
        var stateBytes: Int
    }

    private let entries: UnsafeMutablePointer<Entry>
    let count: Int
    /// Some connections are closed when they are silent for long.
    let haveIdleTimes: Bool

    init(_ protocols: [ServedProtocol], _ worker: WorkerHandle, output: Cell<OutputBuffer>) {
        count = protocols.count
        unsafe entries = CacheLine.allocate(max(1, count))
        var haveIdleTimes = false
        for (number, served) in protocols.enumerated() {
            let door = served.makeDoor(worker, output: output)
            precondition(door.number == number, "a door bears its protocol's number")
            haveIdleTimes = haveIdleTimes || door.hasIdleTimes
            unsafe (entries + number).initialize(
                to: Entry(
                    door: .passRetained(door), served: .passRetained(served), counters: door.counters, nowSecond: 0,
                    stateBytes: served.stateBytes))
        }
        self.haveIdleTimes = haveIdleTimes
    }

    func destroy() {
        for number in 0..<count {
            unsafe entries[number].door.release()
            unsafe entries[number].served.release()
        }
        unsafe entries.deallocate()
    }

    @inline(__always) @unsafe private func entry(_ connection: ConnectionCell) -> UnsafeMutablePointer<Entry> {
        let number = Int(connection.net.door)
        precondition(number < count, "a connection of no protocol")
        return unsafe entries + number
    }

    // MARK: rounds

    @inline(__always) func beginRound() {
        for number in 0..<count {
            let second = unsafe entries[number].door._withUnsafeGuaranteedRef { $0.beginRound() }
            unsafe entries[number].nowSecond = second
        }
    }

    /// What all doors have to say at the end of a round.
    @inline(__always) func endRound() -> RoundEnd {
        var all = RoundEnd()
        for number in 0..<count {
            let end = unsafe entries[number].door._withUnsafeGuaranteedRef { $0.endRound() }
            if end.readersHoldTooMuch { all.readersHoldTooMuch = true }
            if end.nextMilliseconds < 0 { continue }
            if all.nextMilliseconds < 0 || end.nextMilliseconds < all.nextMilliseconds {
                all.nextMilliseconds = end.nextMilliseconds
            }
        }
        return all
    }

    var readersHoldTooMuch: Bool {
        for number in 0..<count {
            if unsafe entries[number].door._withUnsafeGuaranteedRef({ $0.readersHoldTooMuch }) { return true }
        }
        return false
    }

    func end() {
        for number in 0..<count { unsafe entries[number].door._withUnsafeGuaranteedRef { $0.end() } }
    }

    func prepare(_ batch: borrowing ReadBatch) {
        for number in 0..<count { unsafe entries[number].door._withUnsafeGuaranteedRef { $0.prepare(batch) } }
    }

    /// The least second of the doors' clocks, for what is done once a second.
    var someSecond: UInt32 { count == 0 ? 0 : unsafe entries[0].nowSecond }

    // MARK: one connection

    @inline(__always) func counters(_ connection: ConnectionCell) -> Cell<NetCounters> {
        unsafe entry(connection).pointee.counters
    }

    @inline(__always) func nowSecond(_ connection: ConnectionCell) -> UInt32 {
        unsafe entry(connection).pointee.nowSecond
    }

    func stateBytes(_ connection: ConnectionCell) -> Int { unsafe entry(connection).pointee.stateBytes }

    /// Bytes came from a client.
    @inline(__always) func noteInput(_ connection: ConnectionCell, count: Int) {
        let entry = unsafe entry(connection)
        unsafe entry.pointee.counters.value.bytesRead &+= UInt64(count)
        connection.net.lastInputSecond = unsafe entry.pointee.nowSecond
    }

    @inline(__always) func run(
        _ connection: ConnectionCell, _ input: Bytes, batchIndex: Int, beginsTurn: Bool
    ) -> TurnResult {
        unsafe entry(connection).pointee.door._withUnsafeGuaranteedRef {
            $0.run(connection, input, batchIndex: batchIndex, beginsTurn: beginsTurn)
        }
    }

    /// See `ConnectionDoor.nextPlaces`.
    @unsafe @inline(__always) func nextPlaces(
        _ connection: ConnectionCell, _ places: UnsafeMutableBufferPointer<iovec>
    ) -> (count: Int, isWhole: Bool) {
        unsafe entry(connection).pointee.door._withUnsafeGuaranteedRef { unsafe $0.nextPlaces(connection, places) }
    }

    /// See `ConnectionDoor.arrived`.
    @inline(__always) func arrived(_ connection: ConnectionCell, count: Int, isFull: Bool) {
        unsafe entry(connection).pointee.door._withUnsafeGuaranteedRef {
            $0.arrived(connection, count: count, isFull: isFull)
        }
    }

    /// A strong reference to a connection's door, for what is not asked often.
    func door(_ connection: ConnectionCell) -> ConnectionDoor {
        unsafe entry(connection).pointee.door.takeUnretainedValue()
    }

    /// The same of its protocol.
    func served(_ connection: ConnectionCell) -> ServedProtocol {
        unsafe entry(connection).pointee.served.takeUnretainedValue()
    }

    /// Sends as much of `output` as the connection's socket takes; `sentBytes` grows by that.
    func send(
        _ output: Cell<OutputBuffer>, of connection: ConnectionCell, scratch: inout SendScratch, sentBytes: inout UInt64
    ) -> SendResult {
        unsafe entry(connection).pointee.door._withUnsafeGuaranteedRef {
            output.value.send(
                to: connection.net.descriptor, $0.contents, scratch: &scratch, sentBytes: &sentBytes)
        }
    }
}
