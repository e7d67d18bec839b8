// Walks through the items on behalf of a connection: a slice in each turn, so that others are served meanwhile.
import MemNet
import MemStore

extension CommandExecutor {
    /// Items looked at under one lock, and in one turn of a connection.
    private static var sliceItemsMax: Int { 64 }
    private static var turnItemsMax: Int { 16384 }

    /// Begins a walk; the connection's state changes.
    mutating func begin(_ dump: Dump, _ connection: Client) {
        connection.value.dump = Cell(dump)
        connection.value.input = .dump
    }

    /// Goes on with a walk. Nil: it is over.
    mutating func runDump(_ connection: Client) -> TurnStatus? {
        guard let dump = connection.value.dump else { preconditionFailure("no dump is under way") }
        var seen = 0
        while !dump.value.isAtEnd {
            if output.isFull { return .outputFull }
            if seen >= Self.turnItemsMax { return .yield }
            // An empty shard costs too.
            seen += 1
            if dump.value.cursor.isAtEnd {
                var cursor = dump.value.fileCursor
                session.dumpFiles(&cursor, countMax: Self.sliceItemsMax) { file in
                    seen += 1
                    take(file, dump)
                }
                dump.value.fileCursor = cursor
            } else {
                var cursor = dump.value.cursor
                session.dumpItems(&cursor, countMax: Self.sliceItemsMax) { item in
                    seen += 1
                    take(item, dump)
                }
                dump.value.cursor = cursor
            }
        }
        connection.value.input = .command
        connection.value.dump = nil
        end(dump.value)
        dump.destroy()
        return nil
    }

    /// Lists or counts one item. Its shard is locked: nothing here waits.
    private mutating func take(_ item: DumpedItem, _ dump: Cell<Dump>) {
        let number = SlabClass.number(ofTotal: item.sizeBytes)
        guard dump.value.purpose.isListing else { return dump.value.add(item, class: number) }
        guard dump.value.wants(number), dump.value.itemsLeft > 0, dump.value.bytesLeft > 0 else { return }
        let before = output.count
        switch dump.value.purpose {
        case .metadump: writeMetadata(item, class: number)
        case .mgdump: writeKeyRequest(item)
        case .cachedump: writeCachedItem(item)
        case .itemStats, .slabStats, .sizeStats: break
        }
        if output.count > before { dump.value.itemsLeft -= 1 }
        dump.value.bytesLeft -= output.count - before
    }

    private mutating func end(_ dump: Dump) {
        switch dump.purpose {
        case .metadump, .cachedump: output.write("END\r\n")
        case .mgdump: output.write("EN\r\n")
        case .itemStats, .slabStats:
            var report = StatsReport(shared)
            write(
                dump.purpose == .itemStats
                    ? report.items(dump.totals, now: session.nowSecond, shared.classFigures)
                    : report.slabs(dump.totals, shared.classFigures))
        case .sizeStats:
            write(dump.sizes.sorted { $0.key < $1.key }.map { (name: "\($0.key)", value: "\($0.value)") })
        }
    }

    // MARK: one item

    /// `key=… exp=… la=… cas=… fetch=… cls=… size=… flags=… `; these lines end in a line feed alone.
    private mutating func writeMetadata(_ item: DumpedItem, class number: Int) {
        output.write("key=")
        output.write(percentEncoded: item.key)
        output.write(" exp=")
        output.write(signed: item.exptime == .never ? -1 : unixTime(item.exptime.second))
        output.write(" la=")
        output.write(signed: unixTime(item.lastAccessSecond))
        output.write(" cas=")
        output.write(number: item.cas)
        output.write(item.wasFetched ? " fetch=yes cls=" : " fetch=no cls=")
        output.write(number: UInt64(number))
        output.write(" size=")
        output.write(number: UInt64(item.sizeBytes))
        output.write(" flags=")
        output.write(number: UInt64(item.flags))
        output.write(" \n")
    }

    /// `mg <key>`, as a client would send it.
    private mutating func writeKeyRequest(_ item: DumpedItem) {
        output.write("mg ")
        if item.isBinaryKey { output.write(base64: item.key) } else { output.write(item.key) }
        output.write(item.isBinaryKey ? " b\r\n" : "\r\n")
    }

    /// `ITEM <key> [<bytes> b; <expiry> s]`; binary keys are left out.
    private mutating func writeCachedItem(_ item: DumpedItem) {
        if item.isBinaryKey { return }
        output.write("ITEM ")
        output.write(item.key)
        output.write(" [")
        output.write(number: UInt64(item.valueLength))
        output.write(" b; ")
        output.write(signed: item.exptime == .never ? 0 : unixTime(item.exptime.second))
        output.write(" s]\r\n")
    }

    private func unixTime(_ second: UInt32) -> Int64 { unixOfEpoch + Int64(second) }
}

extension OutputBuffer {
    /// Writes a key with all but letters, digits and `-._~` as %XX. Source: RFC 3986, section 2.3.
    mutating func write(percentEncoded bytes: Bytes) {
        let digits = ("0123456789ABCDEF" as StaticString).bytes
        for index in 0..<bytes.count {
            let byte = bytes[index]
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: write(byte: byte)
            default:
                write(byte: UInt8(ascii: "%"))
                write(byte: digits[Int(byte >> 4)])
                write(byte: digits[Int(byte & 15)])
            }
        }
    }
}
