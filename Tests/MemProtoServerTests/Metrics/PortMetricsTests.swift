// The tables of figures: each has a name of its own and says what it is, and counters only grow.
import MemStore
import TestSupport
import Testing

@testable import MemProtoServer

@Suite struct PortMetricsTests {
    @Test("every figure of a table has one name, a sentence of help, and the unit that its name tells")
    func declared() {
        for table in [PortMetrics.general, PortMetrics.own] {
            #expect(Set(table.map(\.metric.name)).count == table.count)
        }
        for metric in (PortMetrics.general + PortMetrics.own).map(\.metric) {
            #expect(metric.help.hasSuffix(".") && metric.help.count > 5, "\(metric.name)")
            #expect(metric.name.allSatisfy { $0 == "_" || $0.isLowercase || $0.isNumber }, "\(metric.name)")
            if metric.kind == .word { continue }
            let isOfBytes = metric.name.hasSuffix("_bytes") || metric.name.hasPrefix("bytes")
            if isOfBytes { #expect(metric.unit == .bytes, "\(metric.name)") }
            if metric.name.hasPrefix("slice_us") { #expect(metric.unit == .microseconds, "\(metric.name)") }
        }
        // What both tables show is one figure on a page of all.
        let both = Set(PortMetrics.general.map(\.metric.name)).intersection(PortMetrics.own.map(\.metric.name))
        #expect(both.isEmpty)
    }

    @Test("counters only grow while clients are served, and a reset begins them anew")
    func counters() throws {
        let live = try LiveServer()
        defer { live.stop() }
        let client = try SocketClient(live.tcp)
        var before: [String: MetricValue] = [:]
        for round in 0..<20 {
            client.expect("STORED\r\n", to: "set k\(round) 0 0 1\r\nx\r\n")
            client.expect("END\r\n", to: "get missing\r\n")
            client.expect("VALUE k\(round) 0 1\r\nx\r\nEND\r\n", to: "get k\(round)\r\n")
            for sample in live.server.metrics where sample.metric.kind == .counter {
                if case .number(let now) = sample.value, case .number(let then) = before[sample.metric.name] {
                    #expect(now >= then, "\(sample.metric.name)")
                }
                before[sample.metric.name] = sample.value
            }
        }
        #expect(before["get_hits"] == .number(20) && before["get_misses"] == .number(20))
        #expect(before["cmd_set"] == .number(20))
        client.expect("RESET\r\n", to: "stats reset\r\n")
        let after = Dictionary(live.server.metrics.map { ($0.metric.name, $0.value) }, uniquingKeysWith: { $1 })
        #expect(after["get_hits"] == .number(0) && after["cmd_set"] == .number(0))
    }

    @Test("a sum that was read in the middle of a change shows no negative figure")
    func negative() throws {
        let live = try LiveServer()
        defer { live.stop() }
        var snapshot = PortSnapshot(live.server.shared)
        (snapshot.stored.fileBytes, snapshot.stored.memoryUsedBytes, snapshot.held.output) = (-1, .min, -5)
        let own = Dictionary(
            snapshot.samples(PortMetrics.own).map { ($0.metric.name, $0.value) }, uniquingKeysWith: { $1 })
        #expect(own["file_bytes"] == .number(0) && own["memory_used_bytes"] == .number(0))
        #expect(own["output_held_bytes"] == .number(0))
    }

    @Test("figures of other parts stand in `stats memfis` behind the port's")
    func others() throws {
        let live = try LiveServer()
        defer { live.stop() }
        let metric = Metric("wheels", .gauge, .none, .mount, "Wheels.")
        live.server.show { [MetricSample(metric, .number(4))] }
        let client = try SocketClient(live.tcp)
        client.send("stats memfis\r\n")
        #expect(client.receiveToEnd().hasSuffix("STAT wheels 4\r\nEND\r\n"))
        #expect(live.server.statisticsText().hasSuffix("wheels 4\n"))
    }
}
