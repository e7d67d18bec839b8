// Commands about the server: version, verbosity, flush_all, cache_memlimit, shutdown, lru, slabs, debugtime.
import MemNet
import MemStore

extension CommandExecutor {
    /// `version`
    mutating func version() {
        output.write("VERSION ")
        output.write(text: shared.configuration.version)
        output.write("\r\n")
    }

    /// `verbosity <n> [noreply]`
    mutating func verbosity(_ fields: Fields) {
        guard fields.count >= 2, let level = Number.unsigned32(fields[1]) else {
            return refuse(.badFormat, isQuiet: fields.endsWithNoreply)
        }
        shared.verbosity = min(Int(level), 2)
        if !fields.endsWithNoreply { output.write("OK\r\n") }
    }

    /// `flush_all [delay] [noreply]`
    mutating func flushAll(_ fields: Fields) {
        let isQuiet = fields.endsWithNoreply
        counters.value.flushes &+= 1
        guard shared.configuration.allowsFlush else {
            if !isQuiet { output.write("CLIENT_ERROR flush_all not allowed\r\n") }
            return
        }
        var moment: UInt32?
        if fields.count > (isQuiet ? 2 : 1) {
            guard let delay = Number.signed32(fields[1]) else { return refuse(.badExptime, isQuiet: isQuiet) }
            if delay > 0 { moment = exptime(Int64(delay)).second }
        }
        session.flushItems(at: moment)
        if !isQuiet { output.write("OK\r\n") }
    }

    /// `cache_memlimit <megabytes> [noreply]`
    mutating func cacheMemlimit(_ fields: Fields) {
        let isQuiet = fields.endsWithNoreply
        guard fields.count >= 2, let megabytes = Number.unsigned32(fields[1]) else {
            return refuse(.unknownCommand, isQuiet: isQuiet)
        }
        let line: StaticString
        if megabytes < 8 {
            line = "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n"
        } else if megabytes > 1_000_000_000 {
            line = "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\n"
        } else if shared.store.setMemoryLimit(bytes: Int(megabytes) << 20) {
            line = "OK\r\n"
        } else {
            line = "MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\n"
        }
        if !isQuiet { output.write(line) }
    }

    /// `shutdown [graceful]`
    mutating func shutdown(_ connection: Client, _ fields: Fields) -> TurnStatus? {
        guard shared.configuration.allowsShutdown else {
            output.write("SERVER_ERROR: shutdown not enabled\r\n")
            return nil
        }
        let isGraceful = fields.count >= 2 && fields[1].isEqual(to: "graceful")
        guard fields.count == 1 || isGraceful else {
            output.write("CLIENT_ERROR invalid shutdown mode\r\n")
            return nil
        }
        connection.net.closeReason = .shutdown
        shared.onShutdown?(isGraceful)
        return .close
    }

    /// `debugtime <seconds>|p|r`: jumps, holds or frees the clock.
    mutating func debugTime(_ fields: Fields) {
        guard fields.count >= 2 else { return refuse(.badFormat) }
        let clock = shared.store.clock
        if fields[1].isEqual(to: "p") {
            clock.pause()
        } else if fields[1].isEqual(to: "r") {
            clock.resume()
        } else if let seconds = Number.signed32(fields[1]) {
            clock.advance(bySeconds: Int64(seconds))
        } else {
            return refuse(.badFormat)
        }
        session.refreshClock()
        output.write("OK\r\n")
    }

    /// `lru mode|tune|temp_ttl …`: accepted as far as it is well formed; the store has one queue order of its own.
    mutating func lru(_ fields: Fields) {
        guard fields.count >= 3 else { return refuse(.unknownCommand) }
        // Both are about the queues that memcached's maintainer keeps.
        if fields[1].isEqual(to: "mode") {
            let isKnown = fields[2].isEqual(to: "flat") || fields[2].isEqual(to: "segmented")
            return accept(shared.configuration.hasMaintainer && isKnown)
        }
        if fields[1].isEqual(to: "temp_ttl") {
            return accept(shared.configuration.hasMaintainer && Number.signed32(fields[2]) != nil)
        }
        guard fields[1].isEqual(to: "tune"), fields.count >= 6, let hot = Number.unsigned32(fields[2]),
            let warm = Number.unsigned32(fields[3]), let hotFactor = Double(fields[4].text),
            let warmFactor = Double(fields[5].text)
        else { return refuse(.unknownCommand) }
        if UInt64(hot) + UInt64(warm) > 80 {
            output.write("ERROR hot and warm pcts must not exceed 80\r\n")
        } else if hotFactor <= 0 || warmFactor <= 0 {
            output.write("ERROR hot/warm age factors must be greater than 0\r\n")
        } else {
            output.write("OK\r\n")
        }
    }

    private mutating func accept(_ isWellFormed: Bool) {
        if isWellFormed { output.write("OK\r\n") } else { refuse(.unknownCommand) }
    }

    /// `slabs reassign|automove …`: there are no slabs, so there is never a spare page to move.
    mutating func slabs(_ fields: Fields) {
        guard fields.count >= 3 else { return refuse(.unknownCommand) }
        if fields[1].isEqual(to: "reassign"), fields.count >= 4 {
            guard shared.configuration.setting("slab_reassign", else: "yes") == "yes" else {
                return output.write("CLIENT_ERROR slab reassignment disabled\r\n")
            }
            guard let source = Number.signed32(fields[2]), let target = Number.signed32(fields[3]) else {
                return refuse(.badFormat)
            }
            if source == target {
                output.write("SAME src and dst class are identical\r\n")
            } else if source >= Int32(SlabClass.countMax) || target < 0 || target >= Int32(SlabClass.countMax) {
                output.write("BADCLASS invalid src or dst class id\r\n")
            } else {
                output.write("NOSPARE source class has no spare pages\r\n")
            }
            return
        }
        guard fields[1].isEqual(to: "automove") else { return refuse(.unknownCommand) }
        if fields.count >= 4 { return slabsAutomoveTuning(fields) }
        guard let mode = Number.unsigned32(fields[2]) else { return refuse(.badFormat) }
        if mode <= 2 { output.write("OK\r\n") } else { refuse(.unknownCommand) }
    }

    /// `slabs automove ratio|freeratio|window <n>`
    private mutating func slabsAutomoveTuning(_ fields: Fields) {
        if fields[2].isEqual(to: "window") {
            guard let window = Number.unsigned32(fields[3]) else { return refuse(.badFormat) }
            if (3...1800).contains(window) {
                output.write("OK\r\n")
            } else {
                output.write("CLIENT_ERROR automove window too low or too high\r\n")
            }
        } else if fields[2].isEqual(to: "ratio") || fields[2].isEqual(to: "freeratio") {
            if Double(fields[3].text) == nil { refuse(.badFormat) } else { output.write("OK\r\n") }
        } else {
            refuse(.unknownCommand)
        }
    }
}
