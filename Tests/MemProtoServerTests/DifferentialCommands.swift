// Random commands for the comparison with memcached: valid ones, malformed ones, few keys so that most of them hit.
// Expiries are either far away or long past, so that the two clocks need not agree to the second.

/// A generator of numbers that are the same for the same seed. Source: SplitMix64, a public domain algorithm.
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }
}

/// One thing to send. `{cas N}` stands for the N-th cas that was seen, which is another number on either side.
struct DifferentialCommand {
    var name: String
    var text: String
}

/// Makes commands.
struct DifferentialCommands {
    var numbers: SeededNumbers
    /// Cas tokens seen so far.
    var casCount = 0

    init(seed: UInt64) { numbers = SeededNumbers(state: seed) }

    private mutating func one<T>(_ choices: [T]) -> T { choices[Int(numbers.next() % UInt64(choices.count))] }
    private mutating func chance(_ part: UInt64) -> Bool { numbers.next() % part == 0 }

    private mutating func key() -> String {
        if chance(25) { return one([longKey, "tab\tkey", "\u{7f}k", "ключ", "a/b?c=d"]) }
        return one(["k0", "k1", "k2", "k3", "k4"])
    }

    private let longKey = String(repeating: "l", count: 250)
    private let tooLongKey = String(repeating: "l", count: 251)

    private mutating func value() -> String {
        if chance(3) { return one(["1", "10", "99", "18446744073709551615", "12 3", " 7", "-1", "0x10", "", "007"]) }
        let length = chance(60) ? one([17000, 40000, 70000, 300_000]) : one([1, 2, 5, 30, 100, 500, 2000, 5000])
        return String(repeating: one(["x", "y", "zw"]), count: length)
    }

    private mutating func exptime() -> String { one(["0", "0", "0", "1500", "2500", "100500", "-1", "2592001"]) }
    private mutating func noreply() -> String { chance(8) ? " noreply" : "" }
    private mutating func cas() -> String {
        if casCount == 0 || chance(10) { return one(["0", "18446744073709551615"]) }
        // Late ones are mostly those that items still have.
        let back = Int(numbers.next() % UInt64(chance(2) ? min(casCount, 8) : casCount))
        return "{cas \(casCount - 1 - back)}"
    }

    /// The next command.
    mutating func next() -> DifferentialCommand {
        switch numbers.next() % 20 {
        case 0...2: return get()
        case 3...6: return storage()
        case 7:
            return DifferentialCommand(name: "delete", text: "delete \(key())\(chance(4) ? " 0" : "")\(noreply())\r\n")
        case 8: return arithmetic()
        case 9: return touch()
        case 10...12: return metaGet()
        case 13, 14: return metaSet()
        case 15: return metaDelete()
        case 16: return metaArithmetic()
        case 17: return malformed()
        case 18: return pipeline()
        default: return rare()
        }
    }

    private mutating func keys(_ most: Int) -> String {
        (0...Int(numbers.next() % UInt64(most))).map { _ in key() }.joined(separator: chance(9) ? "  " : " ")
    }

    private mutating func get() -> DifferentialCommand {
        let name = one(["get", "gets"])
        return DifferentialCommand(name: name, text: "\(name) \(keys(chance(10) ? 60 : 3))\(chance(9) ? " " : "")\r\n")
    }

    private mutating func touch() -> DifferentialCommand {
        let name = one(["touch", "gat", "gats"])
        if name == "touch" {
            return DifferentialCommand(name: name, text: "touch \(key()) \(exptime())\(noreply())\r\n")
        }
        return DifferentialCommand(name: name, text: "\(name) \(exptime()) \(keys(3))\r\n")
    }

    private mutating func storage() -> DifferentialCommand {
        let name = one(["set", "set", "set", "add", "replace", "append", "prepend", "cas"])
        let value = value()
        let flags = one(["0", "0", "7", "4294967295", "4294967296", "+5"])
        let token = name == "cas" ? " \(cas())" : ""
        return DifferentialCommand(
            name: name,
            text: "\(name) \(key()) \(flags) \(exptime()) \(value.utf8.count)\(token)\(noreply())\r\n\(value)\r\n")
    }

    private mutating func arithmetic() -> DifferentialCommand {
        let name = one(["incr", "decr"])
        let delta = one(["1", "1", "10", "18446744073709551615", "18446744073709551616", "x", "-1", "0"])
        return DifferentialCommand(name: name, text: "\(name) \(key()) \(delta)\(noreply())\r\n")
    }

    // MARK: meta

    private mutating func flags(_ choices: [String], most: Int) -> String {
        var left = choices
        var text = ""
        for _ in 0..<Int(numbers.next() % UInt64(most + 1)) where !left.isEmpty {
            // A letter twice is an error: now and then.
            let index = Int(numbers.next() % UInt64(left.count))
            text += " " + left[index]
            if !chance(60) { left.remove(at: index) }
        }
        return text
    }

    private mutating func metaKey() -> (key: String, flag: String) {
        chance(8) ? (one(["Zm9v", "AAEC", "k1", "Zm9vYmE="]), " b") : (key(), "")
    }

