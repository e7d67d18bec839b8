// A line of the index: places, tags and the two numbers in its header, which share one word.
import Testing

@testable import MemStore

@Suite struct IndexLineTests {
    private func withLine(_ body: (IndexLine) -> Void) {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: IndexLine.sizeBytes, alignment: 64)
        defer { unsafe memory.deallocate() }
        let line = unsafe IndexLine(at: memory)
        line.clear()
        body(line)
    }

    @Test("a line fills place by place, and finds all that have a tag")
    func fills() {
        withLine { line in
            #expect(line.isEmpty)
            for number in 0..<IndexLine.placeCount {
                let place = line.freePlace
                #expect(place == number)
                line.set(number, tag: number % 2 == 0 ? 0x80 : 0x7f, reference: UInt32(1000 + number))
            }
            #expect(line.freePlace == nil && !line.isEmpty)
            #expect(line.places(withTag: 0x80) == 0b0101_0101_0101 && line.places(withTag: 0x7f) == 0b1010_1010_1010)
            #expect(line.places(withTag: 1) == 0)
            #expect((0..<12).allSatisfy { line.reference($0) == UInt32(1000 + $0) })
            line.set(4, tag: 0, reference: 0)
            #expect(line.freePlace == 4)
        }
    }

    @Test("the count of what is spilled sticks at its most, and does not touch the number of the spill line")
    func header() {
        withLine { line in
            line.spillLine = 0xff_ffff
            line.spilledCount = 254
            #expect(line.spilledCount == 254 && line.spillLine == 0xff_ffff)
            line.spilledCount += 5
            #expect(line.spilledCount == 255 && line.spillLine == 0xff_ffff)
            line.spillLine = 3
            #expect(line.spilledCount == 255 && line.spillLine == 3)
            #expect(line.isEmpty && line.places(withTag: 3) == 0)
        }
    }
}
