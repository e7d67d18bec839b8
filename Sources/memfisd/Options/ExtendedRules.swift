// ExtendedRules: memcached's words of `-o` that tune what this store does not have. Their values are judged as memcached judges
// them, so that a command line that it refuses is refused here too. Source: memcached's answers.

/// What the value of a word has to be.
enum ExtendedRule {
    /// The word alone; a value is ignored.
    case flag
    case number(ClosedRange<Int>, refusal: String)
    /// The same, and the word alone is allowed.
    case optionalNumber(ClosedRange<Int>, refusal: String)
    /// A number above 0 and below `limit`.
    case fraction(below: Double, refusal: String)
    case choice([String], refusal: String)
    /// Numbers that grow, with dashes between.
    case sizes

    /// memcached's words without a meaning here.
    static let all: [String: ExtendedRule] = [
        "maxconns_fast": .flag, "no_maxconns_fast": .flag,
        "hashpower": .number(
            12...32, refusal: "Initial hashtable multiplier is too low or too high, 12 to 32 are allowed"),
        "no_hashexpand": .flag, "slab_reassign": .flag, "no_slab_reassign": .flag,
        "slab_automove": .optionalNumber(0...2, refusal: "slab_automove must be between 0 and 2"),
        "no_slab_automove": .flag,
        "slab_automove_ratio": .fraction(below: 1, refusal: "slab_automove_ratio must be > 0 and < 1"),
        "slab_automove_window": .number(3...Int(UInt32.max), refusal: "slab_automove_window must be > 2"),
        "slab_automove_freeratio": .fraction(below: 1, refusal: "slab_automove_freeratio must be > 0 and < 1"),
        "tail_repair_time": .number(
            10...Int(UInt32.max), refusal: "Cannot set tail_repair_time to less than 10 seconds"),
        "hash_algorithm": .choice(
            ["jenkins", "murmur3", "xxh3"], refusal: "Unknown hash_algorithm option (jenkins, murmur3, xxh3)"),
        "lru_crawler": .flag, "no_lru_crawler": .flag,
        "lru_crawler_sleep": .number(0...1_000_000, refusal: "LRU crawler sleep must be between 0 and 1 second"),
        "lru_crawler_tocrawl": .number(
            0...Int(UInt32.max), refusal: "lru_crawler_tocrawl takes a numeric 32bit value"),
        "lru_maintainer": .flag, "no_lru_maintainer": .flag,
        "hot_lru_pct": .number(1...79, refusal: "hot_lru_pct must be > 1 and < 80"),
        "warm_lru_pct": .number(1...79, refusal: "warm_lru_pct must be > 1 and < 80"),
        "hot_max_factor": .fraction(below: .infinity, refusal: "hot_max_factor must be > 0"),
        "warm_max_factor": .fraction(below: .infinity, refusal: "warm_max_factor must be > 0"),
        "temporary_ttl": anyNumber("temporary_ttl"), "worker_logbuf_size": anyNumber("worker_logbuf_size"),
        "slab_sizes": .sizes, "slab_chunk_max": anyNumber("slab_chunk_max"), "inline_ascii_resp": .flag,
        "no_inline_ascii_resp": .flag, "modern": .flag, "no_modern": .flag, "no_chunked_items": .flag,
        "resp_obj_mem_limit": anyNumber("resp_obj_mem_limit"),
        "read_buf_mem_limit": anyNumber("read_buf_mem_limit"), "drop_privileges": .flag, "no_drop_privileges": .flag,
        "sock_cookie_id": anyNumber("sock_cookie_id"),
    ]

    private static func anyNumber(_ name: String) -> ExtendedRule {
        .number(0...Int(UInt32.max), refusal: "could not parse argument to \(name)")
    }

    /// - Throws: StartFailure, status 1 (64 for sizes, as memcached), for a value that is missing or wrong.
    func judge(_ name: String, _ value: String?) throws(StartFailure) {
        switch self {
        case .flag: return
        case .optionalNumber where value == nil: return
        case .number, .optionalNumber, .fraction, .choice, .sizes: break
        }
        guard let value else { throw StartFailure("Missing argument for suboption \"\(name)\"", .wrongValue) }
        switch self {
        case .flag: break
        case .number(let range, let refusal), .optionalNumber(let range, let refusal):
            guard let number = Int(value), range.contains(number) else { throw StartFailure(refusal, .wrongValue) }
        case .fraction(let limit, let refusal):
            guard let number = Double(value), number > 0, number < limit else {
                throw StartFailure(refusal, .wrongValue)
            }
        case .choice(let words, let refusal):
            guard words.contains(value) else { throw StartFailure(refusal, .wrongValue) }
        case .sizes:
            let sizes = value.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
            guard sizes.allSatisfy({ $0 > 0 }), zip(sizes, sizes.dropFirst()).allSatisfy({ $0 < $1 }) else {
                throw StartFailure("slab_sizes \(value): expected sizes that grow, with dashes between", .usage)
            }
        }
    }
}
