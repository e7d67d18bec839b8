// Records in their place: what is written is read, each field takes memory only where it is needed, and what does not fit is
// refused.
import Testing

@testable import MemStore

@Suite struct RecordTests {
    /// Lends memory for one record that begins with other bytes than zeros.
    private func withRecord<R>(_ body: (Record) throws -> R) rethrows -> R {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 1024, alignment: 8)
        defer { unsafe memory.deallocate() }
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0xa5, count: 1024)
        return try unsafe body(Record(at: memory))
    }

    private func write(
        _ fields: RecordFields, key: String = "key", value: String = "value", base: UInt64, to record: Record
    ) {
        Array(key.utf8).withBytes { key in
            Array(value.utf8).withBytes { value in
                // The two parts of a value, as it lies in a connection's input.
                let middle = value.count / 2
                record.write(
                    fields, key: key, head: value[0..<middle], tail: value[middle..<value.count], casBase: base)
            }
        }
    }

    private static let allLayouts: [RecordFields] = [0, 7].flatMap { flags in
        [Exptime.never, Exptime(second: 99)].flatMap { exptime in
            [1005, 1 << 40].flatMap { cas in
                [nil, Content(root: 5, size: 1 << 33)].map { content in
                    RecordFields(
                        flags: flags, exptime: exptime, cas: cas, marks: [.stale], uses: 2, lastAccessSecond: 77,
                        content: content)
                }
            }
        }
    }

    @Test("a record of any layout gives back what was written, in the size that was foretold", arguments: allLayouts)
    func layouts(fields: RecordFields) {
        withRecord { record in
            let value = fields.content == nil ? "value" : ""
            write(fields, value: value, base: 1000, to: record)
            #expect(
                record.flags == fields.flags && record.exptime == fields.exptime && record.cas(base: 1000) == fields.cas
            )
            #expect(record.uses == 2 && record.lastAccessSecond == 77 && record.meta.contains(.stale))
            #expect(record.key.array == Array("key".utf8) && record.inlineValue.array == Array(value.utf8))
            #expect(record.content == fields.content)
            #expect(record.valueLength == Int(fields.content?.size ?? 5))
            let isWide = Record.needsWideCas(fields.cas, base: 1000)
            let size = Record.sizeBytes(fields, keyLength: 3, valueLength: value.utf8.count, wideCas: isWide)
            #expect(record.sizeBytes == size && size % 8 == 0)
        }
    }

    @Test("a field changes in place only where the record has one")
    func changesInPlace() {
        withRecord { record in
            write(RecordFields(cas: 1001), base: 1000, to: record)
            #expect(!record.setExptime(Exptime(second: 5)) && record.setExptime(.never))
            #expect(record.setCas(1000 + UInt64(UInt32.max), base: 1000))
            #expect(!record.setCas(1001 + UInt64(UInt32.max), base: 1000))
            #expect(!record.setCas(999, base: 1000), "a difference cannot be negative")
            #expect(record.cas(base: 1000) == 1000 + UInt64(UInt32.max))
            write(RecordFields(exptime: Exptime(second: 9), cas: 1 << 50), base: 1000, to: record)
            #expect(record.setExptime(Exptime(second: 5)) && record.exptime == Exptime(second: 5))
            #expect(record.setCas(3, base: 1000) && record.cas(base: 1000) == 3)
        }
    }

    @Test("uses are counted up to their most, and the first makes the item fetched")
    func counts() {
        withRecord { record in
            write(RecordFields(cas: 1), base: 0, to: record)
            #expect(record.uses == 0 && !record.meta.contains(.fetched))
            for second in 1...5 { record.use(at: UInt32(second)) }
            #expect(record.uses == Record.usesMax && record.lastAccessSecond == 5 && record.meta.contains(.fetched))
        }
    }

    @Test("another value takes the place of one if the record stays as long and has the same fields")
    func overwrites() {
        withRecord { record in
            write(RecordFields(flags: 1, cas: 1), value: "12345", base: 0, to: record)
            // 12 + 4 + 3 + 5 bytes fill 24.
            #expect(record.fits(5, flags: 2, exptime: .never) && record.fits(0, flags: 2, exptime: .never))
            #expect(!record.fits(6, flags: 2, exptime: .never) && !record.fits(5, flags: 0, exptime: .never))
            #expect(!record.fits(5, flags: 2, exptime: Exptime(second: 3)))
            Array("abcd".utf8).withBytes { record.overwrite($0, flags: 2, exptime: .never, casDifference: 8, 3) }
            #expect(record.inlineValue.array == Array("abcd".utf8) && record.flags == 2 && record.cas(base: 0) == 8)
        }
    }
}
