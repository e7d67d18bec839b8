// ConfigurationTests: the configuration file, the variables and how they join with the command line.
import Testing

@testable import memfisd

@Suite struct ConfigurationTests {
    private let machine = Machine(memoryBytes: 8 << 30, hostName: "host", user: 1000, workingDirectory: "/srv")

    /// A file's text, variables and a command line as one.
    private func gather(
        _ text: String = "", _ variables: [String: String] = [:], _ words: [String] = []
    ) throws -> Configuration {
        Configuration(
            entries: .merged([
                try ConfigurationFile.entries(text, path: "file"), try EnvironmentEntries.entries(variables),
                try ArgumentWords.entries(words),
            ]))
    }

    private func settings(
        _ text: String = "", _ variables: [String: String] = [:], _ words: [String] = []
    ) throws -> Settings {
        try gather(text, variables, words).judged(machine: machine).1
    }

    private func failure(_ text: String, _ variables: [String: String] = [:], _ words: [String] = []) -> StartFailure? {
        do {
            _ = try settings(text, variables, words)
            return nil
        } catch { return error as? StartFailure }
    }

    @Test("comments, blanks, =, quotes and switches are read as they are meant")
    func file() throws {
        let settings = try settings(
            """
            # a comment
            port 1234   # another
              threads = 3
            prefix 'memfis://a#b=/x' # third
            prefix "it's=/y"
            index ''
            files-read-only
            disable-cas no
            verbose 2
            mountpoint /srv/site

            """)
        #expect(settings.listening.tcpPort == 1234 && settings.listening.threads == 3)
        let prefixes = settings.store.prefixes.map { String(decoding: $0.prefix, as: UTF8.self) }
        #expect(prefixes == ["memfis://a#b", "it's"])
        #expect(settings.store.indexNames == [] && settings.store.filesReadOnly && settings.store.hasCas)
        #expect(settings.verbosity == 2 && settings.mountPoints == ["/srv/site"])
    }

    @Test(
        "a wrong line is an error with its number",
        arguments: [
            ("port 1\nprot 2", "file:2: unknown option 'prot'"), ("\n\nport", "file:3: port needs a value"),
            ("daemon maybe", "file:1: daemon maybe: expected yes or no"),
            ("prefix 'a", "file:1: a quote is not closed"), ("prefix 'a' b", "file:1: there is more behind"),
            ("help", "file:1: unknown option 'help'"),
            ("port 1\nthreads many", "file:2: threads many: expected a number"),
            ("port 1\nthreads 0\n", "file:2: Number of threads must be greater than 0"),
            ("unix-socket s\nunix-mask 9\nport 2", "file:2: unix-mask 9: expected an octal mode"),
            ("mountpoint /a\nextended umask=9", "file:2: extended umask=9"),
            ("extended ro", "file:1: extended ro needs a mount point"),
            ("memory-limt 3", "file:1: unknown option 'memory-limt'; did you mean memory-limit?"),
            ("memory-limit 0", "file:1: memory-limit 0: expected a number from 1"),
        ])
    func wrongLines(text: String, message: String) throws {
        let refused = try #require(failure(text))
        #expect(refused.message.hasPrefix(message), "\(refused.message)")
    }

