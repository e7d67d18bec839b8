// stats: the names in memcached's order, what turns lines on and off, and the limits that only show there.
import MemStore
import Testing

@testable import MemNet
@testable import MemProtoServer

@Suite struct StatsTests {
    /// Names and values of a report.
    private func stats(_ connection: TestConnection, _ command: String = "stats") -> [(name: String, value: String)] {
        connection.send(command + "\r\n").split(separator: "\r\n").dropLast().map { line in
            let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
            return (String(words[1]), String(words[2]))
        }
    }

    private func value(_ connection: TestConnection, _ name: String, of command: String = "stats") -> String? {
        stats(connection, command).first { $0.name == name }?.value
    }

    @Test("stats has memcached's 93 names in their order")
    func names() throws {
        let connection = TestConnection(try TestServer())
        let names = stats(connection).map(\.name)
        #expect(names.count == 93)
        #expect(names == Self.names)
    }

    @Test("without crawler and maintainer nine lines are not there")
    func fewerNames() throws {
        var configuration = ServerConfiguration()
        configuration.settingLines = ["lru_crawler": "no", "lru_maintainer_thread": "no"]
        let names = stats(TestConnection(try TestServer(configuration))).map(\.name)
        #expect(names.count == 84)
        #expect(!names.contains("lru_crawler_running") && !names.contains("moves_to_cold"))
    }

    @Test("idle_kicks is there with an idle timeout alone")
    func idleKicks() throws {
        var configuration = ServerConfiguration()
        configuration.idleTimeoutSeconds = 5
        let names = stats(TestConnection(try TestServer(configuration))).map(\.name)
        let place = names.firstIndex(of: "idle_kicks")
        #expect(place.map { names[$0 - 1] } == "auth_errors")
    }

    @Test("stats reset zeroes what was counted and keeps what is there")
    func reset() throws {
        let connection = TestConnection(try TestServer())
        _ = connection.send("set a 0 0 1\r\nx\r\nget a b\r\n")
        #expect(value(connection, "total_items") == "1")
        #expect(connection.send("stats reset\r\n") == "RESET\r\n")
        #expect(value(connection, "cmd_get") == "0")
        #expect(value(connection, "cmd_set") == "0")
        #expect(value(connection, "total_items") == "0")
        #expect(value(connection, "curr_items") == "1")
        #expect(value(connection, "bytes") == "61")
        #expect(connection.send("get a\r\n") == "VALUE a 0 1\r\nx\r\nEND\r\n")
    }

    @Test("stats settings shows the options")
    func settings() throws {
        var configuration = ServerConfiguration()
        configuration.connectionsMax = 17
        configuration.listenHosts = ["127.0.0.1", "127.0.0.2:99"]
        configuration.unixPath = "/run/x.sock"
        configuration.unixMode = 0o660
        configuration.evictsItems = false
        configuration.hasCas = false
        configuration.allowsShutdown = true
        configuration.commandsPerTurn = 3
        configuration.usersFile = "/etc/users"
        configuration.settingLines["growth_factor"] = "2.00"
        let connection = TestConnection(try TestServer(configuration))
        let lines = stats(connection, "stats settings")
        let values = Dictionary(uniqueKeysWithValues: lines.map { ($0.name, $0.value) })
        for (name, wanted) in [
            ("maxbytes", "67108864"), ("maxconns", "17"), ("tcpport", "11211"), ("udpport", "0"),
            ("inter", "127.0.0.1,127.0.0.2:99"), ("domain_socket", "/run/x.sock"), ("umask", "660"),
            ("evictions", "off"), ("cas_enabled", "no"), ("shutdown_command", "yes"), ("reqs_per_event", "3"),
            ("auth_enabled_ascii", "/etc/users"), ("auth_enabled_sasl", "no"), ("growth_factor", "2.00"),
            ("binding_protocol", "auto-negotiate"), ("item_size_max", "1048576"), ("num_threads", "4"),
            ("client_flags_size", "4"), ("idle_timeout", "0"), ("detail_enabled", "no"), ("temp_lru", "no"),
        ] { #expect(values[name] == wanted, "\(name)") }
        #expect(lines.first?.name == "maxbytes" && lines.last?.name == "client_flags_size")
        #expect(connection.send("stats detail on\r\n") == "OK\r\n")
        #expect(value(connection, "detail_enabled", of: "stats settings") == "yes")
    }

    @Test("with -R a connection gives its turn on after so many commands")
    func yields() throws {
        var configuration = ServerConfiguration()
        configuration.commandsPerTurn = 1
        let connection = TestConnection(try TestServer(configuration))
        let sets = String(repeating: "set foo 0 0 1\r\n1\r\n", count: 6)
        #expect(connection.send(sets) == String(repeating: "STORED\r\n", count: 6))
        #expect(connection.yields >= 5)
        #expect(connection.send("get a\r\nget b\r\n") == "END\r\nEND\r\n")
    }

    private static let names = """
        pid uptime time version libevent pointer_size rusage_user rusage_system max_connections curr_connections \
        total_connections rejected_connections connection_structures response_obj_oom response_obj_count \
        response_obj_bytes read_buf_count read_buf_bytes read_buf_bytes_free read_buf_oom reserved_fds cmd_get \
        cmd_set cmd_flush cmd_touch cmd_meta get_hits get_misses get_expired get_flushed delete_misses delete_hits \
        incr_misses incr_hits decr_misses decr_hits cas_misses cas_hits cas_badval touch_hits touch_misses \
        store_too_large store_no_memory auth_cmds auth_errors bytes_read bytes_written limit_maxbytes \
        accepting_conns listen_disabled_num time_in_listen_disabled_us threads conn_yields hash_power_level \
        hash_bytes hash_is_expanding slab_reassign_rescues slab_reassign_chunk_rescues \
        slab_reassign_inline_reclaim slab_reassign_busy_items slab_reassign_busy_deletes \
        slab_reassign_busy_nomem slab_reassign_last_busy_status slab_reassign_running slabs_moved \
        lru_crawler_running lru_crawler_starts lru_maintainer_juggles malloc_fails log_worker_dropped \
        log_worker_written log_watcher_skipped log_watcher_sent log_watchers unexpected_napi_ids \
        round_robin_fallback bytes curr_items total_items slab_global_page_pool expired_unfetched \
        evicted_unfetched evicted_active evictions reclaimed crawler_reclaimed crawler_items_checked \
        lrutail_reflocked moves_to_cold moves_to_warm moves_within_lru direct_reclaims lru_bumps_dropped
        """.split(separator: " ").map(String.init)
}
