// stats and its sub-commands.
import MemNet
import MemStore

extension CommandExecutor {
    /// `stats [what]`
    mutating func stats(_ connection: Client, _ fields: Fields) {
        guard fields.count >= 2 else {
            return write(PortSnapshot(shared).samples(PortMetrics.general))
        }
        switch fields[1].text {
        case "reset": resetStats()
        case "settings":
            write(
                shared.configuration.settings(
                    memoryLimitBytes: shared.store.statistics().memoryLimitBytes, verbosity: shared.verbosity,
                    countsPrefixes: shared.countsPrefixes))
        case "conns": statsConns(asking: connection)
        case "items": begin(Dump(.itemStats), connection)
        case "slabs": begin(Dump(.slabStats), connection)
        case "sizes" where shared.configuration.setting("track_sizes", else: "no") == "yes":
            begin(Dump(.sizeStats), connection)
        case "sizes": write([(name: "sizes_status", value: "disabled")])
        case "cachedump": cachedump(connection, fields)
        case "detail": statsDetail(fields)
        // There is no external storage to tell of.
        case "extstore": output.write("END\r\n")
        case "memfis":
            write(shared.ownMetrics(asking: worker))
        default: refuse(.unknownCommand)
        }
    }

    /// Writes figures as `STAT` lines and the end.
    private mutating func write(_ samples: [MetricSample]) {
        write(samples.map { (name: $0.metric.name, value: $0.value.description) })
    }

    /// Writes `STAT` lines and the end.
    mutating func write(_ lines: [(name: String, value: String)]) {
        for line in lines { output.write(text: "STAT \(line.name) \(line.value)\r\n") }
        output.write("END\r\n")
    }

    /// `stats detail on|off|dump`
    private mutating func statsDetail(_ fields: Fields) {
        if !shared.configuration.allowsDumps { return output.write("CLIENT_ERROR stats detail not allowed\r\n") }
        switch fields.count >= 3 ? fields[2].text : "" {
        case "on", "off":
            shared.countsPrefixes = fields[2].isEqual(to: "on")
            countsPrefixes = shared.countsPrefixes
            output.write("OK\r\n")
        case "dump":
            shared.prefixCounts.lines().withBytes { output.write($0) }
            output.write("END\r\n")
        default: output.write("CLIENT_ERROR usage: stats detail on|off|dump\r\n")
        }
    }

    private mutating func resetStats() {
        shared.prefixCounts.reset()
        // Workers whose counters are reset stand still.
        shared.pool.forEachWorker(from: worker) { shared.counters[$0.number].reset() }
        shared.connectionCounts[.connectionsTotal] = 0
        shared.connectionCounts[.rejected] = 0
        shared.store.resetStatistics()
        output.write("RESET\r\n")
    }

    /// `stats conns`: the listeners, then every connection.
    private mutating func statsConns(asking: Client) {
        var lines: [(name: String, value: String)] = []
        for listener in shared.listeners {
            lines.append(("\(listener.descriptor):addr", listener.address.statsText))
            lines.append(("\(listener.descriptor):state", "conn_listening"))
            lines.append(("\(listener.descriptor):secs_since_last_cmd", "\(session.nowSecond &- shared.startSecond)"))
        }
        let now = session.nowSecond
        let askingDescriptor = asking.net.descriptor
        shared.pool.forEachWorker(from: worker) { worker in
            for cell in worker.connections where Int(cell.net.door) == door {
                let connection = Client(cell)
                let descriptor = connection.net.descriptor
                let state = descriptor == askingDescriptor ? "conn_parse_cmd" : connection.statsName
                lines.append(("\(descriptor):addr", SocketAddress.peer(of: descriptor).statsText))
                lines.append(("\(descriptor):listen_addr", SocketAddress.local(of: descriptor).statsText))
                lines.append(("\(descriptor):state", state))
                lines.append(("\(descriptor):secs_since_last_cmd", "\(now &- connection.net.lastInputSecond)"))
            }
        }
        write(lines)
    }
}

extension Client {
    /// memcached's name of the state.
    fileprivate var statsName: String {
        switch net.phase {
        case .blocked: "conn_mwrite"
        case .parked: "conn_waiting"
        case .closing, .draining, .closed: "conn_closing"
        case .idle, .queued:
            switch value.input {
            case .command: value.neededCount > 0 ? "conn_nread" : "conn_read"
            case .keys, .dump: "conn_mwrite"
            case .value: "conn_nread"
            case .swallow: "conn_swallow"
            case .watching: "conn_watch"
            }
        }
    }
}
