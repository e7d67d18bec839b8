// Which threads of a mount take requests.
import Glibc
import MemStore
import Testing

@testable import MemFS

@Suite("Turns at the device")
struct RequestTurnsTests {
    @Test("a second thread gets the turn when the first gives it away, and not before")
    func handOver() throws {
        let turns = RequestTurns(threadCount: 2)
        let (isGiven, wasGiven) = (AtomicWord(), AtomicWord())
        #expect(turns.take())
        let second = try Thread.start(name: "second") {
            guard turns.take() else { return }
            wasGiven.value = isGiven.value
            turns.giveAway()
        }
        isGiven.value = 1
        turns.giveAway()
        second.join()
        #expect(wasGiven.value == 1)
    }

    @Test("turns are added up to one for each thread, and the last one cannot be left")
    func count() {
        let turns = RequestTurns(threadCount: 2)
        #expect(turns.take())
        #expect(!turns.isShared)
        turns.add()
        turns.add()
        #expect(turns.isShared)
        #expect(turns.take())
        #expect(turns.leave())
        #expect(!turns.isShared)
        #expect(!turns.leave())
    }

    @Test("after the end nobody gets a turn, those who wait for one neither")
    func close() throws {
        let turns = RequestTurns(threadCount: 2)
        let answer = AtomicWord(2)
        #expect(turns.take())
        let second = try Thread.start(name: "second") { answer.value = turns.take() ? 1 : 0 }
        turns.close()
        second.join()
        #expect(answer.value == 0)
        #expect(!turns.take())
    }

    @Test("help is called when requests were there already many times, and the thread did not sleep meanwhile")
    func backlog() {
        var pace = RequestPace()
        var sleeps = 1
        func advise(times: Int, nanoseconds: UInt64) -> [RequestPace.Advice] {
            (0..<times).map { _ in pace.advice(after: nanoseconds, isShared: false) { sleeps } }
        }
        // How often it had slept before is not known in the beginning.
        #expect(advise(times: 16, nanoseconds: 500).allSatisfy { $0 == .goOn })
        #expect(advise(times: 15, nanoseconds: 500).allSatisfy { $0 == .goOn })
        #expect(advise(times: 1, nanoseconds: 500) == [.callHelp])
        #expect(advise(times: 15, nanoseconds: 500).allSatisfy { $0 == .goOn })
        #expect(advise(times: 1, nanoseconds: 5_000) == [.goOn])
        #expect(advise(times: 15, nanoseconds: 500).allSatisfy { $0 == .goOn })
        sleeps = 2
        #expect(advise(times: 1, nanoseconds: 500) == [.goOn])
    }

    @Test("who waits long beside others leaves; alone it stays")
    func leaving() {
        var pace = RequestPace()
        #expect(pace.advice(after: 30_000, isShared: true) { 0 } == .leave)
        #expect(pace.advice(after: 30_000, isShared: false) { 0 } == .goOn)
        #expect(pace.advice(after: 10_000, isShared: true) { 0 } == .goOn)
    }
}