    @Test("a wrong variable is named; variables that are no options belong to others")
    func wrongVariables() throws {
        #expect(
            failure("", ["MEMFISD_THREADS": "0"])?.message
                == "MEMFISD_THREADS: Number of threads must be greater than 0")
        #expect(failure("", ["MEMFISD_DAEMON": "perhaps"])?.message.hasPrefix("MEMFISD_DAEMON: ") == true)
        #expect(failure("", ["MEMFISD_TESTS_WITHOUT_MOUNT": "1", "MEMFISD_HELP": "1"]) == nil)
    }

    @Test("what the command line got wrong is told as memcached does, without a place")
    func wrongWords() {
        #expect(failure("port 1", [:], ["-t", "0"])?.message == "Number of threads must be greater than 0")
    }

    @Test(
        "a variable is stronger than the file, the command line than both; a repeatable option is replaced as a whole")
    func precedence() throws {
        let file = "memory-limit 10\nthreads 1\nindex a\nindex b\nevict-files yes\nverbose 3\nmountpoint /a\n"
        #expect(try settings(file).store.indexNames.count == 2)
        let variables = ["MEMFISD_THREADS": "2", "MEMFISD_INDEX": "c d e", "MEMFISD_EVICT_FILES": "no"]
        let second = try settings(file, variables)
        #expect(second.listening.threads == 2 && second.store.indexNames.count == 3 && !second.store.evictsFiles)
        #expect(second.store.memoryLimitBytes == 10 << 20 && second.verbosity == 3)
        let third = try settings(
            file, variables, ["-t3", "--index", "f", "--evict-files", "--no-verbose", "/b", "/c"])
        #expect(third.listening.threads == 3 && third.store.indexNames == [[0x66]] && third.store.evictsFiles)
        #expect(third.verbosity == 0 && third.mountPoints == ["/b", "/c"])
    }

    @Test("a named file that is missing is an error, the default one may be missing; no name turns it off")
    func missingFile() throws {
        #expect(throws: StartFailure.self) { try Configuration.gather(["--config", "/no/such"], environment: [:]) }
        #expect(throws: StartFailure.self) { try Configuration.gather([], environment: ["MEMFISD_CONFIG": "/no/such"]) }
        let odd = [
            "MEMFISD_NOSUCH": "1", "MEMFISD_PORT": "0", "MEMFISD_UNIX_SOCKET": "/s", "MEMFISD": "x",
            "MEMFISD_CONFIG": "",
        ]
        let warned = try Configuration.gather([], environment: odd)
        #expect(warned.warnings == ["the variable MEMFISD_NOSUCH names no option"])
        #expect(try warned.judged().1.warnings == warned.warnings)
        let off = try Configuration.gather(["--config="], environment: ["MEMFISD_CONFIG": "/no/such"])
        #expect(off.entries.map(\.name) == ["config"])
    }

    @Test("--print-config shows a file that says the same, with the places")
    func printed() throws {
        let configuration = try gather(
            """
            port 5
            unix-socket /run/s
            unix-mask 0660
            listen 127.0.0.1,::1
            prefix 'a#b=/x'
            extended noatime,umask=027
            mountpoint /srv/site
            preload /www=/w
            max-item-size 2m
            """, ["MEMFISD_MEMORY_LIMIT": "77"], ["-vv", "--index", "", "--pidfile", "p"])
        let (options, settings) = try configuration.judged(machine: machine)
        let text = ConfigurationText.make(configuration, options, settings)
        #expect(text.contains("port 5 ") && text.contains("# file:1\n") && text.contains("# MEMFISD_MEMORY_LIMIT\n"))
        let again = Configuration(entries: .merged([try ConfigurationFile.entries(text, path: "again")]))
        let (sameOptions, sameSettings) = try again.judged(machine: machine)
        func values(_ text: String) -> [Substring] {
            text.split(separator: "\n").map { $0.prefix(44) }
        }
        #expect(values(ConfigurationText.make(again, sameOptions, sameSettings)) == values(text))
    }

    @Test("every option has a line in what --print-config shows; those that mean nothing where they were written")
    func allPrinted() throws {
        let meaningless = ["slab-growth-factor", "slab-min-size", "napi-ids", "enable-largepages", "udp-port"]
        for isWritten in [false, true] {
            let written = "slab-growth-factor 1.5\nslab-min-size 50\nnapi-ids 1\nenable-largepages\nudp-port 1\n"
            let configuration = try gather(isWritten ? written : "")
            let (options, settings) = try configuration.judged(machine: machine)
            let text = ConfigurationText.make(configuration, options, settings)
            for name in OptionTable.configurationWords where name != "memory-file" {
                let isShown = text.contains("\n\(name) ") || text.contains("\n#\(name) ")
                #expect(isShown == (isWritten || !meaningless.contains(name)), "\(name)")
            }
        }
    }

    @Test("an option that a file gives twice is told, unless several count")
    func givenTwice() throws {
        let entries = try ConfigurationFile.entries("port 1\nprefix a\nprefix b\nport 2\n", path: "file")
        #expect(Configuration.repeated(entries) == ["file:4: port is given again; what file:1 says does not count"])
    }
}
