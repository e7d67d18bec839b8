// ServerEndTests: how the monitor judges a server that is to end, and how long it waits.
import Glibc
import Testing

@testable import memfisd

@Suite struct ServerEndTests {
    @Test(
        "a server that was asked to stop is killed after the grace, once, and given up when the system does not end it")
    func stopAsked() {
        var patience = Patience()
        #expect(!patience.hasDeadline && patience.step(nowMilliseconds: 1 << 40) == .wait)
        patience.stopIsAsked(nowMilliseconds: 1000)
        let killed = 1000 + Patience.stopGraceMilliseconds
        #expect(patience.hasDeadline && patience.step(nowMilliseconds: killed - 1) == .wait)
        #expect(patience.step(nowMilliseconds: killed) == .kill)
        #expect(patience.step(nowMilliseconds: killed) == .wait)
        let givenUp = killed + Patience.endGraceMilliseconds
        #expect(patience.step(nowMilliseconds: givenUp - 1) == .wait)
        #expect(patience.step(nowMilliseconds: givenUp) == .giveUp)
    }

    @Test("further signals give a stopping server no more time")
    func askedAgain() {
        var patience = Patience()
        patience.stopIsAsked(nowMilliseconds: 0)
        patience.stopIsAsked(nowMilliseconds: Patience.stopGraceMilliseconds - 1)
        #expect(patience.step(nowMilliseconds: Patience.stopGraceMilliseconds) == .kill)
    }

    @Test("a server that is ending already is not killed, and its end is waited for so long only")
    func endSeen() {
        var patience = Patience()
        patience.endIsSeen(nowMilliseconds: 0)
        patience.endIsSeen(nowMilliseconds: 5000)
        patience.stopIsAsked(nowMilliseconds: 6000)
        #expect(patience.step(nowMilliseconds: Patience.endGraceMilliseconds - 1) == .wait)
        #expect(patience.step(nowMilliseconds: Patience.endGraceMilliseconds) == .giveUp)
    }

    @Test("a process whose first thread is a zombie is dying, one whose core is written is not alive either")
    func states() {
        #expect(ProcessState.parse("Name:\tmemfisd\nState:\tS (sleeping)\nCoreDumping:\t0\n") == .alive)
        #expect(ProcessState.parse("Name:\tZ\nState:\tD (disk sleep)\nCoreDumping:\t1\n") == .dumpingCore)
        #expect(ProcessState.parse("Name:\tmemfisd\nState:\tZ (zombie)\n") == .dying)
        #expect(ProcessState.parse("Name:\tmemfisd\nState:\tX (dead)\n") == .dying)
        #expect(ProcessState.parse("") == .alive)
        #expect(ProcessState.of(getpid()) == .alive && ProcessState.of(-1) == .alive)
    }
}
