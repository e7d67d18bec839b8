// StartTests: what a start says and with which status it ends.
import Foundation
import Testing

@testable import memfisd

extension SystemTests {
    @Suite struct StartTests {
        private func run(_ words: [String]) throws -> ProgramResult {
            try Shell.run([Daemon.programPath] + words, timeoutSeconds: 20)
        }

        @Test(
            "every wrong option gets one line and memcached's status",
            arguments: [
                (["-c", "0"], 1, "Maximum connections must be greater than 0"),
                (["-t", "0"], 1, "Number of threads must be greater than 0"),
                (["-t", "many"], 1, "-t many: expected a number"),
                (["--memory-limit", "512m"], 1, "--memory-limit 512m: expected a number"),
                (["--memory-limit=0"], 1, "--memory-limit 0: expected a number from 1"),
                (["-R", "0"], 1, "Number of requests per event must be greater than 0"),
                (["-f", "1"], 1, "Factor must be greater than 1"),
                (["-I", "1000"], 64, "Item max size cannot be less than 1024 bytes."),
                (["-I", "256m"], 64, "Cannot set item size limit higher than 1/2 of memory max."),
                (["-m", "4096", "-I", "1100m"], 64, "Cannot set item size limit higher than a gigabyte."),
                (["-p", "65536"], 64, "expected a port from 0 to 65535"),
                (["-p", "0"], 64, "nothing to listen on"),
                (["-B", "binary"], 64, "the binary protocol is not offered: use -B auto or -B ascii"),
                (["-B", "other"], 64, "Invalid value for binding protocol"),
                (["-u", "no-such-user"], 67, "can't find the user no-such-user to switch to"),
                (["-s", "/tmp/x", "--unix-socket-group", "no-such-group"], 67, "can't find the group no-such-group"),
                (["-o", "no_such_word"], 1, "Illegal suboption \"no_such_word\""),
                (["-o", "hashpower=11"], 1, "Initial hashtable multiplier"),
                (["-o", "hash_algorithm=md5"], 1, "Unknown hash_algorithm option (jenkins, murmur3, xxh3)"),
                (["-o", "slab_automove=3"], 1, "slab_automove must be between 0 and 2"),
                (["-o", "slab_automove_ratio=2"], 1, "slab_automove_ratio must be > 0 and < 1"),
                (["-o", "slab_automove_window=2"], 1, "slab_automove_window must be > 2"),
                (["-o", "tail_repair_time=5"], 1, "Cannot set tail_repair_time to less than 10 seconds"),
                (["-o", "lru_crawler_sleep=1000001"], 1, "LRU crawler sleep must be between 0 and 1 second"),
                (["-o", "lru_crawler_tocrawl=x"], 1, "lru_crawler_tocrawl takes a numeric 32bit value"),
                (["-o", "hot_lru_pct=80"], 1, "hot_lru_pct must be > 1 and < 80"),
                (["-o", "warm_lru_pct=0"], 1, "warm_lru_pct must be > 1 and < 80"),
                (["-o", "hot_lru_pct=60,warm_lru_pct=30"], 64, "cannot be more than 80% combined"),
                (["-o", "hot_max_factor=0"], 1, "hot_max_factor must be > 0"),
                (["-o", "slab_sizes=300-200"], 64, "sizes that grow"),
                (["-o", "worker_logbuf_size=x"], 1, "could not parse argument to worker_logbuf_size"),
                (["-o", "slab_chunk_max"], 1, "Missing argument for suboption \"slab_chunk_max\""),
                (["-o", "get_keys_max=0"], 1, "expected a number from 1"),
                (["-o", "line_max=1"], 1, "expected a number from 2"),
                (["-o", "watchers_max=0"], 1, "expected a number from 1"),
                (["-o", "detail_prefixes_max=x"], 1, "expected a number from 1"),
                (["-o", ",modern"], 1, "Illegal suboption \"\""),
                (["-Y", "/no/such/file"], 66, "cannot read the authentication file"),
                (["-Y", "/no/such/file", "-U", "1"], 64, "Cannot use UDP with ascii authentication enabled"),
                (["-Y", "/proc/sys/kernel/ostype"], 1, "has a malformed entry in line 1"),
                (["-o", "ro"], 1, "-o ro needs a mount point"),
                (["-x"], 1, "invalid option -- 'x'"),
                (["-S"], 1, "invalid option -- 'S': SASL is not offered"),
                (["-Z"], 1, "invalid option -- 'Z': TLS is not offered"),
                (["--no-such-option"], 1, "unrecognized option '--no-such-option'"),
                (["--memry-limit=1"], 1, "unrecognized option '--memry-limit'; did you mean --memory-limit?"),
                (["--mem", "12"], 1, "option '--mem' is ambiguous: --memory-file or --memory-limit"),
                (["--evict-files", "-M"], 64, "--evict-files and -M contradict each other"),
                (
                    ["--files-max-bytes", "1g", "-m", "64"], 64,
                    "files cannot take more than the memory limit of 64 MiB"
                ),
                (
                    ["--prefix", "memfis://a/=/a"], 64,
                    "a prefix ends before the slash that begins the path: write memfis://a"
                ),
                (["--preload", "=rel"], 64, "the directory is missing before the ="),
                ([""], 64, "a mount point is empty"),
                (["-m", "64", "--", " "], 64, "a mount point is empty"),
                (["/tmp", "/tmp"], 64, "the mount point /tmp is named twice"),
                (["--log-file", "/no/such/directory/log"], 71, "cannot open the log file"),
                (["--unmount", "/nonexistent"], 66, "no memfisd is mounted at /nonexistent"),
                (["--unmount", "/etc"], 66, "no memfisd is mounted at /etc"),
                (["-p"], 1, "requires an argument"),
                (["--prefix", "a=/b/../c"], 64, "without . and .."),
                (["-l", "no.such.host.invalid"], 71, "cannot listen"),
                (["/no/such/directory"], 66, "No such file or directory"),
                (["/etc/passwd"], 66, "is not a directory"),
            ])
        func wrongOptions(words: [String], status: Int, message: String) throws {
            let result = try run(words)
            #expect(result.status == Int32(status), "\(result.errors)")
            #expect(result.errors.contains(message), "\(result.errors)")
            #expect(result.errors.hasPrefix("memfisd: ") && result.errors.split(separator: "\n").count == 1)
        }

