// Commands of the comparison that are malformed, rare or about the server, several in one piece, and those that a server refuses
// which was started so.

extension DifferentialCommands {
    // MARK: malformed, rare, together

    mutating func malformed() -> DifferentialCommand {
        let text = one([
            "\r\n", "a\r\n", "  \r\n", "foo\r\n", "foo noreply\r\n", "GET k0\r\n",
            // memcached 1.6.18 carries it out: the key is one that is never stored, or it would be fetched on one side.
            " get k9\r\n", "get\r\n", "get \r\n",
            "gat 0\r\n", "gat x k0\r\n", "touch k0\r\n", "touch k0 x\r\n", "touch k7 2147483648\r\n", "gat x k0\r\n",
            "incr k0\r\n",
            "delete\r\n", "delete \(tooLongKey)\r\n", "get k0 \(tooLongKey)\r\n", "incr \(tooLongKey) 1\r\n",
            "set k0 0 0\r\n", "set k0 0 0 x\r\n", "set k0 0 0 -1\r\n", "set k0 0 0 2147483646\r\n",
            "set k0 -1 0 4\r\nabcd\r\n", "set k0 0 x 4\r\nabcd\r\n", "set \(tooLongKey) 0 0 4\r\nabcd\r\n",
            "cas k0 0 0 4 x\r\nabcd\r\n", "set k9 0 0 3\r\nabcdef\r\n", "set k9 0 0 3\r\nabcdefghij\r\n",
            "set k9 0 0 3 noreply\r\nabcdefghij\r\n", "mg\r\n", "mg \(tooLongKey) v\r\n", "ms k0\r\n", "ms k0 x\r\n",
            "ms k0 -1\r\n", "ms k9 3\r\nabcdefghij\r\n", "ms k9 3 q\r\nabcdefghij\r\n", "mg k0 !\r\n", "mg k0 1\r\n",
            "mg k0 z\r\n", "mg k9 O12345678901234567890123456789012\r\n", "ma k0 z\r\n", "ma k0 MX\r\n",
            "mg k0 s v t f c k h l u q O1 R30 N0 T0 b x F1 S1 I\r\n", "ma\r\n", "me\r\n", "md\r\n",
            "verbosity\r\n", "verbosity x\r\n", "flush_all x\r\n", "stats foo\r\n", "cache_memlimit x\r\n",
            "slabs\r\n", "lru\r\n", "lru_crawler\r\n", "lru_crawler x\r\n", "watch nothing\r\n", "shutdown\r\n",
            "mg k0 s v t f c k h l u q O1 R30 N0 T0 b x F1 S1 I\r\n",
        ])
        return DifferentialCommand(name: "malformed", text: text)
    }

    mutating func rare() -> DifferentialCommand {
        if chance(10) {
            let name = one(["set", "add", "append"])
            let length = one([1_048_516, 1_048_517, 1_048_517])
            let text =
                "\(name) k \(chance(2) ? 0 : 1) 0 \(length)\(noreply())\r\n" + String(repeating: "b", count: length)
            return DifferentialCommand(name: "large", text: text + "\r\n")
        }
        switch numbers.next() % 11 {
        case 8...10:
            let flag = one(["Jx", "Dx", "J-1", "D1.5", "D", "J", "b", "O12345678901234567890123456789012", "MX", "M"])
            // 1.6.18 reads the item before it refuses the opaque, and refuses an M alone: the key is one that is never stored.
            let key = flag.hasPrefix("O") || flag == "M" ? "k9" : key()
            return DifferentialCommand(name: "mg", text: "mg \(key) \(flag)\r\n")
        case 0: return DifferentialCommand(name: "flush_all", text: "flush_all\(noreply())\r\n")
        case 1: return DifferentialCommand(name: "verbosity", text: "verbosity 0\(noreply())\r\n")
        case 2: return DifferentialCommand(name: "version", text: "version\r\n")
        case 3, 4: return DifferentialCommand(name: "me", text: "me \(key())\r\n")
        case 5: return DifferentialCommand(name: "delete", text: "delete k9 \(one(["1", "x"]))\r\n")
        case 6: return DifferentialCommand(name: "mg", text: "mg \(key()) v C\(cas()) q\r\n")
        default:
            if chance(2) { return DifferentialCommand(name: "ms", text: "ms k8 2 s\r\nab\r\n") }
            return DifferentialCommand(name: "md", text: "md \(one(["k0", "k1", "k2", "k3"])) I\r\n")
        }
    }

    /// Several commands in one piece.
    mutating func pipeline() -> DifferentialCommand {
        var text = ""
        for _ in 0...Int(numbers.next() % 12) {
            switch numbers.next() % 4 {
            case 0, 1: text += get().text
            case 2: text += "set \(key()) 0 0 2\(noreply())\r\nab\r\n"
            default: text += "delete \(key())\(noreply())\r\n"
            }
        }
        return DifferentialCommand(name: "pipeline", text: text)
    }

    // MARK: about the server

    mutating func administrative() -> DifferentialCommand {
        var text = one([
            "cache_memlimit 7", "cache_memlimit 1000000001", "stats reset", "stats detail", "stats detail x",
            "stats detail x", "stats cachedump 1", "stats cachedump 64 1", "stats cachedump x 1",
            "lru_crawler enable", "lru_crawler crawl 0",
            "lru_crawler crawl 64",
            "lru_crawler crawl hash", "lru_crawler sleep 1000001", "lru_crawler sleep x", "lru_crawler tocrawl 0",
            "lru tune 50 40 0.2 2.0", "lru tune 10 20 0 2.0", "lru tune 10 20 0.2 2.0", "lru mode x",
            "slabs automove window 2", "slabs automove window 1801", "slabs automove 0", "slabs automove 3",
            "slabs reassign 5 5", "slabs reassign 30 31",
            "stats detail on\r\nget p:x\r\nset p:x 0 0 1\r\ny\r\ndelete p:x\r\nstats detail dump\r\nstats reset\r\nstats detail off",
            "slabs reassign 1 64", "slabs reassign x 1", "shutdown", "shutdown graceful",
            "stats sizes", "stats noreply", "get a", "mn", "mn x", "version x", "quit", "quit now", "GET / HTTP/1.0",
            "mg k0 v\r\nlru_crawler metadump all", "flush_all -1",
        ])
        // Where it is forbidden, `restricted` asks for it alone.
        if setup == .restricted, text.hasPrefix("stats detail on") { text = "stats detail x" }
        return DifferentialCommand(name: String(text.prefix { $0 != " " && $0 != "\r\n" }), text: text + "\r\n")
    }

    mutating func restricted() -> DifferentialCommand {
        let text = one([
            "stats detail on", "stats detail dump", "flush_all", "flush_all 10", "flush_all noreply", "watch",
            "watch fetchers", "stats cachedump 1 1",
            "lru_crawler metadump all",
        ])
        return DifferentialCommand(name: String(text.prefix { $0 != " " }), text: text + "\r\n")
    }
}
