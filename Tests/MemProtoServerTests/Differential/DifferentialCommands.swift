// Random commands for the comparison with memcached: valid ones, malformed ones, few keys so that most of them hit.

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
    /// No command: both clocks jump.
    var jumpSeconds: Int64?

    /// The connection is closed by it.
    var mayClose: Bool { text.utf8.count < 100 && (text.contains("quit") || text.contains("HTTP/")) }

    /// Nothing is sent together with it.
    var goesAlone: Bool { jumpSeconds != nil || isWhole }

    /// The answer depends on what comes at once with it.
    var isWhole: Bool { text.contains("\r\nlru_crawler") }
}

/// Makes commands.
struct DifferentialCommands {
    var numbers: SeededNumbers
    /// Cas tokens seen so far.
    var casCount = 0
    var setup = DifferentialSetup.plain
    /// What has to come next.
    private var follower: DifferentialCommand?

    init(seed: UInt64) { numbers = SeededNumbers(state: seed) }

    mutating func one<T>(_ choices: [T]) -> T { choices[Int(numbers.next() % UInt64(choices.count))] }
    mutating func chance(_ part: UInt64) -> Bool { numbers.next() % part == 0 }

    mutating func key() -> String {
        if chance(25) { return one([longKey, "tab\tkey", "\u{7f}k", "ключ", "a/b?c=d"]) }
        return one(["k0", "k1", "k2", "k3", "k4"])
    }

    private let longKey = String(repeating: "l", count: 250)
    let tooLongKey = String(repeating: "l", count: 251)

    private mutating func value() -> String {
        if chance(3) { return one(["1", "10", "99", "18446744073709551615", "12 3", " 7", "-1", "0x10", "", "007"]) }
        let length = chance(60) ? one([17000, 40000, 70000, 300_000]) : one([1, 2, 5, 30, 100, 500, 2000, 5000])
        return String(repeating: one(["x", "y", "zw"]), count: length)
    }

    private mutating func letters() -> String { String(repeating: one(["x", "y", "zw"]), count: one([1, 2, 5, 30])) }

    private mutating func exptime() -> String {
        one(["0", "0", "0", "0", "1", "2", "5", "60", "1500", "2592000", "-1", "2592001", "4294967301", "2147483648"])
    }
    /// The same for what takes 32 bits alone.
    private mutating func shortExptime() -> String {
        one(["0", "0", "1", "2", "5", "60", "1500", "2592000", "-1", "2592001"])
    }
    mutating func noreply() -> String { chance(8) ? " noreply" : "" }
    mutating func cas() -> String {
        if casCount == 0 || chance(10) { return one(["0", "18446744073709551615"]) }
        // Late ones are mostly those that items still have.
        let back = Int(numbers.next() % UInt64(chance(2) ? min(casCount, 8) : casCount))
        return "{cas \(casCount - 1 - back)}"
    }

    /// The next command.
    mutating func next() -> DifferentialCommand {
        if let command = follower {
            follower = nil
            return command
        }
        if setup == .restricted, chance(3) { return restricted() }
        if chance(150) {
            return DifferentialCommand(name: "clock", text: "", jumpSeconds: one([1, 1, 1, 2, 3, 5, 60, 1000]))
        }
        switch numbers.next() % 22 {
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
        default: return chance(4) ? rare() : administrative()
        }
    }

    mutating func keys(_ most: Int) -> String {
        (0...Int(numbers.next() % UInt64(most))).map { _ in key() }.joined(separator: chance(9) ? "  " : " ")
    }

    mutating func get() -> DifferentialCommand {
        let name = one(["get", "gets"])
        return DifferentialCommand(name: name, text: "\(name) \(keys(chance(10) ? 60 : 3))\(chance(9) ? " " : "")\r\n")
    }

    private mutating func touch() -> DifferentialCommand {
        let name = one(["touch", "gat", "gats"])
        if name == "touch" {
            return DifferentialCommand(name: name, text: "touch \(key()) \(shortExptime())\(noreply())\r\n")
        }
        return DifferentialCommand(name: name, text: "\(name) \(shortExptime()) \(keys(3))\r\n")
    }

    private mutating func storage() -> DifferentialCommand {
        let name = one(["set", "set", "set", "add", "replace", "append", "prepend", "cas"])
        // Joined values stay short.
        let value = name.hasSuffix("pend") ? letters() : value()
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
                "v", "k", "c", "f", "h", "s", "t", "u", "q", "O123", "O", "T1500", "T3", "T0", "T-1", "N2500", "N4",
                "R30", "R2000",
                "Tx", "l",
            ], most: 7)
        return DifferentialCommand(name: "mg", text: "mg \(key)\(flag)\(asked)\r\n")
    }

    private mutating func metaSet() -> DifferentialCommand {
        let (key, flag) = metaKey()
        let mode = one(["MS", "ME", "MA", "MP", "MR", "MX"])
        let value = mode == "MA" || mode == "MP" ? letters() : value()
        let asked = flags(
            [
                "k", "c", "q", "Oabc", "T1500", "T2", "T0", "T-1", "F5", "F0", "C\(cas())", "I",
                mode,
                "Cx", "f", "v",
            ], most: 5)
        return DifferentialCommand(name: "ms", text: "ms \(key) \(value.utf8.count)\(flag)\(asked)\r\n\(value)\r\n")
    }

    private mutating func metaDelete() -> DifferentialCommand {
        let (key, flag) = metaKey()
        let asked = flags(["k", "q", "O9", "I", "I", "T1500", "C\(cas())", "v"], most: 4)
        return DifferentialCommand(name: "md", text: "md \(key)\(flag)\(asked)\r\n")
    }

    private mutating func metaArithmetic() -> DifferentialCommand {
        let (key, flag) = metaKey()
        let asked = flags(
            [
                "v", "t", "c", "k", "q", "O7", "D10", "D18446744073709551615", "N2500", "J13", "T1500",
                one(["MI", "MD", "M+", "M-", "MX"]), "C\(cas())", "Dx",
            ], most: 5)
        // memcached 1.6.18 gives T to the old version of an item whose number grows, and the new one has none. Both items get
        // the same expiry again, or every later answer would depend on it; `growing` below holds the difference itself.
        if asked.contains(" T") {
            follower = DifferentialCommand(name: "mg", text: "mg \(key)\(flag) u T1500\r\n")
        }
        return DifferentialCommand(name: "ma", text: "ma \(key)\(flag)\(asked)\r\n")
    }
}
