// When the kernel is told of changed contents again.
import MemStore
import Testing

@testable import MemFS

@Suite("Repeated notices")
struct NoticeRepetitionTests {
    @Test("a file is told again at growing distances from its last change, then no more")
    func distances() {
        var repetitions = NoticeRepetitions()
        repetitions.note(Ino(5), nowMilliseconds: 0)
        repetitions.note(Ino(5), nowMilliseconds: 100)
        var now: Int64 = 100
        for delay in NoticeRepetitions.delaysMilliseconds {
            #expect(repetitions.takeDue(nowMilliseconds: now + delay - 1) == [])
            now += delay
            #expect(repetitions.nextMilliseconds == now)
            #expect(repetitions.takeDue(nowMilliseconds: now) == [Ino(5)])
        }
        #expect(repetitions.isEmpty && repetitions.nextMilliseconds == nil)
    }

    @Test("files beyond the bound are left out, those that wait are not lost")
    func bound() {
        var repetitions = NoticeRepetitions()
        for number in 0...NoticeRepetitions.filesMax { repetitions.note(Ino(UInt64(number + 1)), nowMilliseconds: 0) }
        repetitions.note(Ino(1), nowMilliseconds: 1)
        #expect(repetitions.count == NoticeRepetitions.filesMax)
        #expect(repetitions.takeDue(nowMilliseconds: 500).count == NoticeRepetitions.filesMax - 1)
    }
}