    private mutating func metaGet() -> DifferentialCommand {
        let (key, flag) = metaKey()
        let asked = flags(
            [
                "v", "k", "c", "f", "h", "s", "t", "u", "q", "O123", "O", "T1500", "T0", "T-1", "N2500", "R30", "R2000",
                "Tx", "l",
            ], most: 7)
        return DifferentialCommand(name: "mg", text: "mg \(key)\(flag)\(asked)\r\n")
    }

    private mutating func metaSet() -> DifferentialCommand {
        let (key, flag) = metaKey()
        let value = value()
        let asked = flags(
            [
                "k", "c", "q", "Oabc", "T1500", "T0", "T-1", "F5", "F0", "C\(cas())", "I",
                one(["MS", "ME", "MA", "MP", "MR", "MX"]),
                "Cx", "f", "v",
            ], most: 5)
        return DifferentialCommand(name: "ms", text: "ms \(key) \(value.utf8.count)\(flag)\(asked)\r\n\(value)\r\n")
    }

    private mutating func metaDelete() -> DifferentialCommand {
        let (key, flag) = metaKey()
        let asked = flags(["k", "q", "O9", "I", "T1500", "C\(cas())", "v"], most: 4)
        return DifferentialCommand(name: "md", text: "md \(key)\(flag)\(asked)\r\n")
    }

    private mutating func metaArithmetic() -> DifferentialCommand {
        let (key, flag) = metaKey()
        let asked = flags(
            [
                "v", "t", "c", "k", "q", "O7", "D10", "D18446744073709551615", "N2500", "J13", "T1500",
                one(["MI", "MD", "M+", "M-", "MX"]), "C\(cas())", "Dx",
            ], most: 5)
        return DifferentialCommand(name: "ma", text: "ma \(key)\(flag)\(asked)\r\n")
    }

    // MARK: malformed, rare, together

    private mutating func malformed() -> DifferentialCommand {
        let text = one([
            "\r\n", "a\r\n", "  \r\n", "foo\r\n", "foo noreply\r\n", "GET k0\r\n", " get k0\r\n", "get\r\n", "get \r\n",
            "gat 0\r\n", "gat x k0\r\n", "touch k0\r\n", "touch k0 x\r\n", "touch k7 2147483648\r\n", "incr k0\r\n",
            "delete\r\n", "delete \(tooLongKey)\r\n", "get k0 \(tooLongKey)\r\n", "incr \(tooLongKey) 1\r\n",
            "set k0 0 0\r\n", "set k0 0 0 x\r\n", "set k0 0 0 -1\r\n", "set k0 0 0 2147483646\r\n",
            "set k0 -1 0 4\r\nabcd\r\n", "set k0 0 x 4\r\nabcd\r\n", "set \(tooLongKey) 0 0 4\r\nabcd\r\n",
            "cas k0 0 0 4 x\r\nabcd\r\n", "set k9 0 0 3\r\nabcdef\r\n", "set k9 0 0 3\r\nabcdefghij\r\n",
            "set k9 0 0 3 noreply\r\nabcdefghij\r\n", "mg\r\n", "mg \(tooLongKey) v\r\n", "ms k0\r\n", "ms k0 x\r\n",
            "ms k0 -1\r\n", "ms k9 3\r\nabcdefghij\r\n", "ms k9 3 q\r\nabcdefghij\r\n", "mg k0 !\r\n", "mg k0 1\r\n",
            "mg k0 z\r\n", "mg k0 O12345678901234567890123456789012\r\n", "ma k0 z\r\n", "ma\r\n", "me\r\n", "md\r\n",
            "verbosity\r\n", "verbosity x\r\n", "flush_all x\r\n", "stats foo\r\n", "cache_memlimit x\r\n",
            "slabs\r\n", "lru\r\n", "lru_crawler\r\n", "lru_crawler x\r\n", "watch nothing\r\n", "shutdown\r\n",
            "mg k0 s v t f c k h l u q O1 R30 N0 T0 b x F1 S1 I\r\n",
        ])
        return DifferentialCommand(name: "malformed", text: text)
    }

    private mutating func rare() -> DifferentialCommand {
        if chance(12) {
            let name = one(["set", "add", "append"])
            let length = one([1_048_516, 1_048_517, 1_100_000])
            let text =
                "\(name) k \(chance(2) ? 0 : 1) 0 \(length)\(noreply())\r\n" + String(repeating: "b", count: length)
            return DifferentialCommand(name: "large", text: text + "\r\n")
        }
        switch numbers.next() % 8 {
        case 0: return DifferentialCommand(name: "flush_all", text: "flush_all\(noreply())\r\n")
        case 1: return DifferentialCommand(name: "verbosity", text: "verbosity 0\(noreply())\r\n")
        case 2: return DifferentialCommand(name: "version", text: "version\r\n")
        case 3, 4: return DifferentialCommand(name: "me", text: "me \(key())\r\n")
        case 5: return DifferentialCommand(name: "delete", text: "delete k9 \(one(["1", "x"]))\r\n")
        case 6: return DifferentialCommand(name: "mg", text: "mg \(key()) v C\(cas()) q\r\n")
        default: return DifferentialCommand(name: "ms", text: "ms k8 2 s\r\nab\r\n")
        }
    }

    /// Several commands in one piece.
    private mutating func pipeline() -> DifferentialCommand {
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
}
