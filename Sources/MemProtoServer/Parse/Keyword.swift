// Keyword: the names of the commands, told apart by one word comparison.
import MemStore

/// The commands of at most eight letters, by their name packed into a little-endian word.
enum Keyword: UInt64, CaseIterable {
    case get = 0x74_65_67
    case gets = 0x73_74_65_67
    case gat = 0x74_61_67
    case gats = 0x73_74_61_67
    case set = 0x74_65_73
    case add = 0x64_64_61
    case replace = 0x65_63_61_6c_70_65_72
    case append = 0x64_6e_65_70_70_61
    case prepend = 0x64_6e_65_70_65_72_70
    case cas = 0x73_61_63
    case incr = 0x72_63_6e_69
    case decr = 0x72_63_65_64
    case delete = 0x65_74_65_6c_65_64
    case touch = 0x68_63_75_6f_74
    case mn = 0x6e_6d
    case mg = 0x67_6d
    case ms = 0x73_6d
    case md = 0x64_6d
    case ma = 0x61_6d
    case me = 0x65_6d
    case stats = 0x73_74_61_74_73
    case version = 0x6e_6f_69_73_72_65_76
    case quit = 0x74_69_75_71
    case watch = 0x68_63_74_61_77
    case lru = 0x75_72_6c
    case slabs = 0x73_62_61_6c_73
    case shutdown = 0x6e_77_6f_64_74_75_68_73

    /// The command that a line's first word names.
    @inline(__always) init?(_ word: Bytes) {
        // A NUL at the end would vanish in the packed word.
        guard let packed = word.packedWord, packed != 0, word[word.count - 1] != 0 else { return nil }
        self.init(rawValue: packed)
    }
}

/// The commands of more than eight letters; all of them are rare.
enum LongKeyword: String, CaseIterable {
    case verbosity
    case flushAll = "flush_all"
    case lruCrawler = "lru_crawler"
    case cacheMemlimit = "cache_memlimit"
    case refreshCerts = "refresh_certs"
    case debugtime

    init?(_ word: Bytes) { self.init(rawValue: word.text) }
}
