// Every transcript, in memory: all at once, byte by byte, and cut in two at every place.
import MemStore
import Testing

@testable import MemNet
@testable import MemProtoServer

/// Bytes as text that shows every byte.
func shown(_ bytes: [UInt8]) -> String {
    bytes.map { byte in
        switch byte {
        case 10: "\\n\n"
        case 13: "\\r"
        case 32...126: String(UnicodeScalar(byte))
        default: "\\x" + String(byte, radix: 16)
        }
    }.joined()
}

/// Where two answers part, with what stands around it.
func difference(_ answer: [UInt8], _ expected: [UInt8]) -> String {
    let place = zip(answer, expected).prefix { $0 == $1 }.count
    let start = max(0, place - 60)
    func around(_ bytes: [UInt8]) -> String { shown(Array(bytes.dropFirst(start).prefix(160))) }
    return "at byte \(place): got\n\(around(answer))\nexpected\n\(around(expected))"
}

@Suite struct TranscriptTests {
    private func server(_ transcript: Transcript) throws -> TestServer {
        var configuration = ServerConfiguration()
        var store = StoreConfiguration()
        transcript.configure(&configuration, &store)
        store.memoryLimitBytes = 16 << 20
        return try TestServer(configuration, memoryLimitBytes: 16 << 20) { $0 = store }
    }

    /// The counters named in a transcript, as `stats` shows them.
    private func counters(_ connection: TestConnection, _ transcript: Transcript) -> [String: Int] {
        if transcript.counters.isEmpty { return [:] }
        var values: [String: Int] = [:]
        for line in connection.send("stats\r\n").split(separator: "\r\n") {
            let words = line.split(separator: " ")
            if words.count == 3, transcript.counters[String(words[1])] != nil {
                values[String(words[1])] = Int(words[2])
            }
        }
        return values
    }

    private func check(_ transcript: Transcript, _ send: (TestConnection, [UInt8]) -> [UInt8]) throws {
        let server = try server(transcript)
        let observer = TestConnection(server)
        observer.connection.value.isAuthenticated = true
        let before = counters(observer, transcript)
        let connection = TestConnection(server)
        for step in transcript.steps {
            switch step {
            case .exchange(let sent, let expected):
                let answer = send(connection, sent)
                if answer != expected { Issue.record("\(transcript): \(difference(answer, expected))") }
            case .advance(let seconds):
                server.store.clock.advance(bySeconds: seconds)
            case .closed:
                #expect(connection.isClosed, "\(transcript)")
            }
        }
        let after = counters(observer, transcript)
        for (name, change) in transcript.counters {
            #expect((after[name] ?? -1) - (before[name] ?? 0) == change, "\(transcript): \(name)")
        }
    }

    @Test("transcripts hold in memory", arguments: Transcript.all)
    func whole(transcript: Transcript) throws {
        try check(transcript) { $0.send($1) }
    }

    @Test("transcripts hold byte by byte", arguments: Transcript.all)
    func byteByByte(transcript: Transcript) throws {
        try check(transcript) { connection, sent in sent.flatMap { connection.send([$0]) } }
    }

    @Test("transcripts hold cut in two at every place", arguments: Transcript.all)
    func cutInTwo(transcript: Transcript) throws {
        let longest =
            transcript.steps.map { step in
                if case .exchange(let sent, _) = step { sent.count } else { 0 }
            }.max() ?? 0
        // Long values are cut around their ends only; the middle is like the middle.
        let cuts = longest <= 600 ? Array(1..<max(2, longest)) : Array(1...80) + Array((longest - 80)..<longest)
        for cut in cuts {
            try check(transcript) { connection, sent in
                connection.send(Array(sent.prefix(cut))) + connection.send(Array(sent.dropFirst(cut)))
            }
        }
    }

    @Test("there are transcripts of every command")
    func complete() {
        let sent = Transcript.all.flatMap(\.steps).flatMap { step -> [UInt8] in
            if case .exchange(let sent, _) = step { sent } else { [] }
        }
        let text = String(decoding: sent, as: UTF8.self)
        for keyword in Keyword.allCases {
            let isThere = text.contains("\(keyword)")
            #expect(isThere, "no transcript of \(keyword)")
        }
    }
}