        @Test("-h names memcached's options, -V the version, -i the license; each exits with 0")
        func texts() throws {
            let help = try run(["-h"])
            #expect(help.status == 0 && help.output.contains("--unix-socket"))
            for absent in ["sasl", "enable-ssl", "ext_path", "proxy_config", "no_drop_privileges"] {
                #expect(!help.output.lowercased().contains(absent))
            }
            #expect(try run(["-V"]).output.hasPrefix("memfisd "))
            let license = try run(["-i"])
            #expect(license.status == 0 && license.output.contains("the memfisd authors"))
        }

        @Test(
            "-c may be all the files that the system allows: the last connections are refused; more than that ends the start"
        )
        func openFiles() throws {
            // Without this capability root cannot raise the hard limit either.
            let limited = ["prlimit", "--nofile=100:100", "setpriv", "--bounding-set=-sys_resource"]
            let daemon = try Daemon(["-c", "100", "-u", "root"], mounted: false, wrapper: limited)
            defer { daemon.remove() }
            #expect(daemon.log.contains("-c 100: the system allows 100 open files"))
            var clients: [MemcachedClient] = []
            for _ in 0..<100 { clients.append(try daemon.client()) }
            let answer = try #require(clients.last).command("mn")
            #expect(answer.hasPrefix("ERROR Too many open connections"))
            #expect(try clients[0].command("mn").hasPrefix("MN"))
            let result = try Shell.run(limited + [Daemon.programPath, "-p", "-1", "-c", "101", "-u", "root"])
            #expect(result.status == 71 && result.errors.contains("cannot have 101 open files for -c"))
            #expect(
                result.errors.contains("raise the hard limit or fs.nr_open") && !result.errors.contains("start as root")
            )
        }

        @Test("a port that is taken is named, with how to choose another, and the status is 71")
        func portTaken() throws {
            let daemon = try Daemon(mounted: false)
            defer { daemon.remove() }
            let result = try run(["-p", "\(daemon.port)"])
            #expect(result.status == 71)
            #expect(result.errors.contains("127.0.0.1:\(daemon.port)") && result.errors.contains("choose another port"))
            let second = try run(["-s", daemon.socketPath])
            #expect(second.status == 71 && second.errors.contains("choose another path"), "\(second.errors)")
        }

        @Test(
            "a missing directory of -s ends the start, one of -P does not; neither is made, but the socket's below /run"
        )
        func missingDirectories() throws {
            let scratch = try Scratch()
            let result = try run(["-s", scratch.path("missing/s")])
            #expect(result.status == 71 && result.errors.contains("No such file or directory"), "\(result.errors)")
            let daemon = try Daemon(["-P", scratch.path("missing/pid")], mounted: false, scratch: scratch)
            defer { daemon.remove() }
            #expect(daemon.log.contains("cannot write \(scratch.path("missing/pid"))"))
            #expect(!Files.exists(scratch.path("missing")))
            let runtime = "/run/memfisd-test-\(UUID().uuidString.prefix(8))"
            defer { unsafe rmdir(runtime) }
            FilePaths.makeRuntimeDirectory(of: runtime + "/s")
            #expect(Files.exists(runtime))
            FilePaths.makeRuntimeDirectory(of: runtime + "/missing/inner/s")
            #expect(!Files.exists(runtime + "/missing"))
        }

