// The kept end of a connection's input: what is kept is what comes back, whatever is used up and added between.
import MemStore
import Testing

@testable import MemNet

@Suite struct KeptInputTests {
    private func add(_ bytes: [UInt8], to kept: inout KeptInput, room: Int? = nil) {
        let place = unsafe kept.room(room ?? bytes.count)
        #expect(place.count >= bytes.count)
        bytes.withBytes { unsafe $0.copy(to: place.baseAddress!) }
        kept.grow(by: bytes.count)
    }

    @Test("nothing takes no memory, and what is freed is gone")
    func empty() {
        var kept = KeptInput()
        #expect(kept.isEmpty && kept.count == 0 && kept.capacityBytes == 0 && kept.bytes.isEmpty)
        [UInt8](repeating: 1, count: 10).withBytes { kept.keep($0) }
        #expect(kept.count == 10 && kept.capacityBytes == 10)
        kept.keep(.empty)
        #expect(kept.isEmpty && kept.capacityBytes == 0)
        kept.free()
    }

    @Test("input that is added and used up in any lengths stays as it came")
    func model() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var kept = KeptInput()
            var model: [UInt8] = []
            for _ in 0..<30 {
                if Bool.random(using: &generator) {
                    let bytes = (0..<Int.random(in: 0...3000)).map { _ in UInt8.random(in: 0...255) }
                    add(bytes, to: &kept, room: bytes.count + Int.random(in: 0...5000))
                    model += bytes
                } else {
                    let used = Int.random(in: 0...model.count)
                    kept.keep(kept.bytes[used..<kept.count])
                    model.removeFirst(used)
                }
                #expect(kept.bytes.array == model)
                #expect(kept.capacityBytes >= model.count)
            }
            kept.free()
        }
    }

    @Test("the end of what is kept is not moved, and large memory is given back when little of it is in use")
    func places() {
        var kept = KeptInput()
        add([UInt8](repeating: 7, count: 1_000_000), to: &kept)
        let start = unsafe kept.bytes.pointer!
        kept.keep(kept.bytes[400_000..<1_000_000])
        #expect(unsafe kept.bytes.pointer! == start + 400_000)
        kept.keep(kept.bytes[500_000..<600_000])
        #expect(kept.count == 100_000 && kept.capacityBytes == 100_000)
        kept.free()
    }

    @Test("memory grows by a mebibyte at most, beside what is asked for")
    func growth() {
        var kept = KeptInput()
        add([UInt8](repeating: 7, count: 10 << 20), to: &kept)
        add([1], to: &kept)
        #expect(kept.capacityBytes <= 11 << 20)
        kept.free()
    }
}
