// Sets in their usual form, which are gathered: their order, their limits, and what is no usual form.
import MemStore
import Testing

@testable import MemNet
@testable import MemProtoServer

@Suite("Gathered sets") struct SetBatchTests {
    private func entry(_ line: String) -> SetEntry? {
        Array(line.utf8).withBytes { SetEntry($0, at: 100) }
    }

    @Test("a set in its usual form is read with its numbers")
    func usualForm() throws {
        let plain = try #require(entry("set key 7 0 12"))
        #expect(plain.keyStart == 104 && plain.keyCount == 3)
        #expect(plain.flags == 7 && plain.exptimeNumber == 0 && plain.valueCount == 12 && !plain.isNoreply)
        let quiet = try #require(entry("set k 4294967 999999999 0 noreply"))
        #expect(quiet.flags == 4_294_967 && quiet.exptimeNumber == 999_999_999 && quiet.isNoreply)
        #expect(entry("set \(String(repeating: "k", count: 250)) 0 0 1") != nil)
    }

    @Test(
        "any other form is left to the general parser",
        arguments: [
            "set", "set ", "set k", "set k 0", "set k 0 0", "set k 0 0 ", "set  k 0 0 1", "set k  0 0 1",
            "set k 0 0 1 ",
            "set k -1 0 1", "set k 0 -1 1", "set k 0 0 -1", "set k 0 0 1x", "set k 0 0 1 noreplyx",
            "set k 0 0 1 norepl",
            "set k 1234567890 0 1", "set k 0 0 1 2", "set k +1 0 1",
            "set kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
                + "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
                + "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk 0 0 1",
        ])
    func otherForms(line: String) { #expect(entry(line) == nil) }

    @Test("more sets than a batch holds are answered in order, and the last of a key wins")
    func many() throws {
        let connection = TestConnection(try TestServer())
        var input = ""
        for number in 0..<100 { input += "set k\(number % 40) \(number) 0 \("\(number)".count)\r\n\(number)\r\n" }
        #expect(connection.send(input) == String(repeating: "STORED\r\n", count: 100))
        #expect(
            connection.send("get k0 k19 k20 k39\r\n")
                == "VALUE k0 80 2\r\n80\r\nVALUE k19 99 2\r\n99\r\nVALUE k20 60 2\r\n60\r\nVALUE k39 79 2\r\n79\r\nEND\r\n"
        )
    }

    @Test("sets between other commands take effect in their order")
    func mixed() throws {
        let connection = TestConnection(try TestServer())
        #expect(
            connection.send(
                "get a\r\nset a 0 0 1\r\n1\r\nget a\r\nset a 0 0 1 noreply\r\n2\r\nset a 0 0 1\r\n3\r\nincr a 4\r\n"
                    + "set b 0 0 1\r\nx\r\nadd b 0 0 1\r\ny\r\nset a 0 0 1\r\n5\r\nget a\r\nset a 0 0 2\r\n6\r\n")
                == "END\r\nSTORED\r\nVALUE a 0 1\r\n1\r\nEND\r\nSTORED\r\n7\r\nSTORED\r\nNOT_STORED\r\nSTORED\r\n"
                + "VALUE a 0 1\r\n5\r\nEND\r\n")
        // The last value has no line end where it should: more bytes show that it is broken.
        #expect(connection.send("\r\n").hasPrefix("CLIENT_ERROR bad data chunk\r\n"))
    }

    @Test("a set that is cut anywhere is stored when the rest arrives")
    func cut() throws {
        let connection = TestConnection(try TestServer())
        let input = Array("set a 1 0 3\r\nabc\r\nset b 2 0 3\r\ndef\r\nget a b\r\n".utf8)
        let expected = "STORED\r\nSTORED\r\nVALUE a 1 3\r\nabc\r\nVALUE b 2 3\r\ndef\r\nEND\r\n"
        for place in 0...input.count {
            let answer = connection.send(Array(input[..<place])) + connection.send(Array(input[place...]))
            #expect(String(decoding: answer, as: UTF8.self) == expected)
        }
    }

    @Test("a set that finds no memory says so and takes the old value away")
    func noMemory() throws {
        let server = try TestServer(memoryLimitBytes: 1 << 20) { $0.evictsItems = false }
        let connection = TestConnection(server)
        let value = String(repeating: "v", count: 10000)
        var refused = 0
        for number in 0..<200 {
            let answer = connection.send(
                "set k\(number) 0 0 10000\r\n\(value)\r\nset k\(number) 0 0 10000\r\n\(value)\r\n")
            if answer.contains("SERVER_ERROR out of memory storing object\r\n") {
                refused += 1
                #expect(connection.send("get k\(number)\r\n") == "END\r\n" || answer.hasSuffix("STORED\r\n"))
            }
        }
        #expect(refused > 0)
    }
}