        @Test("an ordinary user who may not open /dev/fuse is told so", .enabled(if: Requirements.withMount))
        func withoutDevice() throws {
            try Requirements.mountsArePossible()
            let scratch = try Scratch()
            defer { scratch.remove() }
            let closed = try scratch.file("closed", containing: "")
            Files.setMode(closed, 0)
            let mount = try scratch.directory("mnt")
            let line =
                "mount --bind \(closed) /dev/fuse && exec setpriv --reuid=65534 --regid=65534 --clear-groups "
                + "\(Daemon.programPath) -p -1 \(mount)"
            let result = try Shell.run(["unshare", "-m", "bash", "-c", line], timeoutSeconds: 20)
            #expect(result.status == 71 && result.errors.contains("cannot open /dev/fuse"), "\(result.errors)")
        }

        @Test(
            "a mount point in use by a running daemon is refused, and the daemon goes on",
            .enabled(if: Requirements.withMount))
        func mountPointTaken() throws {
            let daemon = try Daemon()
            defer { daemon.remove() }
            let result = try run(["-p", "-1", daemon.path("")])
            #expect(result.status == 71 && result.errors.contains("another memfisd"))
            try Files.write("page", to: daemon.path("page"))
            #expect(try daemon.client().get(Daemon.prefix + "/page")?.value == "page")
        }

        @Test(
            "a mount point that is not empty is covered, and shows its files again afterwards",
            .enabled(if: Requirements.withMount))
        func mountPointNotEmpty() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let mount = try scratch.directory("mnt")
            try Files.write("below", to: mount + "/below")
            let daemon = try Daemon(scratch: scratch)
            #expect(try FileManager.default.contentsOfDirectory(atPath: mount) == [])
            #expect(daemon.stop() == 0)
            #expect(try FileManager.default.contentsOfDirectory(atPath: mount) == ["below"])
        }

        @Test(
            "the start's log says which keys name files, and who may write them through the port",
            .enabled(if: Requirements.withMount))
        func log() throws {
            let open = try Daemon()
            defer { open.remove() }
            #expect(open.log.contains("whoever reaches the port may write files as user "))
            #expect(open.log.contains("notice memfisd: keys \(Daemon.prefix)/… name the files of /"))
            let scratch = try Scratch()
            let users = try scratch.file("users", containing: "me:secret\n")
            let guarded = try Daemon(["-Y", users], scratch: scratch)
            defer { guarded.remove() }
            #expect(guarded.log.contains("whoever authenticates on the port may write files as user "))
            let cache = try Daemon(mounted: false)
            defer { cache.remove() }
            #expect(!cache.log.contains("may write files"))
            let closed = try Daemon(["--files-read-only"], mounted: false)
            defer { closed.remove() }
            #expect(closed.log.contains("clients of the port may not write files"))
            #expect(!closed.log.contains("may write files as"))
            let plain = try Daemon(mounted: false)
            defer { plain.remove() }
            #expect(!plain.log.contains("may write files"))
        }

        @Test("without a mount point there is one process, which -P names and SIGTERM ends with 0")
        func oneProcess() throws {
            let scratch = try Scratch()
            let daemon = try Daemon(["-P", scratch.path("pid")], mounted: false, scratch: scratch)
            defer { daemon.remove() }
            #expect(scratch.text(of: "pid") == "\(daemon.pid)\n")
            #expect(daemon.serverPid == daemon.pid)
            #expect(try daemon.client().set("a", "b") == "STORED")
            #expect(daemon.stop() == 0)
        }

        @Test("-d returns when the port answers, and the file of -P goes with the daemon", arguments: [false, true])
        func background(mounted: Bool) throws {
            guard !mounted || Requirements.withMount else { return }
            let scratch = try Scratch()
            defer { scratch.remove() }
            let port = try Ports.free()
            let mount = mounted ? [try scratch.directory("mnt")] : []
            let result = try run(["-d", "-P", scratch.path("pid"), "-u", "root", "-p", "\(port)"] + mount)
            #expect(result.status == 0, "\(result.errors)")
            let pid = try #require(pid_t(scratch.text(of: "pid").trimmingCharacters(in: .newlines)))
            #expect(try MemcachedClient(port: port).set("a", "b") == "STORED")
            kill(pid, SIGTERM)
            #expect(Shell.waitUntil(timeoutSeconds: 20) { kill(pid, 0) != 0 })
            #expect(Shell.waitUntil(timeoutSeconds: 5) { !Files.exists(scratch.path("pid")) })
        }

        @Test("MEMCACHED_PORT_FILENAME learns the port that -p -1 got")
        func portFile() throws {
            let scratch = try Scratch()
            defer { scratch.remove() }
            let result = try Shell.run(
                [Daemon.programPath, "-d", "-P", scratch.path("pid"), "-u", "root", "-p", "-1", "-l", "127.0.0.1"],
                environment: ["MEMCACHED_PORT_FILENAME": scratch.path("ports")])
            #expect(result.status == 0)
            let line = scratch.text(of: "ports")
            let port = try #require(line.split(separator: " ").last.flatMap { Int($0.dropLast()) })
            #expect(line == "TCP INET: \(port)\n")
            #expect(try MemcachedClient(port: port).command("version").hasPrefix("VERSION "))
            kill(try #require(pid_t(scratch.text(of: "pid").trimmingCharacters(in: .newlines))), SIGTERM)
        }
    }
}
