// lru_crawler and stats cachedump: the commands that list keys. What the crawler does for memcached, the store does by
// itself: expired items are removed without being asked for.
import MemNet
import MemStore

extension CommandExecutor {
    /// Bytes that `stats cachedump` answers at most. Source: memcached 1.6.45.
    private static var cachedumpBytesMax: Int { 2 << 20 }
    /// Longest pause of the crawler in microseconds. Source: memcached 1.6.45.
    private static var crawlerPauseMax: UInt32 { 1_000_000 }

    /// `lru_crawler <verb> …`
    mutating func lruCrawler(_ connection: Client, _ fields: Fields) {
        guard fields.count >= 2 else { return refuse(.unknownCommand) }
        switch (fields[1].text, fields.count) {
        case ("metadump", 3): dump(connection, .metadump, fields[2])
        case ("mgdump", 3): dump(connection, .mgdump, fields[2])
        case ("crawl", 3): crawl(fields[2])
        case ("enable", 2): turnCrawler(on: true)
        case ("disable", 2): turnCrawler(on: false)
        case ("sleep", 3):
            guard let pause = Number.unsigned32(fields[2]) else { return refuse(.badFormat) }
            output.write(
                pause > Self.crawlerPauseMax ? "CLIENT_ERROR sleep must be one second or less\r\n" : "OK\r\n")
        case ("tocrawl", 3):
            if Number.unsigned32(fields[2]) == nil { refuse(.badFormat) } else { output.write("OK\r\n") }
        default: refuse(.unknownCommand)
        }
    }

    private mutating func dump(_ connection: Client, _ purpose: Dump.Purpose, _ classes: Bytes) {
        let isMeta = purpose == .metadump
        if !shared.configuration.allowsDumps {
            return output.write(isMeta ? "ERROR metadump not allowed\r\n" : "ERROR key dump not allowed\r\n")
        }
        if !shared.isCrawlerEnabled { return output.write("CLIENT_ERROR lru crawler disabled\r\n") }
        if !output.isEmpty {
            return output.write(
                isMeta
                    ? "ERROR cannot pipeline other commands before metadump\r\n"
                    : "ERROR cannot pipeline other commands before mgdump\r\n")
        }
        guard let mask = Self.classMask(classes) else { return output.write("BADCLASS invalid class id\r\n") }
        output.write("OK\r\n")
        begin(Dump(purpose, classes: mask), connection)
    }

    /// `all`, `hash`, or class numbers with commas; nil if one of them is no class.
    private static func classMask(_ field: Bytes) -> UInt64? {
        if field.isEqual(to: "all") || field.isEqual(to: "hash") { return .max }
        var mask: UInt64 = 0
        var at = 0
        while at <= field.count {
            let comma = field.index(of: UInt8(ascii: ","), from: at)
            let end = comma < 0 ? field.count : comma
            guard let number = Number.unsigned32(field[at..<end]), number > 0, number < UInt32(SlabClass.countMax)
            else {
                return nil
            }
            mask |= 1 << UInt64(number)
            at = end + 1
        }
        return mask
    }

    private mutating func crawl(_ classes: Bytes) {
        if !shared.isCrawlerEnabled { return output.write("CLIENT_ERROR lru crawler disabled\r\n") }
        if classes.isEqual(to: "hash") { return output.write("ERROR an unknown error happened\r\n") }
        guard Self.classMask(classes) != nil else { return output.write("BADCLASS invalid class id\r\n") }
        output.write("OK\r\n")
    }

    private mutating func turnCrawler(on isOn: Bool) {
        if shared.isCrawlerEnabled == isOn {
            return output.write(
                isOn ? "ERROR failed to start lru crawler thread\r\n" : "ERROR failed to stop lru crawler thread\r\n")
        }
        shared.isCrawlerEnabled = isOn
        output.write("OK\r\n")
    }

    /// `stats cachedump <class> <limit>`; a limit of 0 is none.
    mutating func cachedump(_ connection: Client, _ fields: Fields) {
        if !shared.configuration.allowsDumps { return output.write("CLIENT_ERROR stats cachedump not allowed\r\n") }
        guard fields.count >= 4 else { return output.write("CLIENT_ERROR bad command line\r\n") }
        guard let number = Number.unsigned32(fields[2]), let limit = Number.unsigned32(fields[3]) else {
            return refuse(.badFormat)
        }
        guard number < UInt32(SlabClass.countMax) else { return output.write("CLIENT_ERROR Illegal slab id\r\n") }
        begin(
            Dump(
                .cachedump, classes: 1 << UInt64(number), itemsMax: limit == 0 ? .max : Int(limit),
                bytesMax: Self.cachedumpBytesMax), connection)
    }
}
