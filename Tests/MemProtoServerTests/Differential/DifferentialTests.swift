// The same random commands go to Debian's memcached 1.6.18 and to a connection in memory, cut at random bytes, on clocks that
// move together. Their answers are the same, or one of the listed differences, each of which must occur.
import Glibc
import Testing

@testable import MemNet
@testable import MemProtoServer

@Suite(.serialized) struct DifferentialTests {
    /// How many commands: more with MEMFIS_DIFFERENTIAL_COMMANDS in the environment.
    private static var count: Int {
        guard let text = unsafe getenv("MEMFIS_DIFFERENTIAL_COMMANDS") else { return 100_000 }
        return Int(unsafe String(cString: text)) ?? 100_000
    }

    @Test("memcached answers the same, but for the listed differences, each of which occurs")
    func same() throws {
        var run = try DifferentialRun(seed: 20_261_123)
        try run.send(count: Self.count * 19 / 20)
        try run.restart(.restricted)
        try run.send(count: Self.count / 20)
        for mismatch in run.mismatches { Issue.record("\(mismatch)") }
        for (difference, uses) in zip(KnownDifference.all, run.uses) {
            #expect(uses > 0, "a listed difference did not occur: \(difference.reason)")
        }
        run.print()
        for reply in DifferentialReplies.all {
            let count = run.replies[reply] ?? 0
            // A short run by hand asks for less.
            #expect(count >= min(100, Self.count / 1000), "a reply hardly occurred, \(count) times: \(reply)")
        }
    }

    @Test("memcached 1.6.18 loses the expiry that ma gives to a number that grows, and here it stays")
    func growing() throws {
        let text = "set a 0 0 2\r\n99\r\nma a T100 t\r\nmg a t v\r\n"
        let reference = try ReferenceServer()
        reference.client.expect("STORED\r\nHD t100\r\nVA 3 t-1\r\n100\r\n", to: text)
        #expect(TestConnection(try TestServer()).send(text) == "STORED\r\nHD t100\r\nVA 3 t100\r\n100\r\n")
    }

    @Test(
        "one wrong answer is noticed",
        arguments: [
            ("STORED", "NOT_STORED"), ("HD", "EN"), ("NOT_FOUND", "DELETED"), ("VA ", "VB "), ("END", "END "),
            ("CLIENT_ERROR bad data chunk", "ERROR"), (" W", ""), ("EXISTS", "STORED"), ("VALUE k0 0 ", "VALUE k0 1 "),
        ])
    func noticed(right: String, wrong: String) throws {
        var run = try DifferentialRun(seed: 7)
        var isSpoilt = false
        run.spoil = { answer in
            if isSpoilt || !answer.contains(right) { return answer }
            isSpoilt = true
            return answer.replacing(right, with: wrong, maxReplacements: 1)
        }
        try run.send(count: 2000)
        #expect(isSpoilt)
        #expect(run.mismatches.count == 1)
    }
}
