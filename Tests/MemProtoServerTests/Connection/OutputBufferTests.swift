// The output buffer: what is written, moved, taken back and sent.
import Glibc
import MemStore
import Testing

@testable import MemNet
@testable import MemProtoServer

/// Checks what a buffer has to send, without references. (The macro takes no buffer: it cannot be copied.)
private func expect(_ output: borrowing OutputBuffer, _ expected: String) {
    let text = output.unsent.text
    #expect(text == expected)
}

private func expectEmpty(_ output: borrowing OutputBuffer) {
    let isEmpty = output.isEmpty
    #expect(isEmpty)
}

@Suite struct OutputBufferTests {
    @Test("numbers are written in decimal at every length")
    func numbers() {
        var number: UInt64 = 1
        for _ in 0..<20 {
            for candidate in [number &- 1, number, number &+ 1] {
                var output = OutputBuffer(capacity: 8)
                output.write(number: candidate)
                expect(output, "\(candidate)")
            }
            number = number &* 10
        }
        var output = OutputBuffer(capacity: 8)
        output.write(signed: Int64.min)
        output.write(number: .max)
        expect(output, "\(Int64.min)\(UInt64.max)")
    }

    @Test("the line of a hit shows flags, length and cas at every number of digits")
    func hits() {
        let numbers: [UInt32] = [0, 9, 10, 99, 100, 123, 999, 1000, 65_536, .max]
        for flags in numbers {
            for cas in [nil, 5, UInt64.max] {
                var output = OutputBuffer(capacity: 8)
                Array("some/key".utf8).withBytes { key in
                    output.writeHit(key, flags: flags, cas: cas, size: Int(flags), tail: .empty)
                    output.writeHit(key, flags: flags, cas: cas, size: 3, tail: ("abc" as StaticString).bytes)
                }
                output.writeEnd()
                output.writeStored()
                let shown = cas.map { " \($0)" } ?? ""
                expect(
                    output,
                    "VALUE some/key \(flags) \(flags)\(shown)\r\nVALUE some/key \(flags) 3\(shown)\r\nabc\r\n"
                        + "END\r\nSTORED\r\n")
            }
        }
    }

    @Test(
        "the length of a file that passes 32 bits is shown in full", arguments: [4_294_967_296, 4_404_019_200, Int.max])
    func longHits(size: Int) {
        var output = OutputBuffer(capacity: 8)
        Array("f".utf8).withBytes { output.writeHit($0, flags: .max, cas: .max, size: size, tail: .empty) }
        expect(output, "VALUE f \(UInt32.max) \(size) \(UInt64.max)\r\n")
    }

    @Test("what is set aside is not sent with the rest, and its memory is free when it was sent")
    func setAside() {
        var output = OutputBuffer(capacity: 64)
        output.write("first")
        let first = output.setAside()
        expectEmpty(output)
        output.write("second")
        expect(output, "second")
        let text = output.part(first).text
        #expect(text == "first")
        output.endSetAside()
        expect(output, "second")
        let second = output.setAside()
        #expect(second == 5..<11)
        output.endSetAside()
        let count = output.count
        #expect(count == 0)
    }

    @Test("a buffer grows with what is written and keeps it")
    func growth() {
        var output = OutputBuffer(capacity: 64)
        var expected = ""
        for index in 0..<500 {
            output.write(text: "line \(index)\r\n")
            expected += "line \(index)\r\n"
        }
        expect(output, expected)
    }

    @Test("the rest moves to a buffer of its own and the first is empty")
    func rest() {
        var output = OutputBuffer(capacity: 64)
        output.write("abcdef")
        output.sentCount = 2
        let rest = output.takeRest()
        expect(rest, "cdef")
        expectEmpty(output)
    }

    @Test("a hit is written as one line and the value")
    func hit() {
        var output = OutputBuffer(capacity: 8)
        withText("key") { key in
            withText("value") { output.writeHit(key, flags: .max, cas: 17, size: 5, tail: $0) }
        }
        expect(output, "VALUE key 4294967295 5 17\r\nvalue\r\n")
    }

    @Test("a large value goes out by reference, in pieces, whatever the socket takes at once")
    func references() throws {
        let server = try TestServer()
        let session = server.store.makeSession()
        defer { session.end() }
        let value = (0..<900_001).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }
        let key = Array("large".utf8)
        let outcome = value.withBytes { bytes in
            key.withBytes { session.store($0, hash: session.hash($0), value: bytes, StoreCommand(mode: .set)).outcome }
        }
        #expect(outcome == .done)
        var output = OutputBuffer(capacity: 64)
        output.write("<")
        for _ in 0..<3 {
            key.withBytes { key in
                let view = session.beginGet(key, hash: session.hash(key))
                #expect(view.headLength > 0)
                output.write(reference: session.lease(view))
                output.write(view.tail)
                output.write("|")
                session.endGet(view)
            }
        }
        // The item may go while it is being sent.
        _ = key.withBytes { session.delete($0, hash: session.hash($0), DeleteCommand()) }
        var received = try sendThroughSmallSocket(&output, StoreContents(session))
        #expect(received.removeFirst() == UInt8(ascii: "<"))
        #expect(received == value + [0x7c] + value + [0x7c] + value + [0x7c])
        expectEmpty(output)
    }

    @Test("a reference sends the bytes of its range and nothing else, wherever it begins and ends")
    func ranges() throws {
        let server = try TestServer()
        let session = server.store.makeSession()
        defer { session.end() }
        let value = (0..<100_001).map { UInt8(truncatingIfNeeded: $0 &* 13 ^ $0 >> 8) }
        let key = Array("large".utf8)
        _ = value.withBytes { bytes in
            key.withBytes { session.store($0, hash: session.hash($0), value: bytes, StoreCommand(mode: .set)) }
        }
        var output = OutputBuffer(capacity: 64)
        var expected: [UInt8] = []
        for (offset, length) in [(0, 1), (1, 100_000), (16_383, 2), (16_384, 16_384), (100_000, 1), (5, 70_000)] {
            key.withBytes { key in
                let view = session.beginGet(key, hash: session.hash(key))
                let words = session.lease(view).words
                output.write(reference: ContentToken(words.0, words.1), offset: offset, length: length)
                session.endGet(view)
            }
            output.write("|")
            expected += value[offset..<offset + length] + [0x7c]
        }
        let received = try sendThroughSmallSocket(&output, StoreContents(session))
        #expect(received == expected)
    }

    /// Sends all of `output` through a pair of sockets, moving the rest to a new buffer whenever the socket is full.
    private func sendThroughSmallSocket(_ output: inout OutputBuffer, _ contents: StoreContents) throws -> [UInt8] {
        var pair: [Int32] = [0, 0]
        #expect(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
        defer { for descriptor in pair { close(descriptor) } }
        var scratch = SendScratch()
        defer { scratch.destroy() }
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 50_021)
        var sentBytes: UInt64 = 0
        while true {
            let result = output.send(to: pair[0], contents, scratch: &scratch, sentBytes: &sentBytes)
            if case .failed = result { Issue.record("the socket failed") }
            if case .blocked = result { output = output.takeRest() }
            var isDone = false
            if case .done = result { isDone = true }
            repeat {
                let length = unsafe recv(pair[1], &buffer, buffer.count, Int32(MSG_DONTWAIT))
                if length <= 0 { break }
                received += buffer[..<length]
            } while isDone
            if isDone { break }
        }
        #expect(sentBytes == UInt64(received.count))
        return received
    }
}
