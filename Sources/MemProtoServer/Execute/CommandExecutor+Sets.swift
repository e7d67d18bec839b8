// Sets in their usual form: gathered over commands, prefetched, then stored in order. See SetEntry.
import MemNet
import MemStore

extension CommandExecutor {
    /// Gathers a set whose value is in the input. False: the command is for the general function.
    ///
    /// - Parameters:
    ///   - line: the set's line, from `at` on.
    ///   - valueStart: where the value begins.
    ///   - at: moves behind the value's line end.
    @inline(__always) mutating func gatherSet(_ line: Bytes, _ input: Bytes, valueStart: Int, _ at: inout Int) -> Bool {
        guard !isObserved, var entry = SetEntry(line, at: at) else { return false }
        let valueEnd = valueStart &+ Int(entry.valueCount)
        guard input.count >= valueEnd &+ 2, input[valueEnd] == 0x0d, input[valueEnd &+ 1] == 0x0a,
            Int(entry.valueCount) <= lengthNeverTooLarge
        else { return false }
        let key = input[Int(entry.keyStart)..<Int(entry.keyStart) &+ Int(entry.keyCount)]
        // The mount is told of a file's change, which takes its time.
        if session.isFileKey(key) { return false }
        let isKnown = Int(entry.keyStart) == KeyHint.start && key.count == Int(keyHint.count)
        entry.hash = isKnown ? keyHint.hash : session.hash(key)
        entry.valueStart = UInt32(truncatingIfNeeded: valueStart)
        if !isKnown { session.prefetchIndex(entry.hash) }
        if sets.isFull { runSets(input) }
        sets.add(entry)
        at = valueEnd &+ 2
        return true
    }

    /// Stores the gathered values.
    mutating func runSets(_ input: Bytes) {
        let count = sets.count
        if count == 0 { return }
        if count > 1 {
            for index in 0..<count { session.prefetchRecord(sets[index].hash) }
        }
        for index in 0..<count {
            let entry = sets[index]
            let key = input[Int(entry.keyStart)..<Int(entry.keyStart) &+ Int(entry.keyCount)]
            let value = input[Int(entry.valueStart)..<Int(entry.valueStart) &+ Int(entry.valueCount)]
            counters.value.sets &+= 1
            let exptime = exptime(Int64(entry.exptimeNumber))
            if session.overwrite(key, hash: entry.hash, value: value, flags: entry.flags, exptime: exptime) {
                if !entry.isNoreply { output.writeStored() }
                continue
            }
            let command = StoreCommand(mode: .set, flags: entry.flags, exptime: exptime, compareCas: nil)
            let outcome = session.store(key, hash: entry.hash, value: value, command).outcome
            if outcome == .done {
                if !entry.isNoreply { output.writeStored() }
            } else {
                refuseSet(key, entry, outcome)
            }
        }
        sets.clear()
    }

    /// Says why a set failed.
    @inline(never) private mutating func refuseSet(_ key: Bytes, _ entry: SetEntry, _ outcome: Outcome) {
        counters.value.sets &-= 1
        refuseNoMemory(key: key, deletes: true)
        if let refusal = Self.refusal(for: outcome) { refuse(refusal, isQuiet: entry.isNoreply) }
    }
}
