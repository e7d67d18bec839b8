// OptionTests: the command line is read as memcached's users write it.
import MemStore
import Testing

@testable import memfisd

@Suite struct OptionTests {
    private let machine = Machine(
        memoryBytes: 8 << 30, hostName: "www.Example", user: 1000, workingDirectory: "/srv")

    private func settings(_ words: [String]) throws -> Settings {
        guard case .run(let options) = try CommandLineRequest.read(try ArgumentWords.normalized(words)) else {
            throw StartFailure("a text was asked for", .usage)
        }
        return try Settings(options, machine: machine)
    }

    @Test("attached values, combined letters, negative values and shortened names become one form")
    func words() throws {
        #expect(
            try ArgumentWords.normalized(["-m64", "-vdp", "-1", "--memory-lim", "5", "--port=7", "mnt", "--", "-x"])
                == [
                    "--memory-limit=64", "--verbose", "--daemon", "--port=-1", "--memory-limit=5", "--port=7", "mnt",
                    "--", "-x",
                ])
        #expect(try ArgumentWords.normalized(["-vvv", "-"]) == ["--verbose", "--verbose", "--verbose", "-"])
        #expect(try ArgumentWords.normalized(["--prefix=", "-l", ""]) == ["--prefix", "", "--listen", ""])
        #expect(throws: StartFailure.self) { try ArgumentWords.normalized(["--d"]) }
        #expect(throws: StartFailure.self) { try ArgumentWords.normalized(["--daemon=yes"]) }
    }

    @Test("every option of the table is one that the library knows, with a value or without")
    func table() throws {
        for option in OptionTable.all where !["help", "license", "version"].contains(option.name) {
            let word = option.takesValue ? "--\(option.name)=1" : "--\(option.name)"
            #expect(throws: Never.self) { try Options.parse([word]) }
        }
        let letters = OptionTable.all.compactMap(\.letter)
        #expect(Set(letters).count == letters.count)
    }

    @Test("the defaults are memcached's, on the loopback")
    func defaults() throws {
        let settings = try settings([])
        #expect(settings.listening.tcpPort == 11211 && settings.listening.hosts == [])
        #expect(settings.listening.connectionsMax == 1024 && settings.listening.threads == 4)
        #expect(settings.store.memoryLimitBytes == 64 << 20 && settings.store.itemSizeMaxBytes == 1 << 20)
        #expect(settings.store.evictsItems && settings.store.hasCas && !settings.store.filesReadOnly)
        #expect(
            settings.store.prefixes.map { String(decoding: $0.prefix, as: UTF8.self) }
                == ["memfis://www.Example", "memfis://www.example"])
        #expect(settings.verbosity == 0 && !settings.isDaemon && settings.warnings == [])
    }

    @Test("with a mount point the limit is half of the memory, unless -m names one")
    func memory() throws {
        #expect(try settings(["/mnt"]).store.memoryLimitBytes == 4 << 30)
        #expect(try settings(["-m", "100", "/mnt"]).store.memoryLimitBytes == 100 << 20)
        #expect(try settings(["-m", "1"]).store.itemSizeMaxBytes == 512 << 10)
        #expect(try settings(["-m2", "-I", "8K"]).store.itemSizeMaxBytes == 8192)
    }

    @Test("-s alone means no TCP; -p or -l beside it, both; -U moves the port; -p -1 takes any")
    func listening() throws {
        #expect(try settings(["-s", "sock"]).listening.tcpPort == nil)
        #expect(try settings(["-s", "sock"]).listening.unixSocket?.path == "/srv/sock")
        #expect(try settings(["-s", "sock", "-p", "5"]).listening.tcpPort == 5)
        #expect(try settings(["-s", "sock", "-l", "::1"]).listening.tcpPort == 11211)
        #expect(try settings(["-s", "sock", "-p", "0"]).listening.tcpPort == nil)
        #expect(try settings(["-U", "99"]).listening.tcpPort == 99)
        #expect(try settings(["-U", "99", "-p", "5"]).listening.tcpPort == 5)
        #expect(try settings(["-p", "-1"]).listening.tcpPort == 0)
        #expect(try settings(["-l", "a,b:7", "-l", "[::1]:9"]).listening.hosts == ["a", "b:7", "[::1]:9"])
        #expect(try settings(["-s", "x", "-a", "660"]).listening.unixSocket?.mode == 0o660)
    }

    @Test("the words of several -o are collected; those without meaning here are told")
    func extended() throws {
        let settings = try settings(["-o", "idle_timeout=7,relaxed_privileges", "-o", "slab_reassign,hashpower=20"])
        #expect(settings.extended.idleTimeoutSeconds == 7)
        #expect(settings.warnings == ["-o slab_reassign has no meaning here", "-o hashpower has no meaning here"])
        #expect(throws: StartFailure("Missing argument for suboption \"hashpower\"", .wrongValue)) {
            try self.settings(["-o", "hashpower"])
        }
    }

    @Test("the bounds are words of -o, in KiB and MiB")
    func bounds() throws {
        let plain = try settings([]).serverConfiguration(users: nil)
        #expect(plain.getLineLengthMax == 16 << 20 && plain.getKeysMax == nil && plain.halfSentMaxBytes == nil)
        #expect(plain.inputHeldMaxBytes == 64 << 20 && plain.outputHeldMaxBytes == 64 << 20)
        let words =
            "get_line_max=64,get_keys_max=100,input_max=5,output_max=6,half_sent_max=7,line_max=4,watchers_max=3,"
            + "detail_prefixes_max=9"
        let bounded = try settings(["-o", words]).serverConfiguration(users: nil)
        #expect(bounded.getLineLengthMax == 64 << 10 && bounded.getKeysMax == 100)
        #expect(bounded.inputHeldMaxBytes == 5 << 20 && bounded.outputHeldMaxBytes == 6 << 20)
        #expect(bounded.halfSentMaxBytes == 7 << 20)
        #expect(bounded.lineLengthMax == 4 << 10 && bounded.fileLineLengthMax == 16 << 10)
        #expect(bounded.watcherCountMax == 3 && bounded.prefixCountMax == 9)
        #expect(plain.lineLengthMax == 2048 && plain.watcherCountMax == 20 && plain.prefixCountMax == 16384)
    }

    @Test(
        "what memcached's tuning words and letters ask for stands in the settings",
        arguments: [
            ("-o slab_chunk_max=16", "slab_chunk_max", "16384"), ("-o hashpower=20", "hashpower_init", "20"),
            ("-o read_buf_mem_limit=3", "read_buf_mem_limit", "3145728"), ("-o no_modern", "maxconns_fast", "no"),
            ("-o no_maxconns_fast", "maxconns_fast", "no"), ("-o temporary_ttl=5", "temp_lru", "yes"),
            ("-o no_lru_crawler", "lru_crawler", "no"), ("-o track_sizes", "track_sizes", "yes"),
            ("-f 1.1", "growth_factor", "1.10"), ("-n 60", "chunk_size", "60"),
            ("-B ascii", "binding_protocol", "ascii"),
            ("-Y users", "binding_protocol", "ascii"), ("-o worker_logbuf_size=8", "worker_logbuf_size", "8192"),
        ])
    func shown(words: String, name: String, value: String) throws {
        let settings = try settings(words.split(separator: " ").map(String.init))
        #expect(settings.settingLines[name] == value)
    }

    @Test("mount options are words of -o when there is a mount point")
    func mountWords() throws {
        let mount = try settings([
            "-o", "ro,noatime,uid=5,gid=6,umask=027,fsname=site,_netdev,x-systemd.automount", "/mnt",
        ])
        .extended.mount
        #expect(mount.isReadOnly && !mount.updatesAccessTimes && mount.name == "site")
        #expect(mount.uid == 5 && mount.gid == 6 && mount.umask == 0o027)
        for wrong in ["uid=x", "umask=8", "fsname=", "uid"] {
            #expect(throws: StartFailure.self) { try settings(["-o", wrong, "/mnt"]) }
        }
    }

    @Test(
        "a prefix may hold any byte but blanks, and stands for a directory",
        arguments: [
            ("memfis://a", "memfis://a", "/"), ("memfis://a=/b/c/", "memfis://a", "/b/c"), ("", "", "/"),
            ("=/x", "", "/x"),
            ("a=b=/c", "a=b", "/c"), ("a=", "a=", "/"), ("é=/ü", "é", "/ü"),
        ])
    func prefixes(text: String, prefix: String, directory: String) throws {
        #expect(try Settings.keyPrefix(text) == KeyPrefix(prefix: Array(prefix.utf8), directory: Array(directory.utf8)))
    }

    @Test(
        "a prefix with a blank, or a directory with empty or dotted names, is refused",
        arguments: [
            "a b", "a=/b//c", "a=/./b", "a=/b/..", "a=b", "memfis://a=b/c",
        ])
    func wrongPrefixes(text: String) {
        #expect(throws: StartFailure.self) { try Settings.keyPrefix(text) }
    }

    @Test("a prefix that is given twice is refused, with the same directory too")
    func prefixTwice() throws {
        for directory in ["", "=/b"] {
            #expect(throws: StartFailure.self) { try settings(["--prefix", "a", "--prefix", "a\(directory)"]) }
        }
        #expect(try settings(["--prefix", "a", "--prefix", "ab"]).store.prefixes.count == 2)
    }

    @Test("numbers with k, m and g are bytes; anything else is none")
    func byteCounts() {
        #expect(Settings.byteCount("3k") == 3072 && Settings.byteCount("2M") == 2 << 20)
        #expect(Settings.byteCount("1g") == 1 << 30 && Settings.byteCount("17") == 17)
        for wrong in ["", "k", "-1", "1x", "1.5m", "99999999999999g"] { #expect(Settings.byteCount(wrong) == nil) }
    }

    @Test("an index name has no slash, and an empty one turns the index off")
    func indexNames() throws {
        #expect(try settings([]).store.indexNames == [Array("index.html".utf8)])
        #expect(try settings(["--index", ""]).store.indexNames == [])
        #expect(try settings(["--index", "a", "--index", "b"]).store.indexNames == [[0x61], [0x62]])
        #expect(throws: StartFailure.self) { try settings(["--index", "a/b"]) }
    }
}
